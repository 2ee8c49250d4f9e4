package io.hapax.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** Answers that have arrived while this process stood still are read before they count as missing. */
class StandstillTest {

    private static final Duration ANSWER = Duration.ofMillis(20);
    private static final Duration GRACE = Duration.ofMillis(100);
    private static final int CALLERS = 100;

    private final GuardThreads threads = new GuardThreads((what, failure) -> {});

    @Test
    void what_is_late_because_nobody_could_work_has_a_moment_more() {
        Database database = new Database(new PGSimpleDataSource(), "standstill", 1, ANSWER);
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch stands = new CountDownLatch(1);
        // On the timer's own thread.
        Runnable unused = threads.after(Duration.ZERO, Runnable::run, () -> {
            stands.countDown();
            awaitUninterrupted(goOn);
        });
        awaitUninterrupted(stands);
        CompletableFuture<String> answer = new CompletableFuture<>();
        AtomicLong failedAt = new AtomicLong();
        var ignored = answer.whenComplete((value, failure) -> failedAt.set(System.nanoTime()));
        long asked = System.nanoTime();
        database.bound(answer);
        await().until(() -> System.nanoTime() - asked > ANSWER.plus(GRACE).toNanos());
        long resumed = System.nanoTime();
        goOn.countDown();
        await().until(() -> failedAt.get() != 0);
        assertThat(answer).isCompletedExceptionally();
        assertThat(Duration.ofNanos(failedAt.get() - resumed)).isGreaterThanOrEqualTo(GRACE);
    }

    @Test
    void what_is_late_fails_though_the_code_behind_other_failures_blocks() {
        Database database = new Database(new PGSimpleDataSource(), "standstill", 1, ANSWER);
        CountDownLatch goOn = new CountDownLatch(1);
        try {
            for (int n = 0; n < CALLERS; n++) {
                CompletableFuture<String> answer = new CompletableFuture<>();
                var ignored = answer.whenComplete((value, failure) -> awaitUninterrupted(goOn));
                database.bound(answer);
            }
            CompletableFuture<String> last = new CompletableFuture<>();
            database.bound(last);
            assertThat(last).failsWithin(Duration.ofSeconds(60));
        } finally {
            goOn.countDown();
        }
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
