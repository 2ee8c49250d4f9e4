package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.LeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.ForwardingTicker;
import io.hapax.testkit.InjectedFault;
import io.hapax.testkit.OwnThread;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Whatever is thrown, the guard's threads go on, and no run believes that it is protected when it is not. */
class ThreadsThatNeverDieTest {

    private static final RunRequest KEY = RunRequest.lock("k").ttl(Duration.ofSeconds(1));
    private static final RunRequest OTHER_KEY = RunRequest.lock("other").ttl(Duration.ofSeconds(1));
    /** In real time, of which a busy machine may lose some seconds. */
    private static final RunRequest REAL = RunRequest.lock("k").ttl(Duration.ofSeconds(9));
    /** Between the notice and its end are three seconds. */
    private static final RunRequest LONG = RunRequest.lock("k").ttl(Duration.ofSeconds(20));

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultInjector faults = new FaultInjector();
    private final LeaseStore store = faults.around(LeaseStore.class, memory);
    private final JobGuard other =
            JobGuard.builder(memory.otherClient()).ticker(ticker).build();

    private static GuardedRun admitted(JobGuard guard) throws InterruptedException {
        return Answered.run(guard.admit(KEY));
    }

    @Test
    void a_renewal_that_throws_an_error_once_costs_no_later_run_its_protection() throws Exception {
        JobGuard guard = JobGuard.builder(store).ticker(ticker).build();
        faults.inject(
                LeaseStore.class,
                "renew",
                new InjectedFault.Thrown(new OutOfMemoryError("unable to create native thread")),
                1);
        for (int n = 1; n <= 3; n++) {
            GuardedRun run = admitted(guard);
            try (GuardedRun.Scope scope = run.enter()) {
                for (int tenth = 0; tenth < 40; tenth++) {
                    ticker.advance(Duration.ofMillis(100));
                    assertThat(other.admit(KEY)).isInstanceOf(Admission.Refused.class);
                }
                assertThat(run.complete()).as("run " + n).isEqualTo(RunOutcome.COMPLETED);
            }
        }
        assertThat(guard.shutdown(Duration.ofSeconds(5))).isTrue();
    }

    @Test
    void a_listener_that_throws_an_error_does_not_keep_a_run_from_its_result_and_is_logged_once() throws Exception {
        Logger logger = (Logger) LoggerFactory.getLogger(JobGuard.class);
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        AssertionError error = new AssertionError("of the listener");
        JobGuard guard = JobGuard.builder(memory)
                .listener(event -> {
                    throw error;
                })
                .build();
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
        try {
            CompletableFuture<RunResult<Integer>> result = OwnThread.supply(() -> ran(guard));
            assertThat(result.get(40, TimeUnit.SECONDS)).isInstanceOf(RunResult.Ran.class);
            assertThat(lines.list.stream().filter(line -> line.getLevel() == Level.WARN))
                    .singleElement()
                    .satisfies(line ->
                            assertThat(line.getThrowableProxy().getMessage()).isEqualTo("of the listener"));
        } finally {
            logger.detachAppender(lines);
        }
    }

    private static RunResult<Integer> ran(JobGuard guard) {
        try {
            return guard.run(RunRequest.lock("k"), run -> 1);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void runs_are_told_that_they_lost_their_lease_while_the_watchdog_cannot_work_and_later_ones_are_protected()
            throws Exception {
        SickTicker sick = new SickTicker(Ticker.SYSTEM);
        InMemoryLeaseStore real = new InMemoryLeaseStore(Ticker.SYSTEM);
        JobGuard guard = JobGuard.builder(real).ticker(sick).build();
        JobGuard second = JobGuard.builder(real.otherClient()).build();
        GuardedRun run = Answered.run(guard.admit(LONG));
        CompletableFuture<Boolean> wasTaken = new CompletableFuture<>();
        run.onLeaseLost(loss -> wasTaken.complete(real.admin()
                .holder(LONG.identity())
                .toCompletableFuture()
                .join()
                .isEmpty()));
        sick.ill = true;
        try (GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
            assertThat(wasTaken.get(40, TimeUnit.SECONDS))
                    .as("the lease had ended before")
                    .isFalse();
        }
        run.close();
        sick.ill = false;
        GuardedRun later = Answered.run(guard.admit(REAL));
        try (GuardedRun.Scope scope = later.enter()) {
            NanoTime moreThanTtl = Ticker.SYSTEM.now().plus(Duration.ofSeconds(10));
            await().atMost(Duration.ofSeconds(40))
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> {
                        assertThat(second.admit(REAL)).isInstanceOf(Admission.Refused.class);
                        return !Ticker.SYSTEM.now().isBefore(moreThanTtl);
                    });
            assertThat(later.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    /** Its clock cannot be read by a watchdog. */
    private static final class SickTicker extends ForwardingTicker {
        private volatile boolean ill;
        private volatile @Nullable Thread illFor;

        SickTicker(Ticker ticker) {
            super(ticker);
        }

        @Override
        public NanoTime now() {
            if ((ill && isWatchdog()) || illFor == Thread.currentThread()) {
                throw new OutOfMemoryError("Java heap space");
            }
            return super.now();
        }
    }

    private static boolean isWatchdog() {
        return Thread.currentThread().getName().startsWith("hapax-watchdog");
    }

    /** On which a watchdog cannot wait: each of its passes fails. */
    private static final class SleeplessTicker extends ForwardingTicker {
        private final AtomicInteger failed = new AtomicInteger();
        private volatile boolean ill;

        SleeplessTicker(Ticker ticker) {
            super(ticker);
        }

        @Override
        public void parkUntil(NanoTime deadline) {
            if (ill && isWatchdog()) {
                failed.incrementAndGet();
                throw new OutOfMemoryError("Java heap space");
            }
            super.parkUntil(deadline);
        }

        void awaitFailures(int more) {
            int before = failed.get();
            await().until(() -> failed.get() >= before + more);
        }
    }

    @Test
    void a_run_is_told_by_what_proves_its_own_lease_however_long_the_watchdog_has_failed() throws Exception {
        SleeplessTicker sick = new SleeplessTicker(ticker);
        try (JobGuard guard = JobGuard.builder(memory).ticker(sick).build()) {
            GuardedRun old = admitted(guard);
            sick.ill = true;
            try (GuardedRun.Scope scope = old.enter(OnLeaseLost.SIGNAL)) {
                // In real time, that is longer than a ttl: on the clock that counts, it is nothing.
                sick.awaitFailures(60);
                assertThat(old.lost()).isEmpty();
                ticker.advance(Duration.ofMillis(500));
                GuardedRun young = Answered.run(guard.admit(OTHER_KEY));
                try (GuardedRun.Scope other = young.enter(OnLeaseLost.SIGNAL)) {
                    sick.awaitFailures(10);
                    assertThat(old.lost()).isEmpty();
                    assertThat(young.lost()).isEmpty();
                    ticker.advance(Duration.ofMillis(400));
                    await().until(() -> old.lost().isPresent());
                    sick.awaitFailures(10);
                    assertThat(young.lost()).isEmpty();
                    sick.ill = false;
                    ticker.advance(Duration.ofMillis(400));
                    assertThat(young.complete()).isEqualTo(RunOutcome.COMPLETED);
                }
            }
            assertThat(old.lost()).contains(LossReason.NOT_RENEWED);
        }
    }

    @Test
    void a_loss_is_told_also_where_the_clock_cannot_be_read() throws Exception {
        SickTicker sick = new SickTicker(ticker);
        Events events = new Events();
        try (JobGuard guard =
                JobGuard.builder(memory).ticker(sick).listener(events).build()) {
            GuardedRun run = admitted(guard);
            try (GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
                sick.illFor = Thread.currentThread();
                run.lose(LossReason.CANCELLED, null);
                sick.illFor = null;
            }
            assertThat(events.awaitOne(GuardEvent.Lost.class).reason()).isEqualTo(LossReason.CANCELLED);
            run.close();
        }
    }
}
