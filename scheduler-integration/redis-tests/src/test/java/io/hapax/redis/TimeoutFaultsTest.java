package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault.Thrown;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Nobody waits for ever because something went wrong with a time-out. */
class TimeoutFaultsTest {

    private static final Duration TIMEOUT = Duration.ofMillis(50);

    private static void ends(CompletableFuture<?> answer) {
        assertThat(answer)
                .failsWithin(Duration.ofSeconds(30))
                .withThrowableThat()
                .havingCause()
                .isInstanceOf(LeaseStoreException.class)
                .withMessage("Redis at there gave no answer within 50 ms");
    }

    private static CompletableFuture<String> watched(AnswerTimeouts timeouts) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        timeouts.watch(answer);
        return answer;
    }

    @Test
    void time_outs_go_on_after_a_look_that_failed() {
        FaultInjector faults = new FaultInjector();
        AnswerTimeouts timeouts = new AnswerTimeouts(TIMEOUT, faults.around(Ticker.class, Ticker.SYSTEM), "there");
        CompletableFuture<String> answer = watched(timeouts);
        faults.inject(Ticker.class, "now", new Thrown(new OutOfMemoryError("virtual machine")), 1);
        ends(answer);
        // Where this machine was too slow, the look came before, and this thread would meet it.
        faults.healthy();
        ends(watched(timeouts));
        ends(watched(timeouts));
    }

    @Test
    void what_depends_on_an_answer_may_throw() {
        AnswerTimeouts timeouts = new AnswerTimeouts(TIMEOUT, Ticker.SYSTEM, "there");
        CompletableFuture<String> first = watched(timeouts);
        var unused = first.whenComplete((answer, failure) -> {
            throw new AssertionError("of whoever has asked");
        });
        CompletableFuture<String> second = watched(timeouts);
        ends(first);
        ends(second);
        ends(watched(timeouts));
    }

    @Test
    void waits_for_whose_end_there_was_no_thread_end_when_there_is_one() {
        AtomicInteger refused = new AtomicInteger();
        AtomicBoolean exhausted = new AtomicBoolean(true);
        GuardThreads threads = new GuardThreads((what, failure) -> {}, thread -> {
            if (exhausted.get()) {
                refused.incrementAndGet();
                throw new OutOfMemoryError("unable to create native thread");
            }
        });
        AnswerTimeouts timeouts =
                new AnswerTimeouts(TIMEOUT, Ticker.SYSTEM, "there", threads.pool("hapax-redis-overdue", 16));
        CompletableFuture<String> first = watched(timeouts);
        CompletableFuture<String> second = watched(timeouts);
        await().until(() -> refused.get() >= 2);
        assertThat(first).isNotDone();
        exhausted.set(false);
        ends(watched(timeouts));
        ends(first);
        ends(second);
    }
}
