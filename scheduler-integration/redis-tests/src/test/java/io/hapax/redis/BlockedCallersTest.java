package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.LeaseStoreException;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** No time-out of an answer waits for code that follows other time-outs, and blocks. */
class BlockedCallersTest {

    private static final int CALLERS = 100;

    @Test
    void what_is_not_answered_fails_though_the_code_behind_other_failures_blocks() {
        CountDownLatch goOn = new CountDownLatch(1);
        try {
            AnswerTimeouts timeouts = new AnswerTimeouts(Duration.ofMillis(50), Ticker.SYSTEM, "there");
            for (int n = 0; n < CALLERS; n++) {
                CompletableFuture<String> answer = new CompletableFuture<>();
                var unused = answer.whenComplete((value, failure) -> block(goOn));
                timeouts.watch(answer);
            }
            CompletableFuture<String> last = new CompletableFuture<>();
            timeouts.watch(last);
            assertThat(last)
                    .failsWithin(Duration.ofSeconds(60))
                    .withThrowableThat()
                    .withCauseInstanceOf(LeaseStoreException.class);
        } finally {
            goOn.countDown();
        }
    }

    private static void block(CountDownLatch goOn) {
        try {
            goOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
