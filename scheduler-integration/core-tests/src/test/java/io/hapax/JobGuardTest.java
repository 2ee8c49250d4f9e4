package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PausedKey;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.StrictLeaseStore;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JobGuardTest {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final StrictLeaseStore store = new StrictLeaseStore(memory, ticker);
    private final Events events = new Events();
    private final JobGuard guard = guard(store, "here").build();
    private final JobGuard other = guard(store, "there").build();

    private JobGuardBuilder guard(LeaseStore leases, String worker) {
        return JobGuard.builder(leases).worker(worker).ticker(ticker).listener(events);
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(guard.admit(request));
    }

    private Refusal refused(RunRequest request) throws InterruptedException {
        return Answered.refusal(other.admit(request));
    }

    @AfterEach
    void nothing_is_left_held() {
        store.assertNothingHeld();
        assertThat(guard.activeRuns()).isZero();
    }

    @Test
    void a_completed_occurrence_is_refused_as_done_and_says_who_did_it() throws Exception {
        RunRequest request = RunRequest.occurrence("report@1");
        GuardedRun run = admitted(request);
        try (var scope = run.enter()) {
            assertThat(CurrentRun.get()).isSameAs(run);
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        assertThat(CurrentRun.find()).isEmpty();
        Refusal refusal = refused(request);
        assertThat(refusal.verdict()).isEqualTo(Verdict.DONE);
        assertThat(refusal.heldBy().orElseThrow().worker()).isEqualTo("here");
        assertThat(refusal.since()).isPresent();
        assertThat(events.of(GuardEvent.Refused.class)).singleElement().satisfies(event -> {
            assertThat(event.job()).isEqualTo("report@1");
            assertThat(event.refusal()).isEqualTo(refusal);
        });
    }

    @Test
    void an_occurrence_that_is_over_as_failed_is_refused_and_says_so() throws Exception {
        GuardedRun run = admitted(RunRequest.occurrence("report@0"));
        memory.release(run.lease().orElseThrow(), Ending.failed(Duration.ofHours(1)))
                .toCompletableFuture()
                .join();
        Refusal refusal = refused(RunRequest.occurrence("report@0"));
        assertThat(refusal.verdict()).isEqualTo(Verdict.DONE);
        assertThat(refusal.reason()).contains("failed", "here");
        run.close();
    }

    @Test
    void a_paused_key_is_refused_as_paused_and_never_run_unguarded() throws Exception {
        LeaseAdmin people = memory.admin();
        Intervention ann = new Intervention("ann", "deploy 7");
        JobIdentity key = new JobIdentity(new LockKey("k"), null);
        people.pause(key, Duration.ofHours(1), ann).toCompletableFuture().join();
        Refusal refusal = refused(RunRequest.lock("k").tune(o -> o.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)));
        assertThat(refusal.verdict()).isEqualTo(Verdict.PAUSED);
        assertThat(refusal.reason()).contains("ann", "deploy 7");
        assertThat(refusal.retryAfter()).isEqualTo(Duration.ofMinutes(1));

        CompletableFuture<Admission> waiting =
                guard.admitAsync(RunRequest.lock("k").waitAtMost(Duration.ofMinutes(1)));
        assertThat(waiting).isNotDone();
        people.resume(key, ann).toCompletableFuture().join();
        ticker.advance(Duration.ofSeconds(10));
        await().until(waiting::isDone);
        Answered.run(waiting.join()).close();
    }

    @Test
    void whoever_pauses_a_key_leaves_its_holder_alone_and_is_named_to_all_others() throws Exception {
        RunRequest request = RunRequest.lock("k");
        GuardedRun run = admitted(request);
        guard.admin().pause(request.identity(), "ann", "the bank is down").join();
        assertThat(guard.admin().paused(request.identity()).join().orElseThrow().why())
                .isEqualTo(new Intervention("ann", "the bank is down"));
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(refused(request).reason()).contains("ann: the bank is down");

        assertThat(guard.admin().resume(request.identity(), "bob", "it is back").join())
                .isTrue();
        assertThat(guard.admin().resume(request.identity(), "bob", "it is back").join())
                .isFalse();
        admitted(request).close();

        guard.admin()
                .pause(request.identity(), Duration.ofMinutes(5), "ann", "again")
                .join();
        PausedKey listed = memory.admin().pauses(9).toCompletableFuture().join().get(0);
        assertThat(guard.admin().resume(listed, "bob", "it is back").join()).isTrue();
        guard.admin()
                .pause(request.identity(), Duration.ofMinutes(5), "ann", "again")
                .join();
        ticker.advance(Duration.ofMinutes(6));
        assertThat(guard.admin().paused(request.identity()).join()).isEmpty();
        admitted(request).close();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guard.admin().pause(request.identity(), Duration.ZERO, "ann", "why"));
        assertThatIllegalArgumentException().isThrownBy(() -> guard.admin().pause(request.identity(), "ann", " "));
    }

    @Test
    void a_failed_occurrence_may_run_again_with_a_higher_token() throws Exception {
        RunRequest request = RunRequest.occurrence("report@2");
        GuardedRun first = admitted(request);
        assertThat(first.fail(new IOException("x"))).isEqualTo(RunOutcome.FAILED);
        GuardedRun second = admitted(request);
        assertThat(second.fencingToken()).isGreaterThan(first.fencingToken());
        second.close();
        assertThat(events.of(GuardEvent.Released.class))
                .extracting(GuardEvent.Released::outcome)
                .containsExactly(RunOutcome.FAILED, RunOutcome.RELEASED);
    }

    @Test
    void the_same_occurrence_is_running_and_another_one_overlaps() throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("report").once("report@3"))) {
            assertThat(refused(RunRequest.lock("report").once("report@3")).verdict())
                    .isEqualTo(Verdict.RUNNING);
            Refusal overlap = refused(RunRequest.lock("report").once("report@4"));
            assertThat(overlap.verdict()).isEqualTo(Verdict.OVERLAP);
            assertThat(overlap.heldBy().orElseThrow().owner())
                    .isEqualTo(run.lease().orElseThrow().owner());
            assertThat(overlap.retryAfter()).isBetween(Duration.ofSeconds(29), Duration.ofSeconds(30));
        }
    }

    @Test
    void plain_code_runs_under_a_lease_and_gets_its_result() throws Exception {
        RunResult<String> result = guard.run(RunRequest.lock("k"), run -> {
            run.ensureHeld();
            assertThat(refused(RunRequest.lock("k")).verdict()).isEqualTo(Verdict.OVERLAP);
            return "value " + CurrentRun.get().fencingToken().value();
        });
        assertThat(result.fold(RunResult.Ran::value, Refusal::toString)).startsWith("value ");
    }

    @Test
    void what_plain_code_throws_comes_out_unchanged_and_the_run_has_failed() {
        IOException failure = new IOException("no");
        assertThatThrownBy(() -> guard.run(RunRequest.occurrence("r"), run -> {
                    throw failure;
                }))
                .isSameAs(failure);
        assertThat(events.of(GuardEvent.Released.class))
                .extracting(GuardEvent.Released::outcome)
                .containsExactly(RunOutcome.FAILED);
        assertThat(CurrentRun.find()).isEmpty();
    }

    @Test
    void plain_code_is_skipped_or_fails_as_its_policy_says_and_cannot_be_rescheduled() throws Exception {
        try (GuardedRun holder = admitted(RunRequest.lock("k"))) {
            assertThat(other.run(RunRequest.lock("k"), run -> "x").ran()).isFalse();
            RunRequest failing = RunRequest.lock("k").tune(o -> o.withOnConflict(OnConflict.FAIL));
            assertThatThrownBy(() -> other.run(failing, run -> "x"))
                    .isInstanceOfSatisfying(RunRefusedException.class, e -> {
                        assertThat(e.refusal().verdict()).isEqualTo(Verdict.OVERLAP);
                        assertThat(e.identity()).isEqualTo(failing.identity());
                    })
                    .hasMessageContaining("the key is held by here");
        }
        RunRequest later = RunRequest.lock("k").tune(o -> o.withOnConflict(OnConflict.RESCHEDULE));
        assertThatIllegalArgumentException().isThrownBy(() -> guard.run(later, run -> "x"));
    }

    @Test
    void a_waiting_run_is_admitted_as_soon_as_the_key_is_free() throws Exception {
        GuardedRun holder = admitted(RunRequest.lock("k"));
        CompletableFuture<Admission> waiting =
                other.admitAsync(RunRequest.lock("k").waitAtMost(Duration.ofMinutes(5)));
        assertThat(waiting).isNotDone();
        holder.close();
        await().until(waiting::isDone);
        waiting.join()
                .fold(
                        run -> {
                            run.close();
                            return run;
                        },
                        refusal -> {
                            throw new AssertionError(refusal);
                        });
    }

    /** Else a job that waits would be taken to be due later than it is. */
    @Test
    void when_the_next_occurrence_is_planned_is_told_as_of_the_grant() throws Exception {
        GuardedRun holder = admitted(RunRequest.lock("k"));
        CompletableFuture<Admission> waiting = other.admitAsync(
                RunRequest.lock("k").waitAtMost(Duration.ofMinutes(5)).nextIn(Duration.ofHours(1)));
        ticker.advance(Duration.ofSeconds(20));
        // Whose turn was between a refusal and its wait would wait for time to pass.
        PassingTime.awaitIdle();
        holder.close();
        await().until(waiting::isDone);
        GuardedRun run = Answered.run(waiting.join());
        try (var scope = run.enter()) {
            run.complete();
        }
        run.close();
        assertThat(events.of(GuardEvent.Released.class))
                .last()
                .satisfies(event ->
                        assertThat(event.nextIn()).isEqualTo(Duration.ofHours(1).minusSeconds(20)));
    }

    @Test
    void a_waiting_run_is_refused_when_its_time_is_over() throws Exception {
        try (GuardedRun holder = admitted(RunRequest.lock("k"));
                var scope = holder.enter()) {
            CompletableFuture<Admission> waiting =
                    other.admitAsync(RunRequest.lock("k").waitAtMost(Duration.ofSeconds(40)));
            for (int second = 0; second < 39; second++) {
                ticker.advance(Duration.ofSeconds(1));
            }
            assertThat(waiting).isNotDone();
            await().until(() -> {
                ticker.advance(Duration.ofMillis(500));
                return waiting.isDone();
            });
            assertThat(waiting.join()).isInstanceOf(Admission.Refused.class);
        }
    }

    @Test
    void an_interrupted_waiter_leaves_nothing_behind() throws Exception {
        GuardedRun holder = admitted(RunRequest.lock("k"));
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        Thread waiter = new Thread(() -> {
            started.countDown();
            try {
                other.admit(RunRequest.lock("k").waitAtMost(Duration.ofMinutes(5)));
                thrown.complete(new AssertionError("was admitted"));
            } catch (InterruptedException e) {
                thrown.complete(e);
            }
        });
        waiter.start();
        started.await();
        waiter.interrupt();
        assertThat(thrown.get(30, TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
        holder.close();
        assertThat(other.admit(RunRequest.lock("k")))
                .isInstanceOfSatisfying(Admission.Admitted.class, a -> a.run().close());
    }

    @Test
    void a_cancelled_asynchronous_admission_is_withdrawn() throws Exception {
        GuardedRun holder = admitted(RunRequest.lock("k"));
        CompletableFuture<Admission> waiting =
                other.admitAsync(RunRequest.lock("k").waitAtMost(Duration.ofMinutes(5)));
        waiting.cancel(false);
        holder.close();
        GuardedRun next = admitted(RunRequest.lock("k"));
        next.close();
    }

    @Test
    void a_grant_that_nobody_waits_for_any_more_does_not_hold_up_the_thread_of_the_store() throws Exception {
        CompletableFuture<Acquisition> answer = new CompletableFuture<>();
        CompletableFuture<Boolean> released = new CompletableFuture<>();
        LeaseStore slow = (LeaseStore) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {LeaseStore.class},
                (proxy, method, args) -> switch (method.getName()) {
                    case "acquire" -> answer;
                    case "release" -> released;
                    case "blocking" -> proxy;
                    default -> method.invoke(store, args);
                });
        AtomicReference<CompletableFuture<Admission>> waiting = new AtomicReference<>();
        GuardListener cancelling = event -> {
            if (event instanceof GuardEvent.Acquired) {
                waiting.get().cancel(false);
            }
        };
        try (JobGuard impatient = guard(slow, "impatient").listener(cancelling).build()) {
            waiting.set(impatient.admitAsync(RunRequest.lock("k")));
            Thread ofTheStore = new Thread(() -> answer.complete(new Acquisition.Granted(new Lease(
                    RunRequest.lock("k").identity(),
                    OwnerId.random(),
                    new FencingToken(1),
                    "impatient",
                    Duration.ofSeconds(30),
                    Instant.EPOCH))));
            ofTheStore.start();
            await().until(() -> !ofTheStore.isAlive());
            assertThat(waiting.get()).isCancelled();
            released.complete(true);
        }
    }

    @Test
    void a_store_that_fails_refuses_by_default_and_admits_unguarded_if_told_to() throws Exception {
        FaultyLeaseStore faulty = new FaultyLeaseStore(store);
        try (JobGuard failing = guard(faulty, "failing").build()) {
            faulty.failAcquires();
            Admission closed = failing.admit(RunRequest.lock("k"));
            assertThat(closed).isInstanceOfSatisfying(Admission.Refused.class, refused -> {
                assertThat(refused.refusal().verdict()).isEqualTo(Verdict.UNAVAILABLE);
                assertThat(refused.refusal().cause()).isNotNull();
                assertThat(refused.refusal().retryAfter()).isPositive();
            });
            RunRequest open = RunRequest.lock("k").tune(o -> o.withWhenUnavailable(WhenUnavailable.FAIL_OPEN));
            RunResult<Boolean> result = failing.run(open, run -> {
                run.ensureHeld();
                assertThatIllegalStateException().isThrownBy(run::fencingToken).withMessageContaining("fail open");
                return run.guarded() || run.isHeld();
            });
            assertThat(result).isEqualTo(new RunResult.Ran<>(false, RunOutcome.UNCONFIRMED));
            assertThat(events.of(GuardEvent.Unguarded.class)).hasSize(1);
        }
    }

    @Test
    void a_grant_whose_answer_was_lost_is_given_back() throws Exception {
        FaultyLeaseStore faulty = new FaultyLeaseStore(store);
        try (JobGuard failing = guard(faulty, "failing").build()) {
            faulty.loseAcquireAnswers();
            assertThat(failing.admit(RunRequest.lock("k"))).isInstanceOf(Admission.Refused.class);
            admitted(RunRequest.lock("k")).close();
        }
    }

    @Test
    void a_quarantined_store_refuses_and_says_until_when() throws Exception {
        memory.quarantine(Duration.ofSeconds(33));
        Refusal refusal = refused(RunRequest.lock("k"));
        assertThat(refusal.verdict()).isEqualTo(Verdict.UNAVAILABLE);
        assertThat(refusal.retryAfter()).isEqualTo(Duration.ofSeconds(33));
    }

    @Test
    void a_ttl_that_is_too_short_for_the_store_is_refused_with_the_shortest_one_that_fits() {
        FaultyLeaseStore slow = new FaultyLeaseStore(store).answerTimeout(Duration.ofSeconds(2));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JobGuard.builder(slow)
                        .defaults(o -> o.withTtl(Duration.ofSeconds(5)))
                        .build())
                .withMessageContaining("ttl of PT5S is too short")
                .withMessageContaining("at least PT10S");
        JobGuard fits = JobGuard.builder(slow)
                .defaults(o -> o.withTtl(Duration.ofSeconds(10)))
                .build();
        fits.close();
    }

    @Test
    void force_release_takes_the_lease_away_and_is_told() throws Exception {
        GuardedRun holder = admitted(RunRequest.lock("k"));
        JobIdentity identity = new JobIdentity(new LockKey("k"), null);
        assertThat(other.admin().holder(identity).join().orElseThrow().worker()).isEqualTo("here");
        other.admin().forceRelease(identity, "alice", "worker is gone").join();
        assertThat(other.admin().holder(identity).join()).isEqualTo(Optional.empty());
        assertThat(events.awaitOne(GuardEvent.Forced.class).actor()).isEqualTo("alice");
        holder.close();
    }

    @Test
    void force_release_of_a_key_that_nobody_holds_is_not_told_but_kept_in_the_audit() throws Exception {
        JobIdentity identity = new JobIdentity(new LockKey("k"), null);
        assertThat(other.admin().forceRelease(identity, "alice", "to be sure").join())
                .isEmpty();
        admitted(RunRequest.lock("k")).close();
        events.awaitOne(GuardEvent.Released.class);
        assertThat(events.of(GuardEvent.Forced.class)).isEmpty();
        assertThat(store.admin().audit(10).toCompletableFuture().join())
                .singleElement()
                .satisfies(entry -> assertThat(entry.why().actor()).isEqualTo("alice"));
    }

    @Test
    void a_closed_guard_refuses_and_lets_the_last_run_end() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        try (var scope = run.enter()) {
            guard.close();
            assertThat(guard.admit(RunRequest.lock("other")))
                    .isInstanceOfSatisfying(Admission.Refused.class, refused -> {
                        assertThat(refused.refusal().verdict()).isEqualTo(Verdict.UNAVAILABLE);
                        assertThat(refused.refusal().reason()).contains("shut down");
                    });
            ticker.advance(Duration.ofMinutes(2));
            run.ensureHeld();
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        assertThat(guard.shutdown(Duration.ofSeconds(5))).isTrue();
    }

    @Test
    void an_interrupt_ends_the_grace_of_a_stop_and_stays_set_and_runs_are_notified_all_the_same() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        CountDownLatch entered = new CountDownLatch(1);
        Thread worker = new Thread(() -> {
            try (var scope = run.enter()) {
                entered.countDown();
                await().atMost(Duration.ofSeconds(40)).until(() -> run.lost().isPresent());
            } finally {
                run.close();
            }
        });
        worker.start();
        entered.await();
        Thread.currentThread().interrupt();
        boolean ended = guard.shutdownBeforeStop(Duration.ofHours(1));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(run.lossReason()).isEqualTo(LossReason.SHUTDOWN);
        worker.join();
        // On a busy machine it may take longer than a stop that must not wait allows.
        assertThat(ended || guard.shutdownBeforeStop(Duration.ZERO)).isTrue();
    }

    @Test
    void a_run_ends_once_and_cannot_be_entered_twice() throws Exception {
        GuardedRun run = admitted(RunRequest.occurrence("r"));
        try (var scope = run.enter()) {
            assertThatIllegalStateException().isThrownBy(run::enter);
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
            assertThat(run.fail(new IOException())).isEqualTo(RunOutcome.COMPLETED);
            run.close();
            assertThatIllegalStateException().isThrownBy(run::ensureHeld);
        }
        assertThat(events.of(GuardEvent.Released.class)).hasSize(1);
    }
}
