package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whoever waits for a key on its own thread asks again on it, and no other thread is in the way. */
class WaitingCallerTest {

    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final List<Thread> askedOn = new CopyOnWriteArrayList<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile int answeredFirst;
    private final JobGuard guard =
            JobGuard.builder(new Lending()).withoutLogging().build();
    private final GuardedRun holder = held();

    /** Lets callers lend it their threads, as one in Redis does. */
    private final class Lending extends ForwardingLeaseStore {

        private final LeaseStore lent = new ForwardingLeaseStore(memory) {
            @Override
            public CompletionStage<Acquisition> acquire(LeaseRequest request) {
                askedOn.add(Thread.currentThread());
                if (failure.get() instanceof Error error && askedOn.size() > answeredFirst) {
                    throw error;
                }
                return super.acquire(request);
            }
        };

        Lending() {
            super(memory);
        }

        @Override
        public LeaseStore blocking() {
            return lent;
        }
    }

    private GuardedRun held() {
        try {
            GuardedRun run = Answered.run(guard.admit(RunRequest.lock("k")));
            askedOn.clear();
            return run;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void close() {
        holder.close();
        guard.close();
    }

    private static <T> FutureTask<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        new Thread(task, "caller").start();
        return task;
    }

    private Admission waits() throws InterruptedException {
        return guard.admit(RunRequest.lock("k").waitAtMost(Duration.ofMinutes(5)));
    }

    private void awaitWaiting(int many) {
        await().until(() -> guard.admin().waiting().size() == many);
    }

    @Test
    void it_asks_on_its_own_thread_each_time() throws Exception {
        AtomicReference<Thread> caller = new AtomicReference<>();
        FutureTask<GuardedRun> next = start(() -> {
            caller.set(Thread.currentThread());
            return Answered.run(waits());
        });
        awaitWaiting(1);
        holder.close();
        next.get(1, TimeUnit.MINUTES).close();
        assertThat(askedOn).hasSizeGreaterThan(1).containsOnly(caller.get());
    }

    @Test
    void an_interrupt_ends_its_wait_and_leaves_the_key_to_the_next() throws Exception {
        // It may be granted at the same moment.
        FutureTask<Boolean> first = start(() -> {
            try {
                Answered.run(waits()).close();
                return Thread.interrupted();
            } catch (InterruptedException e) {
                return true;
            }
        });
        awaitWaiting(1);
        FutureTask<GuardedRun> second = start(() -> Answered.run(waits()));
        awaitWaiting(2);
        first.cancel(true);
        holder.close();
        second.get(1, TimeUnit.MINUTES).close();
    }

    @Test
    void who_leaves_because_its_pool_has_no_thread_to_spare_waits_no_more() throws Exception {
        ForkJoinPool full = new ForkJoinPool(
                1, ForkJoinPool.defaultForkJoinWorkerThreadFactory, null, false, 1, 1, 1, null, 1, TimeUnit.MINUTES);
        try {
            FutureTask<Admission> refused = new FutureTask<>(this::waits);
            full.execute(refused);
            assertThatThrownBy(() -> refused.get(1, TimeUnit.MINUTES))
                    .hasCauseInstanceOf(RejectedExecutionException.class);
            awaitWaiting(0);
        } finally {
            full.shutdown();
        }
    }

    @Test
    void an_error_of_the_store_is_an_answer() throws Exception {
        // From the second request on, whenever this thread has a processor.
        answeredFirst = 1;
        failure.set(new OutOfMemoryError("planted"));
        FutureTask<Verdict> refused =
                start(() -> Answered.refusal(guard.admit(RunRequest.lock("k").waitAtMost(Duration.ofSeconds(3))))
                        .verdict());
        assertThat(refused.get(1, TimeUnit.MINUTES)).isEqualTo(Verdict.UNAVAILABLE);
        assertThat(askedOn).as("it was refused, and waited").hasSizeGreaterThan(1);
        failure.set(null);
    }

    @Test
    void a_guard_that_closes_ends_its_wait() throws Exception {
        FutureTask<Verdict> refused = start(() -> Answered.refusal(waits()).verdict());
        awaitWaiting(1);
        guard.close();
        assertThat(refused.get(1, TimeUnit.MINUTES)).isEqualTo(Verdict.UNAVAILABLE);
    }

    @Test
    void a_pool_whose_threads_all_wait_gets_another_one() throws Exception {
        ForkJoinPool pool = new ForkJoinPool(1);
        try {
            FutureTask<GuardedRun> next = new FutureTask<>(() -> Answered.run(waits()));
            pool.execute(next);
            awaitWaiting(1);
            // Its only thread waits.
            pool.submit(holder::close).get(1, TimeUnit.MINUTES);
            next.get(1, TimeUnit.MINUTES).close();
        } finally {
            pool.shutdown();
        }
    }
}
