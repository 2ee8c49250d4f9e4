package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.LeaseStoreException;
import io.hapax.test.ManualTicker;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class AnswerTimeoutsTest {

    private static final Duration TIMEOUT = Duration.ofMillis(200);

    private final AnswerTimeouts timeouts = new AnswerTimeouts(TIMEOUT, Ticker.SYSTEM, "there");

    private CompletableFuture<String> watched() {
        CompletableFuture<String> answer = new CompletableFuture<>();
        timeouts.watch(answer);
        return answer;
    }

    /** One whose answer came in time; this thread may have no processor for longer once, and not each time. */
    private CompletableFuture<String> answered() {
        for (int tries = 1; ; tries++) {
            CompletableFuture<String> answer = watched();
            if (answer.complete("here")) {
                return answer;
            }
            assertThat(tries).as("answers that are late at once").isLessThan(20);
        }
    }

    @Test
    void an_answer_that_does_not_come_fails_when_the_time_is_over_and_not_before() {
        for (int round = 0; round < 2; round++) {
            long begun = System.nanoTime();
            CompletableFuture<String> silent = watched();
            CompletableFuture<String> answered = answered();
            assertThat(silent)
                    .failsWithin(Duration.ofSeconds(30))
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOf(LeaseStoreException.class)
                    .withMessage("Redis at there gave no answer within 200 ms");
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(TIMEOUT);
            assertThat(answered).isCompletedWithValue("here");
        }
    }

    @Test
    void those_that_began_later_end_later() {
        ManualTicker ticker = new ManualTicker();
        AnswerTimeouts slow = new AnswerTimeouts(TIMEOUT, ticker, "there");
        CompletableFuture<String> first = new CompletableFuture<>();
        slow.watch(first);
        ticker.advance(TIMEOUT.dividedBy(2));
        CompletableFuture<String> second = new CompletableFuture<>();
        slow.watch(second);
        ticker.advance(TIMEOUT.dividedBy(2));
        await().until(first::isDone);
        assertThat(second).isNotDone();
        ticker.advance(TIMEOUT.dividedBy(2));
        await().until(second::isDone);
        await().until(() -> slow.size() == 0);
    }

    @Test
    void answers_that_arrived_while_the_process_stood_still_are_read_before_they_are_missed() {
        ManualTicker ticker = new ManualTicker();
        Deque<Runnable> alarms = new ArrayDeque<>();
        AnswerTimeouts paused =
                new AnswerTimeouts(TIMEOUT, ticker, "there", Runnable::run, (delay, task) -> alarms.add(task));
        CompletableFuture<String> read = new CompletableFuture<>();
        CompletableFuture<String> silent = new CompletableFuture<>();
        paused.watch(read);
        paused.watch(silent);
        ticker.advance(TIMEOUT.multipliedBy(3));
        alarms.remove().run();
        assertThat(silent).isNotDone();
        assertThat(read.complete("here")).isTrue();
        alarms.remove().run();
        assertThat(silent).isCompletedExceptionally();
        assertThat(alarms).isEmpty();
    }

    @Test
    void an_alarm_that_never_rings_is_set_anew_by_a_later_wait() {
        ManualTicker ticker = new ManualTicker();
        Deque<Runnable> alarms = new ArrayDeque<>();
        AnswerTimeouts timeouts =
                new AnswerTimeouts(TIMEOUT, ticker, "there", Runnable::run, (delay, task) -> alarms.add(task));
        CompletableFuture<String> first = new CompletableFuture<>();
        timeouts.watch(first);
        alarms.clear();
        ticker.advance(Duration.ofSeconds(10));
        timeouts.watch(new CompletableFuture<>());
        // It rings late, and once more for what may be yet to be read.
        alarms.remove().run();
        alarms.remove().run();
        assertThat(first).isCompletedExceptionally();
    }

    @Test
    void answers_that_have_come_are_not_kept() {
        for (int n = 0; n < 10_000; n++) {
            watched().complete("here");
        }
        assertThat(timeouts.size()).isLessThanOrEqualTo(1);
    }

    @Test
    void all_that_wait_at_once_are_ended() {
        List<CompletableFuture<String>> all = new ArrayList<>();
        for (int n = 0; n < 1000; n++) {
            all.add(watched());
        }
        await().until(() -> all.stream().allMatch(CompletableFuture::isCompletedExceptionally));
    }

    @Test
    void what_depends_on_an_answer_holds_up_neither_other_timeouts_nor_those_of_the_jdk() {
        CountDownLatch busy = new CountDownLatch(1);
        CompletableFuture<String> first = new CompletableFuture<>();
        // Before it is watched: what follows a failure that is there already would hold this thread up.
        var unused = first.whenComplete((answer, failure) -> {
            try {
                busy.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        timeouts.watch(first);
        try {
            CompletableFuture<String> ofTheJdk = new CompletableFuture<String>()
                    .completeOnTimeout("over", 2 * TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            assertThat(watched()).failsWithin(Duration.ofSeconds(30));
            assertThat(ofTheJdk).succeedsWithin(Duration.ofSeconds(30));
        } finally {
            busy.countDown();
        }
    }
}
