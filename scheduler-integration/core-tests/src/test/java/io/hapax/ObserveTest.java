package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A guard that only observes, beside one that guards: it refuses, delays and interrupts nothing, and tells everything. */
class ObserveTest {

    private static final Duration TTL = RunOptions.DEFAULTS.ttl();
    private static final Intervention ANN = new Intervention("ann", "deploy 7");

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(memory);
    private final InMemoryRunLedger runs = new InMemoryRunLedger(ticker);
    private final Events events = new Events();
    private final JobGuard observing = JobGuard.builder(store)
            .ledger(runs)
            .worker("observer")
            .ticker(ticker)
            .listener(events)
            .defaults(options -> options.withObserve(true))
            .build();
    private final JobGuard other =
            JobGuard.builder(memory).ledger(runs).worker("other").ticker(ticker).build();

    private final RunRequest request = RunRequest.lock("k").once("r").job("report");

    @AfterEach
    void nothing_is_left_active() {
        observing.close();
        other.close();
        assertThat(observing.activeRuns()).isZero();
        assertThat(other.activeRuns()).isZero();
    }

    private GuardedRun admitted(RunRequest asked) throws InterruptedException {
        return Answered.run(observing.admit(asked));
    }

    private GuardedRun held(RunRequest asked) throws InterruptedException {
        return Answered.run(other.admit(asked));
    }

    /** Has the request be refused for a reason; returns what ends that. */
    private AutoCloseable inTheWay(Verdict verdict) throws InterruptedException {
        JobIdentity key = new JobIdentity(new LockKey("k"), null);
        return switch (verdict) {
            case DONE -> {
                held(request).complete();
                yield () -> {};
            }
            case RUNNING -> held(request);
            case OVERLAP -> held(RunRequest.lock("k").once("another"));
            case ABANDONED -> {
                GuardedRun crashed = held(request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON)));
                GuardedRun.Scope scope = crashed.enter();
                crashed.close();
                scope.close();
                yield () -> {};
            }
            case THROTTLED -> {
                held(RunRequest.lock("k").tune(ObserveTest::cooldown)).complete();
                yield () -> {};
            }
            case PAUSED -> {
                memory.admin()
                        .pause(key, Duration.ofHours(1), ANN)
                        .toCompletableFuture()
                        .join();
                yield () -> {};
            }
            case UNAVAILABLE -> {
                store.failAcquires();
                yield store::healthy;
            }
            case QUEUED -> throw new AssertionError("only for the attempt to queue");
        };
    }

    private static RunOptions cooldown(RunOptions options) {
        return options.withThrottle(new Throttle(1, Duration.ofMinutes(10)));
    }

    private static RunRequest tuned(RunRequest plain, Verdict verdict) {
        return switch (verdict) {
            case THROTTLED -> plain.tune(ObserveTest::cooldown);
            case ABANDONED -> plain.tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
            default -> plain;
        };
    }

    /** Each verdict, and whether the run was one too many if it took place all the same. */
    @ParameterizedTest
    @CsvSource({
        "DONE,        true,  true",
        "RUNNING,     true,  true",
        "OVERLAP,     true,  false",
        "ABANDONED,   true,  true",
        "THROTTLED,   false, false",
        "PAUSED,      false, false",
        "UNAVAILABLE, false, false",
    })
    void what_would_be_refused_runs_and_is_told(Verdict verdict, boolean twice, boolean same) throws Exception {
        RunRequest asked = tuned(request, verdict);
        try (AutoCloseable obstacle = inTheWay(verdict)) {
            GuardedRun run = admitted(asked);
            assertThat(events.of(GuardEvent.WouldRefuse.class)).singleElement().satisfies(event -> {
                assertThat(event.job()).isEqualTo("report");
                assertThat(event.identity()).isEqualTo(request.identity());
                assertThat(event.refusal().verdict()).isEqualTo(verdict);
            });
            assertThat(events.of(GuardEvent.Refused.class)).isEmpty();
            assertThat(events.of(GuardEvent.Unguarded.class)).isEmpty();
            try (GuardedRun.Scope scope = run.enter()) {
                assertThat(CurrentRun.get()).isSameAs(run);
                run.ensureHeld();
                assertThat(events.of(GuardEvent.RanTwice.class)).isEmpty();
                ticker.advance(Duration.ofSeconds(3));
                assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
            }
            List<GuardEvent.RanTwice> repeated = events.of(GuardEvent.RanTwice.class);
            assertThat(repeated).hasSize(twice ? 1 : 0).allSatisfy(event -> {
                assertThat(event.isSameOccurrence()).isEqualTo(same);
                assertThat(event.took()).isEqualTo(Duration.ofSeconds(3));
                assertThat(event.refusal().holder())
                        .satisfies(holder -> assertThat(holder.worker()).isEqualTo("other"));
            });
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = OnConflict.class,
            names = {"ALLOW"},
            mode = EnumSource.Mode.EXCLUDE)
    void no_policy_makes_it_wait_or_asks_others_to_give_way(OnConflict policy) throws Exception {
        try (GuardedRun holder = held(request)) {
            RunRequest asked = RunRequest.lock("k").once("another").tune(options -> options.withOnConflict(policy));
            // The clock stands still, so nobody who waits would ever be answered.
            GuardedRun run = observing.admitAsync(asked).getNow(null).fold(admitted -> admitted, refusal -> {
                throw new AssertionError(refusal);
            });
            run.close();
            assertThat(holder.isHeld()).isTrue();
            assertThat(memory.reservations()
                            .orElseThrow()
                            .holders("cancel:k")
                            .toCompletableFuture()
                            .join())
                    .isEmpty();
            assertThat(events.of(GuardEvent.RanTwice.class))
                    .as("it was given back, and did not run")
                    .isEmpty();
        }
    }

    @Test
    void a_run_that_nothing_is_in_the_way_of_holds_its_lease_and_its_completion_is_noted() throws Exception {
        GuardedRun run = admitted(request);
        assertThat(run.guarded()).isTrue();
        try (GuardedRun.Scope scope = run.enter()) {
            assertThat(run.isHeld()).isTrue();
            assertThat(Answered.refusal(other.admit(request)).verdict()).isEqualTo(Verdict.RUNNING);
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        assertThat(Answered.refusal(other.admit(request)).verdict()).isEqualTo(Verdict.DONE);
        assertThat(events.of(GuardEvent.WouldRefuse.class)).isEmpty();
    }

    @Test
    void a_run_without_a_lease_has_no_token_and_says_why() throws Exception {
        try (GuardedRun holder = held(request);
                GuardedRun run = admitted(request)) {
            assertThat(run.guarded()).isFalse();
            assertThat(run.isHeld()).isFalse();
            assertThat(run.lease()).isEmpty();
            assertThatIllegalStateException()
                    .isThrownBy(run::fencingToken)
                    .withMessageContainingAll("only observes", "RUNNING", "other", "ask guarded() first");
            assertThat(RunBounds.of(run).holdAtMost(Duration.ofMinutes(1))).isTrue();
            assertThat(RunBounds.of(run).keepOthersAway(Duration.ofMinutes(1))).isCompleted();
            assertThat(holder.isHeld()).isTrue();
        }
    }

    @Test
    void nothing_is_written_in_a_transaction_and_the_run_is_completed_afterwards() throws Exception {
        Connection untouchable = (Connection) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                    throw new AssertionError("called " + method);
                });
        GuardedRun run = admitted(request);
        try (GuardedRun.Scope scope = run.enter()) {
            assertThat(new WorkTransaction(run).isOpenInLedger()).isFalse();
            run.completeIn(untouchable);
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        try (GuardedRun again = admitted(request);
                GuardedRun.Scope scope = again.enter()) {
            again.completeIn(untouchable);
        }
    }

    @Test
    void a_lost_lease_is_told_to_listeners_and_not_to_the_run() throws Exception {
        AtomicBoolean called = new AtomicBoolean();
        GuardedRun run = admitted(request);
        try (GuardedRun.Scope scope = run.enter()) {
            run.onLeaseLost(loss -> called.set(true));
            memory.admin()
                    .forceRelease(request.identity(), ANN)
                    .toCompletableFuture()
                    .join();
            ticker.advance(TTL.dividedBy(2));
            await().atMost(Duration.ofSeconds(40))
                    .until(() -> !events.of(GuardEvent.Lost.class).isEmpty());
            run.ensureHeld();
            assertThat(run.isHeld()).isFalse();
            assertThat(run.lost()).isEmpty();
            assertThat(RunBounds.of(run).holdAtMost(Duration.ofMinutes(1))).isTrue();
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
            run.requireEnd(run.complete());
        }
        assertThat(called).isFalse();
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.LOST);
    }

    @Test
    void a_run_that_is_held_for_too_long_goes_on() throws Exception {
        GuardedRun run = admitted(request.tune(options -> options.withMaxHold(Duration.ofSeconds(5))));
        try (GuardedRun.Scope scope = run.enter()) {
            ticker.advance(Duration.ofSeconds(6));
            events.awaitOne(GuardEvent.Lost.class);
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            assertThat(run.fail(new IllegalStateException("its own"))).isEqualTo(RunOutcome.FAILED);
        }
    }

    @Test
    void a_run_that_was_not_entered_in_time_may_begin_all_the_same() throws Exception {
        GuardedRun run = admitted(request);
        ticker.advance(TTL.plusSeconds(1));
        await().atMost(Duration.ofSeconds(40)).until(() -> observing.activeRuns() == 0);
        try (GuardedRun.Scope scope = run.enter()) {
            assertThat(CurrentRun.get()).isSameAs(run);
            assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
        }
    }

    @Test
    void a_rolled_back_transaction_does_not_turn_the_result_of_the_code() throws Exception {
        GuardedRun run = admitted(request);
        try (GuardedRun.Scope scope = run.enter()) {
            new WorkTransaction(run).ended(WorkTransaction.End.ROLLED_BACK);
            assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
        }
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.FAILED);
    }

    @Test
    void an_interrupted_thread_gets_its_run_and_keeps_its_flag() throws Exception {
        Thread.currentThread().interrupt();
        try (GuardedRun run = admitted(request)) {
            assertThat(Thread.interrupted()).isTrue();
        } finally {
            boolean unused = Thread.interrupted();
        }
    }

    @Test
    void a_store_that_is_away_is_not_waited_for_by_each_run() throws Exception {
        store.failAcquires();
        admitted(request).close();
        int asked = store.acquireCalls();
        admitted(request).close();
        assertThat(store.acquireCalls()).isEqualTo(asked);
        store.healthy();
        ticker.advance(Duration.ofSeconds(2));
        try (GuardedRun run = admitted(request)) {
            assertThat(run.guarded()).isTrue();
        }
    }

    @Test
    void plain_code_runs_and_gives_its_value_where_it_would_be_refused() throws Exception {
        JobGuard inTransaction = JobGuard.builder(memory)
                .ticker(ticker)
                .defaults(options -> options.withObserve(true).withOnConflict(OnConflict.FAIL))
                .obstacle(() -> java.util.Optional.of("there is a transaction"))
                .build();
        try (GuardedRun holder = held(request)) {
            assertThat(inTransaction.run(request, run -> "done"))
                    .isEqualTo(new RunResult.Ran<>("done", RunOutcome.UNCONFIRMED));
        }
        inTransaction.close();
    }

    @Test
    void a_guard_that_is_closed_lets_runs_through() throws Exception {
        observing.close();
        try (GuardedRun run = admitted(request)) {
            assertThat(run.guarded()).isFalse();
        }
        assertThat(events.of(GuardEvent.WouldRefuse.class))
                .singleElement()
                .extracting(event -> event.refusal().reason())
                .isEqualTo("this guard is shut down");
    }

    @Test
    void one_job_may_be_guarded_and_another_one_observed() throws Exception {
        try (GuardedRun holder = held(request)) {
            Refusal refusal = Answered.refusal(observing.admit(request.tune(options -> options.withObserve(false))));
            assertThat(refusal.verdict()).isEqualTo(Verdict.RUNNING);
            Answered.run(other.admit(request.tune(options -> options.withObserve(true))))
                    .close();
        }
    }

    @Test
    void a_job_is_queued_though_the_same_work_is_queued() {
        RunOptions unique =
                RunOptions.DEFAULTS.withMode(LockMode.UNTIL_EXECUTED).withObserve(true);
        LockKey key = new LockKey("import/7");
        QueueEntry first = new QueuedJob(observing, "import", key, "first", unique).enter(id -> JobQueue.Fate.UNKNOWN);
        // The first is not stored yet, and nobody waits until it is.
        QueueEntry early = new QueuedJob(observing, "import", key, "early", unique).enter(id -> JobQueue.Fate.UNKNOWN);
        assertThat(early.refusal()).isEmpty();
        early.stored();
        first.stored();
        QueueEntry second =
                new QueuedJob(observing, "import", key, "second", unique).enter(id -> JobQueue.Fate.PRESENT);
        assertThat(second.refusal()).isEmpty();
        second.stored();
        assertThat(events.of(GuardEvent.WouldRefuse.class))
                .extracting(event -> event.refusal().verdict())
                .containsExactly(Verdict.QUEUED);
        assertThat(new QueuedJob(other, "import", key, "third", unique.withObserve(false))
                        .enter(id -> JobQueue.Fate.PRESENT)
                        .refusal())
                .get()
                .extracting(Refusal::reason)
                .asString()
                .contains("as first");
    }

    @Test
    void only_true_and_false_are_values() {
        assertThat(RunOptions.DEFAULTS.with("observe", " TRUE ").observe()).isTrue();
        assertThat(RunOptions.DEFAULTS.with("observe", "false").observe()).isFalse();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunOptions.DEFAULTS.with("observe", "yes"))
                .withMessage("setting observe: 'yes' is not known; allowed are [true, false]");
    }
}
