package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Code that follows an answer on the thread of that answer, and blocks, keeps no other caller waiting: it may wait for one of them. */
class BlockedCallersTest {

    private static final int CALLERS = 50;
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration AT_MOST = Duration.ofSeconds(60);

    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final AtomicInteger blocked = new AtomicInteger();

    @AfterEach
    void let_them_go_on() {
        goOn.countDown();
    }

    @Test
    void a_wait_ends_though_the_code_behind_other_waits_blocks() throws Exception {
        try (JobGuard holder = guard(memory);
                JobGuard guard = guard(memory);
                GuardedRun ignored = Answered.run(holder.admit(RunRequest.lock("held")))) {
            RunRequest waiting = RunRequest.lock("held").waitAtMost(SHORT);
            assertThatNobodyIsKeptWaiting(guard, waiting, Verdict.OVERLAP);
        }
    }

    @Test
    void a_deadline_is_kept_though_the_code_behind_other_deadlines_blocks() throws Exception {
        try (JobGuard guard = guard(new Silent())) {
            assertThatNobodyIsKeptWaiting(guard, RunRequest.lock("silent"), Verdict.UNAVAILABLE);
            goOn.countDown();
        }
    }

    private void assertThatNobodyIsKeptWaiting(JobGuard guard, RunRequest request, Verdict verdict) throws Exception {
        for (int n = 0; n < CALLERS; n++) {
            // What follows an answer that is there already has the thread of its caller.
            start(() -> guard.admitAsync(request)
                    .whenComplete((answer, failure) -> block())
                    .join());
        }
        await().atMost(AT_MOST).until(() -> blocked.get() > 0);
        FutureTask<Admission> another = new FutureTask<>(() -> guard.admit(request));
        start(another);
        await().atMost(AT_MOST).until(another::isDone);
        assertThat(Answered.refusal(another.get()).verdict()).isEqualTo(verdict);
        assertThat(goOn.getCount()).isOne();
        await().atMost(AT_MOST).until(() -> blocked.get() == CALLERS);
        goOn.countDown();
    }

    private static void start(Runnable caller) {
        Thread thread = new Thread(caller, "caller");
        thread.setDaemon(true);
        thread.start();
    }

    private void block() {
        blocked.incrementAndGet();
        try {
            goOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static JobGuard guard(LeaseStore store) {
        return JobGuard.builder(store).worker("w").build();
    }

    /** Promises an answer within a moment, and never gives one. */
    private final class Silent extends ForwardingLeaseStore {
        Silent() {
            super(memory);
        }

        @Override
        public CompletionStage<Acquisition> acquire(LeaseRequest request) {
            return new CompletableFuture<>();
        }

        @Override
        public Duration answerTimeout() {
            return SHORT;
        }
    }
}
