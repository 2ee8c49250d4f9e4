package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunState;
import io.hapax.ops.HeldLease;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.FaultInjector;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a guard tells people of its runs, and what they may decide. */
class ForPeopleTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore leases = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(leases);
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
    private final Events events = new Events();
    private final JobGuard guard = guard(store).build();

    private JobGuardBuilder guard(LeaseStore leaseStore) {
        return JobGuard.builder(leaseStore).worker("here").ticker(ticker).listener(events);
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return admitted(guard, request);
    }

    private static GuardedRun admitted(JobGuard by, RunRequest request) throws InterruptedException {
        return Answered.run(by.admit(request));
    }

    private HeldLease listed(String name) {
        return leases.admin().leases(100).toCompletableFuture().join().stream()
                .filter(lease -> lease.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @AfterEach
    void close() {
        store.healthy();
        guard.close();
    }

    @Test
    void a_run_at_work_is_shown_with_its_keys_token_thread_and_time_left() throws Exception {
        assertThat(guard.admin().runs()).isEmpty();
        GuardedRun run = admitted(RunRequest.lock("k").once("r").job("report"));
        try (GuardedRun.Scope scope = run.enter()) {
            ActiveRun shown = guard.admin().runs().get(0);
            assertThat(guard.admin().runs()).hasSize(1);
            assertThat(shown.job()).isEqualTo("report");
            assertThat(shown.identity()).isEqualTo(new JobIdentity(new LockKey("k"), new RunKey("r")));
            assertThat(shown.owner()).isEqualTo(run.lease().orElseThrow().owner());
            assertThat(shown.token()).isEqualTo(run.fencingToken());
            assertThat(shown.attempt()).isEqualTo(1);
            assertThat(shown.since()).isEqualTo(run.lease().orElseThrow().since());
            assertThat(shown.thread()).isEqualTo(Thread.currentThread().getName());
            assertThat(shown.ttl()).isEqualTo(Duration.ofSeconds(30));
            assertThat(shown.left()).isBetween(Duration.ofSeconds(20), Duration.ofSeconds(30));
            store.failRenewals();
            ticker.advance(SECOND);
            assertThat(guard.admin().runs().get(0).left())
                    .isEqualTo(shown.left().minus(SECOND));
        }
        assertThat(guard.admin().runs())
                .as("its code is left, its end is not noted")
                .singleElement()
                .satisfies(left -> assertThat(left.thread()).isEmpty());
        run.complete();
        assertThat(guard.admin().runs()).isEmpty();
    }

    @Test
    void a_run_that_has_lost_its_lease_has_no_time_left() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        try (GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
            store.failRenewals();
            for (int n = 0; n < 30; n++) {
                ticker.advance(SECOND);
            }
            assertThat(run.lost()).isPresent();
            assertThat(guard.admin().runs())
                    .allSatisfy(shown -> assertThat(shown.left()).isZero());
        }
        run.close();
        assertThat(guard.admin().runs()).isEmpty();
    }

    @Test
    void a_further_attempt_and_one_of_several_slots_are_shown_as_such() throws Exception {
        try (JobGuard withLedger = guard(leases).ledger(ledger).build()) {
            RunRequest request = RunRequest.lock("k").once("r").tune(options -> options.withConcurrency(2));
            admitted(withLedger, request).fail(new IllegalStateException("the first attempt"));
            try (GuardedRun second = admitted(withLedger, request);
                    GuardedRun.Scope scope = second.enter()) {
                assertThat(withLedger.admin().runs()).singleElement().satisfies(shown -> {
                    assertThat(shown.attempt()).isEqualTo(2);
                    assertThat(shown.token()).isEqualTo(second.fencingToken());
                });
            }
            try (GuardedRun slot =
                            admitted(withLedger, RunRequest.lock("rooms").tune(options -> options.withConcurrency(2)));
                    GuardedRun.Scope scope = slot.enter()) {
                assertThat(withLedger.admin().runs())
                        .singleElement()
                        .satisfies(shown ->
                                assertThat(shown.identity().leaseName()).matches("rooms #[12]"));
            }
        }
    }

    @Test
    void a_run_that_was_let_through_without_a_lease_is_not_among_them() throws Exception {
        store.failAcquires();
        GuardedRun run =
                admitted(RunRequest.lock("k").tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)));
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            assertThat(guard.admin().runs()).isEmpty();
        }
    }

    @Test
    void a_run_that_waits_is_shown_with_what_is_in_its_way_until_it_is_admitted() throws Exception {
        GuardedRun holder = admitted(RunRequest.lock("k"));
        CompletableFuture<Admission> waiting =
                guard.admitAsync(RunRequest.lock("k").once("r").job("report").waitAtMost(Duration.ofMinutes(1)));
        ticker.advance(Duration.ofMillis(300));
        assertThat(guard.admin().waiting()).singleElement().satisfies(shown -> {
            assertThat(shown.job()).isEqualTo("report");
            assertThat(shown.identity()).isEqualTo(new JobIdentity(new LockKey("k"), new RunKey("r")));
            assertThat(shown.waited()).isEqualTo(Duration.ofMillis(300));
            assertThat(shown.reason()).contains("the key is held by here");
        });
        holder.close();
        await().until(waiting::isDone);
        // The thread that admits it has that to do besides.
        await().until(() -> guard.admin().waiting().isEmpty());
        waiting.get().fold(run -> run, refusal -> null).close();
    }

    @Test
    void a_wait_that_is_given_up_or_cancelled_is_shown_no_more() throws Exception {
        GuardedRun holder = admitted(RunRequest.lock("k"));
        RunRequest request = RunRequest.lock("k").waitAtMost(Duration.ofMinutes(1));
        CompletableFuture<Admission> cancelled = guard.admitAsync(request);
        CountDownLatch over = new CountDownLatch(1);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread caller = new Thread(() -> {
            try {
                guard.admit(request);
            } catch (InterruptedException e) {
                thrown.set(e);
            } finally {
                over.countDown();
            }
        });
        caller.start();
        await().until(() -> guard.admin().waiting().size() == 2);
        cancelled.cancel(true);
        caller.interrupt();
        over.await();
        assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
        await().until(() -> guard.admin().waiting().isEmpty());
        holder.close();
    }

    @Test
    void a_listed_lease_is_taken_away_with_an_event_and_an_entry_in_the_audit() throws Exception {
        GuardedRun run = admitted(RunRequest.occurrence("r"));
        HeldLease seen = listed("r");
        Optional<Holder> holder =
                guard.admin().forceRelease(seen, "ann", "the worker is gone").join();
        assertThat(holder.orElseThrow().owner())
                .isEqualTo(run.lease().orElseThrow().owner());
        GuardEvent.Forced told = events.awaitOne(GuardEvent.Forced.class);
        assertThat(told.identity()).isEqualTo(new JobIdentity(null, new RunKey("r")));
        assertThat(told.actor()).isEqualTo("ann");
        assertThat(told.reason()).isEqualTo("the worker is gone");
        assertThat(leases.admin().audit(10).toCompletableFuture().join())
                .singleElement()
                .satisfies(entry -> assertThat(entry.why().actor()).isEqualTo("ann"));
        run.close();
    }

    @Test
    void a_lease_that_somebody_else_holds_by_now_is_left_alone_and_nothing_is_told() throws Exception {
        GuardedRun first = admitted(RunRequest.lock("k"));
        HeldLease seen = listed("k");
        first.close();
        GuardedRun second = admitted(RunRequest.lock("k"));
        assertThat(guard.admin().forceRelease(seen, "ann", "the worker is gone").join())
                .isEmpty();
        assertThat(guard.admin().holder(second.identity()).join()).isPresent();
        assertThat(events.of(GuardEvent.Forced.class)).isEmpty();
        second.close();
    }

    @Test
    void whoever_interferes_needs_a_name_and_a_reason() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        HeldLease seen = listed("k");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guard.admin().forceRelease(seen, " ", "why"))
                .withMessageContaining("actor");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guard.admin().forceRelease(run.identity(), "ann", ""))
                .withMessageContaining("reason");
        assertThat(guard.admin().holder(run.identity()).join()).isPresent();
        run.close();
    }

    @Test
    void a_store_that_lists_nothing_says_so() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        HeldLease seen = listed("k");
        LeaseStore hotPort = new FaultInjector().around(LeaseStore.class, leases);
        try (JobGuard plain = guard(hotPort).build()) {
            List<ThrowingCallable> questions = List.of(
                    () -> plain.admin().holder(run.identity()),
                    () -> plain.admin().forceRelease(run.identity(), "ann", "why"),
                    () -> plain.admin().forceRelease(seen, "ann", "why"),
                    () -> plain.admin().pause(run.identity(), "ann", "why"),
                    () -> plain.admin().resume(run.identity(), "ann", "why"),
                    () -> plain.admin().paused(run.identity()));
            assertThat(questions)
                    .allSatisfy(question -> assertThatIllegalStateException()
                            .isThrownBy(question)
                            .withMessageContaining("has no administration")
                            .withMessageContaining("io.hapax.ops.AdministeredStore"));
            assertThat(plain.admin().abandoned(1).join()).isEmpty();
            assertThat(plain.admit(RunRequest.lock("k"))).isInstanceOf(Admission.Refused.class);
            GuardedRun other = admitted(plain, RunRequest.lock("other"));
            assertThat(plain.admin().runs()).hasSize(1);
            assertThat(other.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        run.close();
    }

    @Test
    void an_abandoned_occurrence_is_resolved_once_and_told_with_who_decided() throws Exception {
        try (JobGuard withLedger = guard(leases).ledger(ledger).build()) {
            RunRequest request =
                    RunRequest.lock("k").once("r").tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
            GuardedRun run = admitted(withLedger, request);
            try (GuardedRun.Scope scope = run.enter()) {
                assertThat(withLedger
                                .admin()
                                .resolve(request.identity(), RunState.DONE, "ann", "too early")
                                .join())
                        .isFalse();
            }
            run.close();
            assertThat(events.of(GuardEvent.Resolved.class)).isEmpty();
            assertThat(withLedger
                            .admin()
                            .resolve(request.identity(), RunState.RELEASED, "ann", "nothing was sent")
                            .join())
                    .isTrue();
            GuardEvent.Resolved told = events.awaitOne(GuardEvent.Resolved.class);
            assertThat(told.identity()).isEqualTo(request.identity());
            assertThat(told.state()).isEqualTo(RunState.RELEASED);
            assertThat(List.of(told.actor(), told.reason())).containsExactly("ann", "nothing was sent");
            assertThat(withLedger
                            .admin()
                            .resolve(request.identity(), RunState.DONE, "bob", "late")
                            .join())
                    .isFalse();
            assertThat(events.of(GuardEvent.Resolved.class)).hasSize(1);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> withLedger.admin().resolve(request.identity(), RunState.RUNNING, "ann", "why"));
            admitted(withLedger, request).complete();
        }
    }

    @Test
    void occurrences_that_wait_for_a_person_are_listed_until_somebody_decides() throws Exception {
        try (JobGuard withLedger = guard(leases).ledger(ledger).build()) {
            assertThat(withLedger.admin().abandoned(10).join()).isEmpty();
            abandoned(withLedger, "r@1");
            RunRequest second = abandoned(withLedger, "r@2");
            admitted(withLedger, RunRequest.occurrence("r@3")).fail(new IllegalStateException("it may be repeated"));
            assertThat(withLedger.admin().abandoned(10).join())
                    .extracting(entry -> entry.identity().leaseName())
                    .containsExactlyInAnyOrder("r@1", "r@2");
            assertThat(withLedger.admin().abandoned(1).join()).hasSize(1);
            withLedger
                    .admin()
                    .resolve(second.identity(), RunState.DONE, "ann", "it was paid")
                    .join();
            assertThat(withLedger.admin().abandoned(10).join())
                    .extracting(entry -> entry.identity().leaseName())
                    .containsExactly("r@1");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> withLedger.admin().abandoned(0));
        }
    }

    private static RunRequest abandoned(JobGuard by, String occurrence) throws InterruptedException {
        RunRequest request =
                RunRequest.occurrence(occurrence).tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        GuardedRun run = admitted(by, request);
        run.enter().close();
        run.close();
        return request;
    }

    @Test
    void without_a_ledger_nothing_is_abandoned() {
        assertThat(guard.admin().abandoned(10).join()).isEmpty();
        assertThatIllegalArgumentException().isThrownBy(() -> guard.admin().abandoned(0));
    }

    @Test
    void without_a_ledger_nothing_can_be_resolved() {
        assertThatIllegalStateException()
                .isThrownBy(() -> guard.admin()
                        .resolve(new JobIdentity(null, new RunKey("r")), RunState.DONE, "ann", "to be sure"))
                .withMessageContaining("no");
    }
}
