package io.hapax.shedlock;

import static java.time.Duration.ZERO;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.WhenUnavailable;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Verdict;
import io.hapax.ledger.AfterCrash;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.support.LockException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whoever holds a lock is told of its loss, and a store that cannot tell is no lock that is held. */
class LossTest {

    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration LONGEST = Duration.ofSeconds(40);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(memory);
    private final List<GuardEvent> events = new CopyOnWriteArrayList<>();
    private final JobGuard guard =
            JobGuard.builder(store).ticker(ticker).listener(events::add).build();
    private final HapaxLockProvider locks = HapaxLockProvider.of(guard);

    @AfterEach
    void close() {
        boolean unused = Thread.interrupted();
        BoundRun.leaveWhatIsOver();
        guard.close();
    }

    private static LockConfiguration config(Duration atMost) {
        return new LockConfiguration(WallClock.now(), "report", atMost, ZERO);
    }

    /** Waits for the interrupt of this thread, which another one sends, as no wait could that an interrupt ends. */
    private static boolean takesInterrupt() {
        long start = System.nanoTime();
        while (!Thread.currentThread().isInterrupted() && System.nanoTime() - start < LONGEST.toNanos()) {
            Thread.onSpinWait();
        }
        return Thread.interrupted();
    }

    private void awaitLost(LossReason reason) {
        await().until(() ->
                events.stream().anyMatch(event -> event instanceof GuardEvent.Lost lost && lost.reason() == reason));
    }

    @Test
    void a_lock_whose_bounds_cannot_be_noted_is_given_back_and_its_thread_is_free_of_it() {
        LockConfiguration broken = new LockConfiguration(WallClock.now(), "report", HOUR, ZERO) {
            @Override
            public Duration getLockAtMostFor() {
                throw new OutOfMemoryError("injected");
            }
        };
        assertThatExceptionOfType(OutOfMemoryError.class).isThrownBy(() -> locks.lock(broken));
        assertThat(guard.activeRuns()).isZero();
        assertThat(CurrentRun.find()).isEmpty();
        // It keeps others away for the shortest time at least.
        ticker.advance(Duration.ofMillis(1));
        locks.lock(config(HOUR)).orElseThrow().unlock();
    }

    @Test
    void a_hung_job_is_interrupted_at_lockAtMostFor_and_the_lock_is_free_at_once() {
        SimpleLock lock = locks.lock(config(HOUR)).orElseThrow();
        GuardedRun run = CurrentRun.get();
        for (int minute = 0; minute < 60 * 6; minute++) {
            ticker.advance(Duration.ofSeconds(10));
        }
        assertThat(run.lost()).contains(LossReason.MAX_HOLD);
        assertThat(takesInterrupt()).isTrue();
        awaitLost(LossReason.MAX_HOLD);
        await().until(() -> guard.activeRuns() == 0);
        Thread.currentThread().interrupt();
        lock.unlock();
        assertThat(Thread.interrupted()).isFalse();
        locks.lock(config(HOUR)).orElseThrow().unlock();
    }

    @Test
    void a_lock_that_cannot_be_renewed_is_lost_and_told_before_anybody_else_gets_it() {
        SimpleLock lock = locks.lock(config(HOUR)).orElseThrow();
        GuardedRun run = CurrentRun.get();
        store.failRenewals();
        for (int second = 0; second < 29; second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
        assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
        assertThat(takesInterrupt()).isTrue();
        assertThat(lock.extend(HOUR, ZERO)).isEmpty();
        lock.unlock();
    }

    @Test
    void whoever_wants_no_interrupt_gets_none() {
        SimpleLock lock = HapaxLockProvider.of(guard, options -> options.withOnLeaseLost(OnLeaseLost.SIGNAL))
                .lock(config(Duration.ofSeconds(1)))
                .orElseThrow();
        GuardedRun run = CurrentRun.get();
        ticker.advance(Duration.ofSeconds(1));
        assertThat(run.lost()).contains(LossReason.MAX_HOLD);
        assertThat(Thread.interrupted()).isFalse();
        lock.unlock();
    }

    @Test
    void the_lock_of_a_worker_that_died_is_free_after_the_ttl_and_not_after_lockAtMostFor() {
        InMemoryLeaseStore client = memory.otherClient();
        FaultyLeaseStore dying = new FaultyLeaseStore(client);
        JobGuard dead = JobGuard.builder(dying).ticker(ticker).build();
        SimpleLock unused = HapaxLockProvider.of(dead).lock(config(HOUR)).orElseThrow();
        dying.failEverything();
        assertThat(locks.lock(config(HOUR))).isEmpty();
        for (int second = 0; second < 31; second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
        assertThat(takesInterrupt()).isTrue();
        locks.lock(config(HOUR)).orElseThrow().unlock();
        unused.unlock();
        dead.close();
    }

    @Test
    void a_store_that_does_not_answer_is_an_exception_and_not_a_lock_that_is_held() {
        store.failAcquires();
        assertThatExceptionOfType(LockException.class)
                .isThrownBy(() -> locks.lock(config(HOUR)))
                .withMessageContaining("cannot tell whether the lock 'report' is free");
    }

    @Test
    void a_namespace_in_which_nothing_is_granted_yet_is_like_a_lock_that_is_held() {
        memory.quarantine(Duration.ofSeconds(30));
        assertThat(locks.lock(config(HOUR))).isEmpty();
        assertThat(events)
                .anyMatch(event -> event instanceof GuardEvent.Refused refused
                        && refused.refusal().verdict() == Verdict.UNAVAILABLE);
    }

    @Test
    void a_thread_that_is_interrupted_asks_for_nothing_and_stays_interrupted() {
        Thread.currentThread().interrupt();
        assertThatExceptionOfType(LockException.class)
                .isThrownBy(() -> locks.lock(config(HOUR)))
                .withMessageContaining("interrupted");
        assertThat(Thread.interrupted()).isTrue();
        locks.lock(config(HOUR)).orElseThrow().unlock();
    }

    @Test
    void defaults_of_the_guard_that_are_about_occurrences_do_not_matter() {
        InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
        JobGuard strict = JobGuard.builder(store)
                .ticker(ticker)
                .ledger(ledger)
                .defaults(options ->
                        options.withAfterCrash(AfterCrash.ABANDON).withWhenUnavailable(WhenUnavailable.LEDGER_ONLY))
                .build();
        Optional<SimpleLock> lock = HapaxLockProvider.of(strict).lock(config(HOUR));
        assertThat(lock).isPresent();
        lock.get().unlock();
        strict.close();
    }
}
