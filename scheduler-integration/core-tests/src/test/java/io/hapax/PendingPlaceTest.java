package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CallersTransaction.Outcome;
import io.hapax.JobQueue.Fate;
import io.hapax.event.GuardEvent;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.LateLeaseStore;
import io.hapax.testkit.LateLeaseStore.Operation;
import io.hapax.testkit.OwnThread;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What happens to a place between the ask for it and the word that its job is stored, or is not. */
class PendingPlaceTest {

    private static final Duration SECONDS = QueuedJob.PROVISIONAL;
    private static final Duration MOMENT = Duration.ofNanos(1);
    private static final ThreadLocal<@Nullable FakeTransaction> TRANSACTION = new ThreadLocal<>();

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final LateLeaseStore store = new LateLeaseStore(memory);
    private final Events events = new Events();
    private final JobGuard guard = guard(store);
    private final JobGuard other = guard(memory.otherClient());
    private final Map<String, Fate> fates = new ConcurrentHashMap<>();

    private JobGuard guard(LeaseStore of) {
        return JobGuard.builder(of)
                .ticker(ticker)
                .listener(events)
                .transactions(() -> Optional.ofNullable(TRANSACTION.get()))
                .build();
    }

    @AfterEach
    void close() {
        TRANSACTION.remove();
        guard.close();
        other.close();
    }

    /** One that ends when the test says so. */
    private static final class FakeTransaction implements CallersTransaction {
        private final List<Consumer<Outcome>> listeners = new ArrayList<>();

        @Override
        public void whenEnded(Consumer<Outcome> listener) {
            listeners.add(listener);
        }

        void end(Outcome outcome) {
            listeners.forEach(listener -> listener.accept(outcome));
        }
    }

    private Fate fate(String id) {
        return fates.getOrDefault(id, Fate.MISSING);
    }

    private QueuedJob job(JobGuard of, String id) {
        return job(of, id, LockMode.UNTIL_EXECUTED);
    }

    private static QueuedJob job(JobGuard of, String id, LockMode mode) {
        return job(of, id, mode, Duration.ofHours(1));
    }

    private static QueuedJob job(JobGuard of, String id, LockMode mode, Duration uniqueFor) {
        return new QueuedJob(
                of,
                "import",
                new LockKey("import/7"),
                id,
                RunOptions.DEFAULTS.withMode(mode).withUniqueFor(uniqueFor));
    }

    private QueueEntry enter(JobGuard of, String id) {
        return job(of, id).enter(this::fate);
    }

    private void store(JobGuard of, String id) {
        QueueEntry entry = enter(of, id);
        assertThat(entry.refusal()).isEmpty();
        fates.put(id, Fate.PRESENT);
        entry.stored();
    }

    private List<String> holders() {
        return memory.reservations()
                .orElseThrow()
                .holders("queued:import/7")
                .toCompletableFuture()
                .join();
    }

    /** How long the place that is there lives unless it is kept longer. */
    private Duration left() {
        Reservation answer = memory.reservations()
                .orElseThrow()
                .reserve(new ReservationRequest("queued:import/7", "probe", 1, MOMENT.plusMillis(1)))
                .toCompletableFuture()
                .join();
        return ((Reservation.Full) answer).left();
    }

    /** Whether it enters with a place of its own, while time goes by if it has to wait. */
    private boolean entersInTime(JobGuard of, String id) {
        CompletableFuture<QueueEntry> entering = new CompletableFuture<>();
        Thread caller = new Thread(() -> {
            try {
                entering.complete(enter(of, id));
            } catch (Throwable failure) {
                entering.completeExceptionally(failure);
            }
        });
        caller.start();
        await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(5)).until(() -> {
            // Not while it has something to do and no processor: the place that it has would end.
            if (caller.getState() == Thread.State.WAITING || caller.getState() == Thread.State.TIMED_WAITING) {
                ticker.advance(Duration.ofMillis(50));
            }
            return entering.isDone();
        });
        return entering.join().refusal().isEmpty() && holders().contains(id);
    }

    @Test
    void a_caller_who_crashes_before_the_job_is_stored_is_in_the_way_for_seconds() {
        assertThat(enter(guard, "first").refusal()).isEmpty();
        guard.close();
        ticker.advance(SECONDS.minus(MOMENT));
        assertThat(holders()).containsExactly("first");
        ticker.advance(MOMENT);
        assertThat(holders()).isEmpty();
    }

    @Test
    void whoever_comes_meanwhile_waits_until_the_job_is_stored_or_its_place_has_ended() {
        assertThat(enter(guard, "first").refusal()).isEmpty();
        guard.close();
        assertThat(entersInTime(other, "second")).isTrue();
    }

    @Test
    void a_place_is_renewed_while_it_is_not_known_and_stays_when_the_job_is_stored() {
        QueueEntry entry = enter(guard, "first");
        for (int third = 0; third < 9; third++) {
            ticker.advance(SECONDS.dividedBy(3));
            await().until(() -> left().compareTo(SECONDS.minusMillis(1)) > 0);
        }
        fates.put("first", Fate.PRESENT);
        entry.stored();
        ticker.advance(Duration.ofMinutes(59));
        assertThat(enter(other, "second").refusal()).isPresent();
        assertThat(guard.engine().watchdog().size()).isZero();
    }

    @Test
    void a_job_that_was_not_stored_has_no_place_and_one_that_was_stored_all_the_same_has_one() {
        enter(guard, "first").failed();
        assertThat(holders()).isEmpty();
        QueueEntry second = enter(guard, "second");
        fates.put("second", Fate.PRESENT);
        second.failed();
        ticker.advance(Duration.ofMinutes(59));
        assertThat(holders()).containsExactly("second");
    }

    @ParameterizedTest
    @CsvSource({"COMMITTED, true, true", "ROLLED_BACK, false, false", "ROLLED_BACK, true, true", "UNKNOWN, false, false"
    })
    void a_place_stays_or_ends_with_the_transaction(Outcome outcome, boolean stored, boolean stays) {
        FakeTransaction transaction = new FakeTransaction();
        TRANSACTION.set(transaction);
        QueueEntry entry = enter(guard, "first");
        entry.stored();
        TRANSACTION.remove();
        if (stored) {
            fates.put("first", Fate.PRESENT);
        }
        transaction.end(outcome);
        await().until(() -> guard.engine().watchdog().size() == 0);
        ticker.advance(stays ? Duration.ofMinutes(59) : Duration.ZERO);
        assertThat(holders()).hasSize(stays ? 1 : 0);
    }

    @Test
    void within_its_transaction_a_job_is_in_the_way_of_the_same_work_unless_it_was_undone() {
        TRANSACTION.set(new FakeTransaction());
        store(guard, "first");
        assertThat(enter(guard, "second").refusal()).isPresent();
        fates.remove("first");
        store(guard, "third");
        assertThat(holders()).containsExactly("third");
    }

    @Test
    void nobody_waits_for_the_own_outer_transaction() {
        TRANSACTION.set(new FakeTransaction());
        enter(guard, "first").stored();
        TRANSACTION.set(new FakeTransaction());
        assertThat(enter(guard, "second").refusal()).isEmpty();
        assertThat(holders()).containsExactly("first");
        assertThat(events.of(GuardEvent.Unguarded.class)).hasSize(1);
    }

    @Test
    void jobs_that_are_stored_by_one_call_do_not_wait_for_each_other() {
        Object call = new Object();
        QueueEntry first = job(guard, "first").enter(this::fate, call);
        QueueEntry second = job(guard, "second").enter(this::fate, call);
        assertThat(first.refusal()).isEmpty();
        assertThat(second.refusal()).isPresent();
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, MISSING, true",
        "UNTIL_EXECUTED, SUCCEEDED, true",
        "UNTIL_EXECUTED, ENDED, true",
        "UNTIL_EXECUTED, UNKNOWN, false",
        "UNTIL_EXECUTED, PRESENT, false",
        "UNTIL_EXPIRED, MISSING, false",
        "UNTIL_EXPIRED, SUCCEEDED, false",
        "UNTIL_EXPIRED, ENDED, false",
        "UNTIL_EXECUTING, MISSING, true",
        "UNTIL_EXECUTING, ENDED, true",
        "UNTIL_AND_WHILE_EXECUTING, MISSING, true",
    })
    void a_place_whose_job_has_left_the_queue_is_freed(LockMode mode, Fate fate, boolean free) {
        QueueEntry first = job(guard, "first", mode).enter(this::fate);
        first.stored();
        fates.put("first", fate);
        assertThat(job(other, "second", mode).enter(this::fate).refusal().isEmpty())
                .isEqualTo(free);
        assertThat(holders()).containsExactly(free ? "second" : "first");
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXPIRED, 2s, MISSING",
        "UNTIL_EXPIRED, 2s, UNKNOWN",
        "UNTIL_EXPIRED, 10s, MISSING",
        "UNTIL_EXPIRED, 11s, MISSING",
        "UNTIL_EXPIRED, 1h, MISSING",
        "UNTIL_EXPIRED, 1h, SUCCEEDED",
        "UNTIL_EXECUTED, 2s, UNKNOWN",
        "UNTIL_EXECUTED, 10s, UNKNOWN",
        "UNTIL_AND_WHILE_EXECUTING, 10s, UNKNOWN",
    })
    void a_place_that_stays_refuses_at_once_to_its_last_moment(LockMode mode, String uniqueFor, Fate fate) {
        Duration time = DurationText.parse("uniqueFor", uniqueFor);
        QueuedJob first = job(guard, "first", mode, time);
        first.enter(this::fate).stored();
        fates.put("first", fate);
        ticker.advance(time.minus(MOMENT));
        CompletableFuture<QueueEntry> refused =
                OwnThread.supply(() -> job(other, "second", mode, time).enter(this::fate));
        try {
            await().until(refused::isDone);
        } finally {
            ticker.advance(MOMENT);
        }
        assertThat(refused.join().refusal()).isPresent();
        assertThat(job(other, "third", mode, time).enter(this::fate).refusal()).isEmpty();
        assertThat(holders()).containsExactly("third");
    }

    @Test
    void a_short_place_whose_job_has_left_the_queue_is_freed_at_once() {
        QueuedJob first = job(guard, "first", LockMode.UNTIL_EXECUTED, Duration.ofSeconds(5));
        first.enter(this::fate).stored();
        QueuedJob second = job(other, "second", LockMode.UNTIL_EXECUTED, Duration.ofSeconds(5));
        CompletableFuture<QueueEntry> entered = OwnThread.supply(() -> second.enter(this::fate));
        try {
            await().until(entered::isDone);
        } finally {
            ticker.advance(Duration.ofSeconds(5));
        }
        assertThat(entered.join().refusal()).isEmpty();
    }

    @Test
    void a_place_of_which_nothing_is_known_lives_no_longer_than_one_that_stays() {
        assertThat(job(guard, "first", LockMode.UNTIL_EXPIRED, Duration.ofSeconds(2))
                        .enter(this::fate)
                        .refusal())
                .isEmpty();
        guard.close();
        ticker.advance(Duration.ofSeconds(2).minus(MOMENT));
        assertThat(holders()).containsExactly("first");
        ticker.advance(MOMENT);
        assertThat(holders()).isEmpty();
    }

    @Test
    void a_queue_that_cannot_be_asked_frees_no_place() {
        store(guard, "first");
        assertThat(job(other, "second")
                        .enter(id -> {
                            throw new IllegalStateException("away");
                        })
                        .refusal())
                .isPresent();
    }

    @Test
    void a_confirmation_that_is_carried_out_late_makes_no_place_for_a_job_that_has_ended() {
        store.calls().next(Operation.KEEP, 1);
        store(guard, "first");
        job(guard, "first").succeeded();
        store(other, "second");
        store.calls().carryOutAll();
        assertThat(holders()).containsExactly("second");
        job(other, "second").succeeded();
        assertThat(holders()).isEmpty();
    }

    @Test
    void a_place_that_is_given_back_late_ends_no_later_one() {
        store.calls().next(Operation.GIVE_UP, 1);
        enter(guard, "first").failed();
        ticker.advance(SECONDS);
        store(other, "second");
        store.calls().carryOutAll();
        assertThat(holders()).containsExactly("second");
    }

    @Test
    void a_place_that_was_asked_for_in_vain_and_is_made_late_stays_with_its_job_or_ends_within_seconds() {
        store.calls().next(Operation.RESERVE, 2);
        QueueEntry first = enter(guard, "first");
        assertThat(first.refusal()).isEmpty();
        first.failed();
        store.calls().carryOutAll();
        ticker.advance(SECONDS);
        assertThat(holders()).isEmpty();
        job(guard, "ended").retried();
        job(guard, "ended").succeeded();
        store.calls().carryOutAll();
        ticker.advance(SECONDS);
        assertThat(holders()).isEmpty();
    }

    @Test
    void a_confirmation_that_was_not_heard_is_repeated() {
        store.calls().next(Operation.KEEP, 1);
        store(guard, "first");
        ticker.advance(SECONDS.dividedBy(3));
        await().until(() -> guard.engine().watchdog().size() == 0);
        ticker.advance(Duration.ofMinutes(30));
        assertThat(holders()).containsExactly("first");
    }
}
