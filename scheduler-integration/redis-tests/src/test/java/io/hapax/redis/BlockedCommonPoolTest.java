package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.BlockedCommonPool;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * No time-out of an answer waits for the JDK's common pool, all threads of which an application's tasks may have.
 * {@code -Dhapax.test.seed=} repeats which answers come.
 */
@Isolated
class BlockedCommonPoolTest {

    private static final Duration TIMEOUT = Duration.ofMillis(50);
    private static final int CALLS = 200;

    private BlockedCommonPool blocked;

    @BeforeEach
    void block() throws InterruptedException {
        blocked = new BlockedCommonPool();
    }

    @AfterEach
    void letGo() {
        blocked.close();
    }

    @Test
    void whatever_is_not_answered_fails_in_time() {
        long seed = Long.getLong("hapax.test.seed", new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        AnswerTimeouts timeouts = new AnswerTimeouts(TIMEOUT, Ticker.SYSTEM, "there");
        List<CompletableFuture<String>> silent = new ArrayList<>();
        for (int n = 0; n < CALLS; n++) {
            CompletableFuture<String> answer = new CompletableFuture<>();
            timeouts.watch(answer);
            if (random.nextInt(3) == 0) {
                answer.complete("here");
            } else {
                silent.add(answer);
            }
        }
        assertThat(silent)
                .as("seed %d", seed)
                .allSatisfy(answer -> assertThat(answer)
                        .failsWithin(Duration.ofSeconds(30))
                        .withThrowableThat()
                        .withCauseInstanceOf(LeaseStoreException.class));
        assertThat(blocked.isBlocked()).isTrue();
    }

    @Test
    void a_time_out_that_goes_on_on_the_common_pool_is_seen_here() {
        AnswerTimeouts starved = new AnswerTimeouts(TIMEOUT, Ticker.SYSTEM, "there", ForkJoinPool.commonPool());
        CompletableFuture<String> answer = new CompletableFuture<>();
        starved.watch(answer);
        // It was handed over then, and nobody takes it up.
        await().until(() -> starved.size() == 0);
        assertThat(answer).isNotDone();
        blocked.close();
        assertThat(answer).failsWithin(Duration.ofSeconds(30));
    }
}
