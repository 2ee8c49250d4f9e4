package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.event.LossReason;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * {@link Thread#interrupt} may block: it closes the channel that the thread reads or writes, and for a file waits until the system call
 * returns, which a file server that hangs can delay for ever. It holds up nothing but the end of that run's work.
 */
class BlockedInterruptTest {

    private static final Duration MAX_HOLD = Duration.ofSeconds(20);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final CountDownLatch leave = new CountDownLatch(1);

    @AfterEach
    void let_it_go_on() {
        goOn.countDown();
        leave.countDown();
    }

    private JobGuard guard(GuardThreads threads) {
        return JobGuard.builder(store)
                .ticker(ticker)
                .threads(threads)
                .withoutLogging()
                .build();
    }

    private static GuardThreads threads() {
        return new GuardThreads((what, failure) -> {
            throw new AssertionError(what, failure);
        });
    }

    /** Works on a run that is held for too long, until it is to leave; an interrupt of it blocks. */
    private final class Worker extends Thread {

        private final GuardedRun run;
        private final AtomicInteger interrupts = new AtomicInteger();
        private final CountDownLatch entered = new CountDownLatch(1);
        private final AtomicBoolean interruptedAfterwards = new AtomicBoolean();
        private volatile boolean left;

        Worker(GuardedRun run) {
            super("worker");
            this.run = run;
            setDaemon(true);
        }

        @Override
        public void interrupt() {
            interrupts.incrementAndGet();
            uninterruptibly(goOn);
            super.interrupt();
        }

        @Override
        public void run() {
            try (GuardedRun.Scope scope = run.enter()) {
                entered.countDown();
                uninterruptibly(leave);
            }
            left = true;
            interruptedAfterwards.set(Thread.interrupted());
            run.close();
        }

        private static void uninterruptibly(CountDownLatch latch) {
            while (latch.getCount() > 0) {
                try {
                    boolean unused = latch.await(1, TimeUnit.SECONDS);
                } catch (InterruptedException again) {
                    // As a system call does that cannot be interrupted.
                }
            }
        }
    }

    private Worker working(JobGuard guard) throws InterruptedException {
        Worker worker = new Worker(
                Answered.run(guard.admit(RunRequest.lock("hung").tune(options -> options.withMaxHold(MAX_HOLD)))));
        worker.start();
        worker.entered.await();
        return worker;
    }

    @Test
    void an_interrupt_that_blocks_holds_up_neither_renewals_nor_those_who_look_at_the_runs() throws Exception {
        try (JobGuard guard = guard(threads())) {
            GuardedRun bystander = Answered.run(guard.admit(RunRequest.lock("bystander")));
            Worker worker = working(guard);
            try (GuardedRun.Scope scope = bystander.enter(OnLeaseLost.SIGNAL)) {
                ticker.advance(MAX_HOLD);
                await().until(() -> worker.interrupts.get() == 1);
                ticker.advance(RunOptions.DEFAULTS.ttl());
                ticker.advance(RunOptions.DEFAULTS.ttl());
                assertThat(bystander.isHeld()).as("the other run is renewed").isTrue();
                assertThat(worker.run.lost()).contains(LossReason.MAX_HOLD);
                assertThat(guard.admin().runs()).hasSize(2);
            }
            bystander.close();
            goOn.countDown();
            leave.countDown();
            worker.join();
        }
    }

    @Test
    void who_leaves_a_run_waits_for_an_interrupt_that_is_under_way_and_takes_none_of_it_along() throws Exception {
        try (JobGuard guard = guard(threads())) {
            Worker worker = working(guard);
            ticker.advance(MAX_HOLD);
            await().until(() -> worker.interrupts.get() == 1);
            leave.countDown();
            await().until(() -> worker.getState() == Thread.State.WAITING);
            assertThat(worker.left).isFalse();
            assertThat(guard.admin().runs()).hasSize(1);
            goOn.countDown();
            worker.join();
            assertThat(worker.interruptedAfterwards).isFalse();
        }
    }

    @Test
    void an_interrupt_that_was_not_sent_before_the_run_was_left_is_never_sent() throws Exception {
        List<Runnable> kept = new CopyOnWriteArrayList<>();
        GuardThreads threads = new GuardThreads((what, failure) -> {}) {
            @Override
            public ExecutorService growingPool(String name, int usual) {
                return name.equals("hapax-interrupts") ? new Keeping(kept) : super.growingPool(name, usual);
            }
        };
        goOn.countDown();
        try (JobGuard guard = guard(threads)) {
            Worker worker = working(guard);
            ticker.advance(MAX_HOLD);
            await().until(() -> kept.size() == 1);
            leave.countDown();
            worker.join();
            kept.forEach(Runnable::run);
            assertThat(worker.interrupts).hasValue(0);
        }
    }

    @Test
    void where_no_thread_can_be_started_the_run_is_interrupted_all_the_same() throws Exception {
        GuardThreads threads = new GuardThreads((what, failure) -> {}, thread -> {
            if (thread.getName().startsWith("hapax-interrupts")) {
                throw new OutOfMemoryError("unable to create native thread");
            }
        });
        goOn.countDown();
        try (JobGuard guard = guard(threads)) {
            Worker worker = working(guard);
            ticker.advance(MAX_HOLD);
            await().until(() -> worker.interrupts.get() == 1);
            leave.countDown();
            worker.join();
            assertThat(worker.interruptedAfterwards).isFalse();
        }
    }

    /** A pool whose threads do not come to its tasks. */
    private static final class Keeping extends AbstractExecutorService {

        private final List<Runnable> kept;

        Keeping(List<Runnable> kept) {
            this.kept = kept;
        }

        @Override
        public void execute(Runnable task) {
            kept.add(task);
        }

        @Override
        public void shutdown() {}

        @Override
        public List<Runnable> shutdownNow() {
            return kept;
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }
    }
}
