package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.LeaseStoreException;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.NoThreads;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Renewals are taken along before their time, so that they share calls; nothing that ends at an instant ends before it. */
class DeadlinesTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration NANO = Duration.ofNanos(1);
    private static final Duration HOUR = Duration.ofHours(1);

    private final ManualTicker ticker = new ManualTicker();
    private final Watchdog watchdog =
            new Watchdog(new InMemoryLeaseStore(ticker), null, ticker, Notifier.threads(), () -> {});
    /** They fail a second after the limit. */
    private final Answers answers = new Answers(
            watchdog, ticker, SECOND.multipliedBy(2), failure -> new LeaseStoreException(failure.toString()));

    @AfterEach
    void stop() {
        watchdog.all().forEach(watchdog::remove);
        watchdog.stopWhenEmpty();
    }

    /** Stands for a run whose lease lives for so long. */
    private Charge run(Duration ttl) {
        return new Charge() {
            @Override
            Action act(NanoTime now) {
                return new Action(false, now.plus(ttl.dividedBy(3)));
            }

            @Override
            Duration ttl() {
                return ttl;
            }
        };
    }

    /** @param others how many charges there are then besides */
    private void assertEndsAtItsTime(CompletableFuture<?> future, Duration left, int others) {
        ticker.advance(left.minus(NANO));
        // Whatever ends is not looked after any more.
        assertThat(watchdog.size()).isGreaterThan(others);
        assertThat(future).isNotDone();
        ticker.advance(NANO);
        await().until(future::isDone);
    }

    @Test
    void an_answer_has_its_time_when_a_run_with_a_long_ttl_is_renewed() {
        watchdog.add(run(HOUR), ticker.now().plus(SECOND));
        CompletableFuture<String> answer = answers.of("acquire", CompletableFuture::new);
        assertEndsAtItsTime(answer, SECOND.multipliedBy(3), 1);
        assertThat(answer).isCompletedExceptionally();
    }

    /** Its store has the answer, and a thread that is about to read it. */
    @Test
    void an_answer_that_arrived_while_the_process_stood_still_is_read_before_it_is_missed() {
        Watchdog stopped = new Watchdog(new InMemoryLeaseStore(ticker), null, ticker, new NoThreads(), () -> {});
        Answers late = new Answers(
                stopped, ticker, SECOND.multipliedBy(2), failure -> new LeaseStoreException(failure.toString()));
        CompletableFuture<String> store = new CompletableFuture<>();
        CompletableFuture<String> answer = late.of("acquire", () -> store);
        CompletableFuture<String> silent = late.of("acquire", CompletableFuture::new);
        ticker.advance(SECOND.multipliedBy(60));
        assertThat(stopped.pass()).isZero();
        assertThat(answer).isNotDone();
        store.complete("here");
        assertThat(answer).isCompletedWithValue("here");
        assertThat(silent).isNotDone();
        ticker.advance(SECOND);
        assertThat(stopped.pass()).isZero();
        assertThat(silent).isCompletedExceptionally();
    }

    @Test
    void a_pause_has_its_time_when_a_run_with_a_long_ttl_is_renewed() {
        watchdog.add(run(HOUR), ticker.now().plus(SECOND));
        assertEndsAtItsTime(Pause.of(SECOND.multipliedBy(3), ticker.now(), watchdog), SECOND.multipliedBy(3), 1);
    }

    @Test
    void a_wait_has_its_time_when_a_run_with_a_long_ttl_is_renewed() {
        watchdog.add(run(HOUR), ticker.now().plus(SECOND));
        CompletableFuture<Void> wait = answers.pause(
                SECOND.multipliedBy(3), () -> CompletableFuture.failedFuture(new LeaseStoreException("away")));
        assertEndsAtItsTime(wait, SECOND.multipliedBy(3), 1);
    }

    @Test
    void an_answer_has_its_time_when_a_long_pause_ends() {
        CompletableFuture<Void> pause = Pause.of(HOUR, ticker.now(), watchdog);
        ticker.advance(HOUR.minus(SECOND));
        CompletableFuture<String> answer = answers.of("acquire", CompletableFuture::new);
        assertEndsAtItsTime(answer, SECOND.multipliedBy(3), 0);
        await().until(pause::isDone);
    }

    @Test
    void an_answer_has_its_time_when_a_long_wait_ends() {
        CompletableFuture<Void> wait = answers.pause(HOUR, CompletableFuture::new);
        ticker.advance(HOUR);
        CompletableFuture<String> answer = answers.of("acquire", CompletableFuture::new);
        assertEndsAtItsTime(answer, SECOND.multipliedBy(3), 0);
        await().until(wait::isDone);
    }
}
