package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.Reservation;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each cell of the table of lock modes, on the side of the queue. */
class QueuedJobTest {

    private final ManualTicker ticker = new ManualTicker();
    private final LeaseStore store = new InMemoryLeaseStore(ticker);
    private final Events events = new Events();
    private final JobGuard guard =
            JobGuard.builder(store).ticker(ticker).listener(events).build();

    private QueuedJob queued(String id, LockMode mode) {
        return new QueuedJob(
                guard,
                "import",
                new LockKey("import/7"),
                id,
                RunOptions.DEFAULTS.withMode(mode).withUniqueFor(Duration.ofHours(1)));
    }

    private static Optional<Refusal> enter(QueuedJob job) {
        QueueEntry entry = job.enter(id -> JobQueue.Fate.PRESENT);
        entry.stored();
        return entry.refusal();
    }

    private boolean isFreeAfter(LockMode mode, Consumer<QueuedJob> what) {
        QueuedJob first = queued("first", mode);
        assertThat(enter(first)).isEmpty();
        assertThat(enter(queued("second", mode))).isPresent();
        what.accept(first);
        return enter(queued("third", mode)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED,            false, true,  false, true",
        "UNTIL_EXPIRED,             false, false, false, false",
        "UNTIL_EXECUTING,           true,  false, false, true",
        "UNTIL_AND_WHILE_EXECUTING, true,  false, false, true",
    })
    void a_place_in_the_queue_is_freed_as_the_table_says(
            LockMode mode, boolean begun, boolean succeeded, boolean retried, boolean ended) {
        assertThat(fresh().isFreeAfter(mode, QueuedJob::begun)).isEqualTo(begun);
        assertThat(fresh().isFreeAfter(mode, QueuedJob::succeeded)).isEqualTo(succeeded);
        assertThat(fresh().isFreeAfter(mode, QueuedJob::retried)).isEqualTo(retried);
        assertThat(fresh().isFreeAfter(mode, QueuedJob::ended)).isEqualTo(ended);
    }

    private static QueuedJobTest fresh() {
        return new QueuedJobTest();
    }

    @Test
    void whatever_the_mode_the_place_is_free_when_its_time_is_over() {
        assertThat(enter(queued("first", LockMode.UNTIL_EXPIRED))).isEmpty();
        ticker.advance(Duration.ofMinutes(59));
        assertThat(enter(queued("second", LockMode.UNTIL_EXPIRED))).get().satisfies(refusal -> {
            assertThat(refusal.verdict()).isEqualTo(Verdict.QUEUED);
            assertThat(refusal.retryAfter()).isEqualTo(Duration.ofMinutes(1));
            assertThat(refusal.reason()).contains("as first").contains("UNTIL_EXPIRED");
        });
        ticker.advance(Duration.ofMinutes(1));
        assertThat(enter(queued("second", LockMode.UNTIL_EXPIRED))).isEmpty();
    }

    @Test
    void a_retry_begins_the_time_anew() {
        QueuedJob first = queued("first", LockMode.UNTIL_EXECUTED);
        assertThat(enter(first)).isEmpty();
        ticker.advance(Duration.ofMinutes(59));
        first.retried();
        ticker.advance(Duration.ofMinutes(59));
        assertThat(enter(queued("second", LockMode.UNTIL_EXECUTED))).isPresent();
    }

    @Test
    void the_end_of_another_job_frees_nothing() {
        assertThat(enter(queued("first", LockMode.UNTIL_EXECUTED))).isEmpty();
        queued("second", LockMode.UNTIL_EXECUTED).ended();
        assertThat(enter(queued("third", LockMode.UNTIL_EXECUTED))).isPresent();
    }

    @Test
    void a_refusal_is_told() {
        assertThat(enter(queued("first", LockMode.UNTIL_EXECUTED))).isEmpty();
        assertThat(enter(queued("second", LockMode.UNTIL_EXECUTED))).isPresent();
        assertThat(events.of(GuardEvent.Refused.class))
                .singleElement()
                .satisfies(event -> assertThat(event.refusal().verdict()).isEqualTo(Verdict.QUEUED));
    }

    @Test
    void a_store_that_does_not_answer_loses_no_work() {
        Reservations silent = (Reservations) Proxy.newProxyInstance(
                Reservations.class.getClassLoader(),
                new Class<?>[] {Reservations.class},
                (proxy, method, arguments) ->
                        CompletableFuture.failedFuture(new LeaseStoreException("no answer within 2000 ms")));
        LeaseStore away = (LeaseStore) Proxy.newProxyInstance(
                LeaseStore.class.getClassLoader(),
                new Class<?>[] {LeaseStore.class},
                (proxy, method, arguments) -> method.getName().equals("reservations")
                        ? Optional.of(silent)
                        : method.invoke(store, arguments));
        JobGuard unlucky = JobGuard.builder(away).listener(events).build();
        QueuedJob job = new QueuedJob(
                unlucky,
                "import",
                new LockKey("import/7"),
                "first",
                RunOptions.DEFAULTS.withMode(LockMode.UNTIL_EXECUTED));
        assertThat(enter(job)).isEmpty();
        assertThat(events.of(GuardEvent.Unguarded.class)).hasSize(1);
        job.succeeded();
    }

    /** It would take the wake-up of a run that waits for the key, and leave the key unused until that asks by itself. */
    @Test
    void who_waits_for_the_fate_of_a_place_is_not_among_those_who_wait_for_the_key() {
        AtomicInteger waits = new AtomicInteger();
        LeaseStore counting = new ForwardingLeaseStore(new InMemoryLeaseStore(Ticker.SYSTEM)) {
            @Override
            public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
                if (identity.lockKey() != null) {
                    waits.incrementAndGet();
                }
                return super.nextChance(identity, atMost);
            }
        };
        try (JobGuard running = JobGuard.builder(counting).build()) {
            assertThat(queued(running, "first").reserve().toCompletableFuture().join())
                    .isInstanceOf(Reservation.Made.class);
            AtomicInteger looks = new AtomicInteger();
            QueueEntry entry = queued(running, "second")
                    .enter(id -> looks.incrementAndGet() < 4 ? JobQueue.Fate.MISSING : JobQueue.Fate.PRESENT);
            assertThat(entry.refusal()).isPresent();
            assertThat(looks).hasValue(4);
            assertThat(waits).hasValue(0);
        }
    }

    /** What is waited for has a name that is longer than the key, and is no name that somebody else may have given. */
    @Test
    void the_fate_of_a_place_is_waited_for_whatever_the_key_is() {
        List<JobIdentity> waits = new CopyOnWriteArrayList<>();
        LeaseStore observed = new ForwardingLeaseStore(new InMemoryLeaseStore(Ticker.SYSTEM)) {
            @Override
            public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
                waits.add(identity);
                return super.nextChance(identity, atMost);
            }
        };
        LockKey longest = new LockKey("k".repeat(512));
        try (JobGuard running = JobGuard.builder(observed).build()) {
            assertThat(queued(running, longest, "first")
                            .reserve()
                            .toCompletableFuture()
                            .join())
                    .isInstanceOf(Reservation.Made.class);
            AtomicInteger looks = new AtomicInteger();
            QueueEntry entry = queued(running, longest, "second")
                    .enter(id -> looks.incrementAndGet() < 3 ? JobQueue.Fate.MISSING : JobQueue.Fate.PRESENT);
            assertThat(entry.refusal()).isPresent();
            looks.set(0);
            assertThat(queued(running, "first").reserve().toCompletableFuture().join())
                    .isInstanceOf(Reservation.Made.class);
            assertThat(queued(running, "second")
                            .enter(id -> looks.incrementAndGet() < 3 ? JobQueue.Fate.MISSING : JobQueue.Fate.PRESENT)
                            .refusal())
                    .isPresent();
        }
        assertThat(waits).doesNotContain(new JobIdentity(null, new RunKey("queued:import/7")));
        assertThat(Set.copyOf(waits)).hasSize(2);
    }

    private static QueuedJob queued(JobGuard guard, String id) {
        return queued(guard, new LockKey("import/7"), id);
    }

    private static QueuedJob queued(JobGuard guard, LockKey key, String id) {
        return new QueuedJob(guard, "import", key, id, RunOptions.DEFAULTS.withMode(LockMode.UNTIL_EXECUTED));
    }

    @Test
    void a_mode_that_has_nothing_to_do_with_queues_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> queued("first", LockMode.WHILE_EXECUTING))
                .withMessageContaining("WHILE_EXECUTING");
    }

    @Test
    void a_question_whose_caller_has_gone_is_not_asked_when_the_queue_answers_again() {
        QueuedJob job = queued("first", LockMode.UNTIL_EXECUTED);
        List<String> asked = new CopyOnWriteArrayList<>();
        JobQueue queue = id -> {
            asked.add(id);
            return JobQueue.Fate.PRESENT;
        };
        CountDownLatch goOn = new CountDownLatch(1);
        for (int n = 0; n < 2; n++) {
            job.lookups().execute(() -> awaitUninterrupted(goOn));
        }
        Thread.currentThread().interrupt();
        assertThat(job.fateIn(queue, "gone", true)).isEqualTo(JobQueue.Fate.UNKNOWN);
        assertThat(Thread.interrupted()).isTrue();
        goOn.countDown();

        assertThat(job.fateIn(queue, "here", true)).isEqualTo(JobQueue.Fate.PRESENT);
        assertThat(asked).containsExactly("here");
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
