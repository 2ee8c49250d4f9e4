package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.ForwardingTicker;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever is thrown while a run ends, its end comes about: it does not count for ever, nor keep its key, and its callers are answered. */
class FailedEndTest {

    private static final Duration TTL = Duration.ofSeconds(1);
    private static final RunRequest KEY = RunRequest.lock("k").ttl(TTL);
    private static final RunRequest ONCE = RunRequest.occurrence("report").ttl(TTL);

    private final ManualTicker time = new ManualTicker();
    private final SickTicker ticker = new SickTicker(time);
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(time);
    private final AtomicInteger failures = new AtomicInteger();
    private volatile boolean sickensAtRelease;
    private volatile boolean noMemoryForCallbacks;
    private final Events events = new Events();
    private final JobGuard guard = guard(new Store(memory), ticker);

    private JobGuard guard(LeaseStore store, Ticker on) {
        return JobGuard.builder(store)
                .ticker(on)
                .listener(events)
                .threads(new Threads())
                .build();
    }

    @AfterEach
    void close() {
        ticker.ill = false;
        noMemoryForCallbacks = false;
        guard.close();
    }

    /** Its clock cannot be read. */
    @SuppressWarnings("NullAway")
    private static final class SickTicker extends ForwardingTicker {
        private volatile boolean ill;
        private volatile boolean silent;

        SickTicker(Ticker ticker) {
            super(ticker);
        }

        @Override
        public NanoTime now() {
            if (ill) {
                throw new InternalError("as if there were no memory");
            }
            return silent ? null : super.now();
        }
    }

    /** Answers to releases come later, or not at all. */
    private final class Store extends ForwardingLeaseStore {
        Store(LeaseStore store) {
            super(store);
        }

        @Override
        public CompletionStage<Boolean> release(Lease lease, Ending ending) {
            if (sickensAtRelease) {
                sickensAtRelease = false;
                ticker.ill = true;
                return CompletableFuture.failedFuture(new LeaseStoreException("away"));
            }
            return super.release(lease, ending).thenApplyAsync(released -> released, code -> new Thread(code).start());
        }

        @Override
        public LeaseStore blocking() {
            return this;
        }
    }

    private final class Threads extends GuardThreads {
        Threads() {
            super((what, failure) -> failures.incrementAndGet());
        }

        @Override
        public ExecutorService pool(String name, int most) {
            ExecutorService pool = super.pool(name, most);
            return name.equals("hapax-callback") ? new Callbacks(pool) : pool;
        }
    }

    /** Takes no task while there is no memory for it. */
    private final class Callbacks extends AbstractExecutorService {
        private final ExecutorService pool;

        Callbacks(ExecutorService pool) {
            this.pool = pool;
        }

        @Override
        public void execute(Runnable task) {
            if (noMemoryForCallbacks) {
                throw new InternalError("as if there were no memory");
            }
            pool.execute(task);
        }

        @Override
        public void shutdown() {
            pool.shutdown();
        }

        @Override
        public List<Runnable> shutdownNow() {
            return pool.shutdownNow();
        }

        @Override
        public boolean isShutdown() {
            return pool.isShutdown();
        }

        @Override
        public boolean isTerminated() {
            return pool.isTerminated();
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
            return pool.awaitTermination(timeout, unit);
        }
    }

    private void awaitNobody(JobGuard of) {
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            time.advance(TTL.dividedBy(10));
            return of.activeRuns() == 0;
        });
    }

    private boolean isFree(RunRequest request) {
        return memory.admin()
                .holder(request.identity())
                .toCompletableFuture()
                .join()
                .isEmpty();
    }

    @Test
    void a_run_that_is_given_back_while_the_clock_cannot_be_read_is_settled_when_it_can() throws Exception {
        SickTicker real = new SickTicker(Ticker.SYSTEM);
        InMemoryLeaseStore kept = new InMemoryLeaseStore(Ticker.SYSTEM);
        JobGuard own = guard(new Store(kept), real);
        GuardedRun run = Answered.run(own.admit(KEY));
        real.ill = true;
        await().atMost(Duration.ofSeconds(40)).until(() -> run.lost().isPresent());
        real.ill = false;
        run.close();
        await().atMost(Duration.ofSeconds(40)).until(() -> own.activeRuns() == 0);
        assertThat(run.isSettled()).isTrue();
        GuardEvent.Released released = events.awaitOne(GuardEvent.Released.class);
        assertThat(events.of(GuardEvent.Released.class)).containsExactly(released);
        own.close();
    }

    @Test
    void a_completion_that_fails_where_the_clock_cannot_be_read_is_tried_again() throws Exception {
        GuardedRun run = Answered.run(guard.admit(ONCE));
        try (GuardedRun.Scope scope = run.enter()) {
            sickensAtRelease = true;
            assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
        }
        ticker.ill = false;
        await().atMost(Duration.ofSeconds(40)).until(run::isSettled);
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.COMPLETED);
        awaitNobody(guard);
    }

    @Test
    void an_end_that_nobody_brings_about_is_over_when_all_of_it_has_run_out() throws Exception {
        GuardedRun run = Answered.run(guard.admit(ONCE));
        try (GuardedRun.Scope scope = run.enter()) {
            // What failed after it, failed with all that it would have done.
            assertThat(run.startEnd(true, true).isFirst()).isTrue();
        }
        awaitNobody(guard);
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.UNCONFIRMED);
        assertThat(guard.shutdown(Duration.ofSeconds(5))).isTrue();
    }

    @Test
    void an_end_of_a_run_that_holds_nothing_and_fails_half_way_keeps_no_later_caller_waiting() throws Exception {
        SickTicker broken = new SickTicker(time);
        try (JobGuard observing = JobGuard.builder(memory.otherClient())
                        .ticker(broken)
                        .defaults(options -> options.withObserve(true))
                        .build();
                GuardedRun other = Answered.run(guard.admit(KEY))) {
            GuardedRun run = Answered.run(observing.admit(KEY));
            run.enter().close();
            broken.silent = true;
            assertThatThrownBy(run::complete).isInstanceOf(NullPointerException.class);
            broken.silent = false;
            FutureTask<RunOutcome> later = new FutureTask<>(run::complete);
            new Thread(later).start();
            assertThat(later.get(40, TimeUnit.SECONDS)).isEqualTo(RunOutcome.UNCONFIRMED);
        }
    }

    @Test
    void a_run_that_is_taken_away_and_not_given_back_for_want_of_memory_is_given_back_later() throws Exception {
        GuardedRun run = Answered.run(guard.admit(KEY));
        assertThat(run.markLapsed(LossReason.NOT_BEGUN)).isTrue();
        time.advance(TTL.multipliedBy(95).dividedBy(100));
        await().atMost(Duration.ofSeconds(40)).until(() -> isFree(KEY));
        awaitNobody(guard);
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.RELEASED);
    }

    @Test
    void a_lost_run_whose_callbacks_cannot_be_called_yet_ends_as_lost_and_they_are_called_later() throws Exception {
        GuardedRun run = Answered.run(guard.admit(KEY));
        CompletableFuture<LossReason> called = new CompletableFuture<>();
        run.onLeaseLost(loss -> called.complete(loss.reason()));
        noMemoryForCallbacks = true;
        try (GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
            time.advance(Duration.ofMillis(1));
            memory.release(run.lease().orElseThrow(), Ending.NOT_DONE)
                    .toCompletableFuture()
                    .join();
            await().atMost(Duration.ofSeconds(40)).until(() -> {
                time.advance(TTL.dividedBy(10));
                return run.lost().isPresent();
            });
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        }
        assertThat(run.isSettled()).isTrue();
        assertThat(called).isNotDone();
        noMemoryForCallbacks = false;
        awaitNobody(guard);
        assertThat(called.get(40, TimeUnit.SECONDS)).isEqualTo(LossReason.GONE);
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.LOST);
    }
}
