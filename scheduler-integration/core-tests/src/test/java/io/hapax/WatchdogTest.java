package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.RunKey;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.OwnThread;
import io.hapax.time.NanoTime;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Default terms: ttl 30 s, renewed every 10 s ± 10 %, told after 24.998 s, valid for 26.998 s without a renewal. */
class WatchdogTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration TOLD_AFTER = Duration.ofMillis(24_998);
    private static final Duration NANO = Duration.ofNanos(1);

    /** When renewals are sent is left to chance, and where a test has bounds for that, always to the same one. */
    private final Random knownChance = new Random(42);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(memory);
    private final Events events = new Events();
    private final JobGuard guard =
            JobGuard.builder(store).worker("w").ticker(ticker).listener(events).build();

    private final Set<Thread> threadsBefore = Thread.getAllStackTraces().keySet();

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(guard.admit(request));
    }

    private void advance(Duration total, Duration step) {
        for (Duration done = Duration.ZERO; done.compareTo(total) < 0; done = done.plus(step)) {
            ticker.advance(step);
        }
    }

    @AfterEach
    void the_flag_of_the_test_thread_is_clean() {
        assertThat(Thread.interrupted()).isFalse();
        guard.close();
    }

    @Test
    void a_lease_is_renewed_every_third_of_its_ttl() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        try (var scope = run.enter()) {
            advance(Duration.ofMinutes(5), Duration.ofMillis(100));
            assertThat(run.isHeld()).isTrue();
            assertThat(store.renewCalls()).isBetween(27, 34);
            run.complete();
        }
        assertThat(events.of(GuardEvent.RenewedLate.class)).isEmpty();
    }

    @Test
    void a_run_is_told_before_its_validity_ends_and_not_a_nanosecond_too_early() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        store.hangRenewals();
        List<LeaseLostException> told = new ArrayList<>();
        CountDownLatch called = new CountDownLatch(1);
        run.onLeaseLost(loss -> {
            told.add(loss);
            called.countDown();
        });
        try (var scope = run.enter()) {
            ticker.advance(TOLD_AFTER.minus(NANO));
            run.ensureHeld();
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            ticker.advance(NANO);
            assertThat(Interrupts.taken()).isTrue();
            assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
            assertThatThrownBy(run::ensureHeld)
                    .isInstanceOfSatisfying(
                            LeaseLostException.class,
                            e -> assertThat(e.lease()).isEqualTo(run.lease().orElseThrow()));
            called.await();
            assertThat(told)
                    .singleElement()
                    .extracting(LeaseLostException::reason)
                    .isEqualTo(LossReason.NOT_RENEWED);
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        }
        assertThat(events.awaitOne(GuardEvent.Lost.class).held()).isEqualTo(TOLD_AFTER);
    }

    @Test
    void a_run_that_lost_its_lease_never_writes_done() throws Exception {
        RunRequest request = RunRequest.occurrence("r");
        GuardedRun frozen = admitted(request);
        store.hangRenewals();
        try (var scope = frozen.enter()) {
            ticker.advance(Duration.ofSeconds(31));
            assertThat(Interrupts.taken()).isTrue();
            GuardedRun successor = admitted(request);
            assertThat(successor.fencingToken()).isGreaterThan(frozen.fencingToken());
            assertThat(frozen.complete()).isEqualTo(RunOutcome.LOST);
            assertThat(memory.admin()
                            .holder(new JobIdentity(null, new RunKey("r")))
                            .toCompletableFuture()
                            .join())
                    .hasValueSatisfying(holder -> assertThat(holder.token()).isEqualTo(successor.fencingToken()));
            successor.close();
        }
        // Nothing says done: the occurrence may run.
        admitted(request).close();
    }

    @Test
    void a_thread_that_finds_its_lease_run_out_is_told_by_itself_even_if_the_watchdog_was_late() throws Exception {
        JobGuard noWatchdog =
                JobGuard.builder(store).ticker(ticker).withoutLogging().build();
        GuardedRun run = Answered.run(noWatchdog.admit(RunRequest.lock("k")));
        // Never entered, so no watchdog looks after it.
        ticker.advance(Duration.ofMillis(26_998));
        assertThatThrownBy(run::ensureHeld).isInstanceOf(LeaseLostException.class);
        assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
        assertThatThrownBy(run::enter).isInstanceOf(LeaseLostException.class);
        run.close();
    }

    @Test
    void a_blip_shorter_than_the_validity_is_ridden_out_and_told_as_late() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        try (var scope = run.enter()) {
            store.failRenewals();
            advance(Duration.ofSeconds(20), Duration.ofMillis(100));
            run.ensureHeld();
            int triesDuringBlip = store.renewCalls();
            assertThat(triesDuringBlip).isBetween(5, 15);
            store.healthy();
            advance(Duration.ofSeconds(60), Duration.ofMillis(100));
            run.ensureHeld();
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        assertThat(events.awaitOne(GuardEvent.RenewedLate.class).margin()).isLessThan(Duration.ofSeconds(14));
        assertThat(events.of(GuardEvent.Lost.class)).isEmpty();
    }

    @Test
    void a_lease_that_was_taken_away_is_noticed_at_the_next_renewal() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        try (var scope = run.enter()) {
            memory.admin().forceRelease(run.identity());
            GuardedRun next = admitted(RunRequest.lock("k"));
            ticker.advance(Duration.ofSeconds(11));
            assertThat(Interrupts.taken()).isTrue();
            assertThat(run.lost()).contains(LossReason.GONE);
            assertThat(events.awaitOne(GuardEvent.Lost.class).holder())
                    .isNotNull()
                    .satisfies(holder -> assertThat(holder.token()).isEqualTo(next.fencingToken()));
            next.close();
            run.close();
        }
    }

    @Test
    void a_loss_that_shows_only_at_completion_is_told_as_outcome_and_reason() throws Exception {
        GuardedRun run = admitted(RunRequest.occurrence("r"));
        try (var scope = run.enter()) {
            memory.admin().forceRelease(run.identity());
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
            assertThat(run.lost()).contains(LossReason.GONE);
        }
    }

    @Test
    void a_run_is_told_when_it_has_held_its_lease_for_too_long() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k").tune(o -> o.withMaxHold(Duration.ofSeconds(45))));
        try (var scope = run.enter()) {
            advance(Duration.ofSeconds(44), SECOND);
            run.ensureHeld();
            ticker.advance(SECOND);
            assertThat(Interrupts.taken()).isTrue();
            assertThat(run.lost()).contains(LossReason.MAX_HOLD);
            run.close();
        }
    }

    @Test
    void an_interrupt_of_the_guard_does_not_leak_out_of_the_run_and_none_comes_after_it() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        store.hangRenewals();
        try (var scope = run.enter()) {
            ticker.advance(TOLD_AFTER);
            assertThat(Interrupts.awaited()).isTrue();
        }
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        GuardedRun left = admitted(RunRequest.lock("k2"));
        left.enter().close();
        ticker.advance(Duration.ofMinutes(1));
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        left.close();
        run.close();
    }

    @Test
    void a_run_that_asks_for_a_signal_is_not_interrupted() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k").tune(o -> o.withOnLeaseLost(OnLeaseLost.SIGNAL)));
        store.hangRenewals();
        CountDownLatch signalled = new CountDownLatch(1);
        try (var scope = run.enter()) {
            run.onLeaseLost(loss -> signalled.countDown());
            ticker.advance(TOLD_AFTER);
            signalled.await();
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            run.close();
        }
    }

    @Test
    void a_completion_that_the_store_did_not_hear_is_repeated_until_it_does() throws Exception {
        RunRequest request = RunRequest.occurrence("r");
        GuardedRun run = admitted(request);
        try (var scope = run.enter()) {
            store.failReleases();
            assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
        }
        assertThat(guard.activeRuns()).isEqualTo(1);
        advance(Duration.ofSeconds(5), SECOND);
        assertThat(events.of(GuardEvent.Released.class)).isEmpty();
        store.healthy();
        advance(Duration.ofSeconds(3), SECOND);
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.COMPLETED);
        advance(Duration.ofSeconds(3), SECOND);
        assertThat(guard.activeRuns()).isZero();
        assertThat(guard.admit(request)).isInstanceOf(Admission.Refused.class);
    }

    @Test
    void a_completion_that_the_store_never_hears_is_given_up_and_told() throws Exception {
        GuardedRun run = admitted(RunRequest.occurrence("r"));
        store.failReleases();
        run.complete();
        advance(Duration.ofSeconds(62), SECOND);
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.UNCONFIRMED);
        assertThat(guard.activeRuns()).isZero();
        assertThat(store.releaseCalls()).isLessThan(70);
    }

    @Test
    void many_leases_share_calls_and_one_thread() throws Exception {
        guard.engine().watchdog().leaveTo(knownChance::nextDouble);
        List<GuardedRun> runs = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            GuardedRun run = admitted(RunRequest.lock("k" + i).tune(o -> o.withOnLeaseLost(OnLeaseLost.SIGNAL)));
            run.enter();
            runs.add(run);
        }
        advance(Duration.ofSeconds(60), Duration.ofMillis(50));
        assertThat(runs).allMatch(GuardedRun::isHeld);
        // Six rounds of 1000 renewals; leases that are due within 300 ms go together.
        assertThat(store.renewCalls()).isLessThan(250);
        // One of another test may be about to end.
        await().untilAsserted(() -> assertThat(watchdogThreads()).isEqualTo(1));
        runs.forEach(GuardedRun::complete);
        assertThat(guard.activeRuns()).isZero();
        CurrentRun.swap(null);
    }

    /** A renewal call: when, and of how many leases. */
    private record Call(NanoTime at, int leases) {}

    private LeaseStore counting(List<Call> calls) {
        return (LeaseStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {LeaseStore.class}, (proxy, method, args) -> {
                    if (method.getName().equals("renew")) {
                        calls.add(new Call(ticker.now(), ((List<?>) args[0]).size()));
                    }
                    return method.getName().equals("blocking") ? proxy : method.invoke(memory, args);
                });
    }

    private List<Call> renewalsOf(int leases, Duration time, Duration step) throws InterruptedException {
        List<Call> calls = new CopyOnWriteArrayList<>();
        try (JobGuard many = JobGuard.builder(counting(calls))
                .ticker(ticker)
                .withoutLogging()
                .build()) {
            many.engine().watchdog().leaveTo(knownChance::nextDouble);
            List<GuardedRun> runs = new ArrayList<>();
            for (int n = 0; n < leases; n++) {
                GuardedRun run = Answered.run(many.admit(RunRequest.lock("k" + n)));
                run.enter(OnLeaseLost.SIGNAL);
                runs.add(run);
            }
            advance(time, step);
            assertThat(runs).allMatch(GuardedRun::isHeld);
            runs.forEach(GuardedRun::complete);
            CurrentRun.swap(null);
        }
        return calls;
    }

    @Test
    void leases_that_were_taken_together_are_renewed_by_small_calls_all_over_the_interval() throws Exception {
        NanoTime begun = ticker.now();
        List<Call> calls = renewalsOf(6000, Duration.ofSeconds(40), Duration.ofMillis(100));
        assertThat(calls).allSatisfy(call -> assertThat(call.leases()).isLessThanOrEqualTo(Watchdog.LARGEST_PASS));
        int quiet = 0;
        for (int second = 1; second < 40; second++) {
            NanoTime from = begun.plus(SECOND.multipliedBy(second));
            int renewed = calls.stream()
                    .filter(call -> !call.at().isBefore(from) && call.at().isBefore(from.plus(SECOND)))
                    .mapToInt(Call::leases)
                    .sum();
            // 600 on average, in a few bursts by chance; if they stayed together it would be thousands in some seconds
            // and none in most.
            assertThat(renewed).as("in second %d", second).isLessThanOrEqualTo(1800);
            quiet += renewed < 50 ? 1 : 0;
        }
        assertThat(quiet).as("seconds with hardly any, by chance").isLessThanOrEqualTo(5);
    }

    @Test
    void renewals_that_have_piled_up_leave_the_store_time_for_others() throws Exception {
        List<Call> calls = new CopyOnWriteArrayList<>();
        LeaseStore counted = counting(calls);
        Watchdog watchdog = new Watchdog(counted, null, ticker, Notifier.threads(), () -> {});
        GuardedRun run = admitted(RunRequest.lock("k"));
        NanoTime due = ticker.now().plus(SECOND);
        for (int n = 0; n < 1000; n++) {
            watchdog.add(new AlwaysRenewed(run.lease().orElseThrow()), due);
        }
        ticker.advance(SECOND.multipliedBy(2));
        assertThat(calls.stream().mapToInt(Call::leases).sum()).isEqualTo(1000);
        for (int n = 1; n < calls.size(); n++) {
            assertThat(calls.get(n).at().since(calls.get(n - 1).at()))
                    .isGreaterThanOrEqualTo(Watchdog.BETWEEN_FULL_PASSES);
        }
        assertThat(calls.get(calls.size() - 1).at().since(due)).isLessThan(Duration.ofMillis(50));
        watchdog.all().forEach(watchdog::remove);
        watchdog.stopWhenEmpty();
        run.close();
    }

    /** As a run does that begins while the watchdog looks at it. */
    @Test
    void a_charge_that_is_moved_while_it_is_looked_at_is_due_when_it_was_moved_to() {
        Watchdog watchdog = new Watchdog(store, null, ticker, Notifier.threads(), () -> {});
        AtomicInteger looks = new AtomicInteger();
        Charge charge = new Charge() {
            @Override
            Charge.Action act(NanoTime now) {
                if (looks.incrementAndGet() == 1) {
                    watchdog.add(this, now.plus(SECOND));
                }
                return new Charge.Action(false, now.plus(Duration.ofHours(1)));
            }

            @Override
            Duration ttl() {
                return SECOND;
            }
        };
        watchdog.add(charge, ticker.now());
        await().until(() -> {
            ticker.advance(SECOND);
            return looks.get() == 2;
        });
        watchdog.remove(charge);
        watchdog.stopWhenEmpty();
    }

    /** As where there was no memory for taking it out. */
    @Test
    void what_a_run_leaves_behind_that_has_ended_is_forgotten_with_the_next_look() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        try (var scope = run.enter()) {
            List<Charge> kept = guard.engine().watchdog().all();
            run.complete();
            NanoTime later = ticker.now().plus(SECOND);
            kept.forEach(charge -> guard.engine().watchdog().add(charge, later));
        }
        assertThat(guard.activeRuns()).isEqualTo(1);
        await().until(() -> {
            ticker.advance(SECOND);
            return guard.activeRuns() == 0;
        });
    }

    /** Is due again after an hour. */
    private final class AlwaysRenewed extends Charge {
        private final Lease lease;

        AlwaysRenewed(Lease lease) {
            this.lease = lease;
        }

        @Override
        Charge.Action act(NanoTime now) {
            return new Charge.Action(true, now.plus(Duration.ofHours(1)));
        }

        @Override
        Duration ttl() {
            return lease.ttl();
        }

        @Override
        Lease lease() {
            return lease;
        }
    }

    @Test
    void ten_thousand_short_runs_leave_nothing_and_do_not_speed_up_renewal() throws Exception {
        for (int i = 0; i < 10_000; i++) {
            GuardedRun run = admitted(RunRequest.lock("k"));
            try (var scope = run.enter()) {
                run.complete();
            }
        }
        assertThat(guard.activeRuns()).isZero();
        int before = store.renewCalls();
        GuardedRun held = admitted(RunRequest.lock("k"));
        try (var scope = held.enter()) {
            advance(Duration.ofSeconds(100), Duration.ofMillis(100));
            assertThat(store.renewCalls() - before).isBetween(9, 12);
            held.complete();
        }
        // One of another test may be about to end.
        await().untilAsserted(() -> assertThat(watchdogThreads()).isEqualTo(1));
    }

    @Test
    void the_watchdog_ends_after_the_last_run_of_a_closed_guard() throws Exception {
        CompletableFuture<Void> closed = new CompletableFuture<>();
        LeaseStore closing = (LeaseStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {LeaseStore.class}, (proxy, method, args) -> {
                    if (method.getName().equals("close")) {
                        closed.complete(null);
                        return null;
                    }
                    return method.invoke(memory, args);
                });
        JobGuard shortLived =
                JobGuard.builder(closing).ticker(ticker).closesStore().build();
        GuardedRun run = Answered.run(shortLived.admit(RunRequest.lock("k")));
        try (var scope = run.enter()) {
            shortLived.close();
            ticker.advance(Duration.ofMinutes(3));
            run.ensureHeld();
            assertThat(closed).isNotDone();
            run.complete();
        }
        closed.get(30, TimeUnit.SECONDS);
        await().until(() -> watchdogThreads() == 0);
    }

    @Test
    void shutdown_tells_runs_that_do_not_end_in_time() throws Exception {
        // For which a shutdown waits in real time, so that the other thread may be slow.
        store.answerTimeout(Duration.ofSeconds(6));
        GuardedRun run = admitted(RunRequest.lock("k"));
        CountDownLatch entered = new CountDownLatch(1);
        CompletableFuture<RunOutcome> outcome = new CompletableFuture<>();
        Thread worker = new Thread(() -> {
            try (var scope = run.enter()) {
                entered.countDown();
                new CountDownLatch(1).await();
            } catch (InterruptedException told) {
                outcome.complete(run.complete());
            }
        });
        worker.start();
        entered.await();
        assertThat(guard.shutdown(Duration.ofMillis(50))).isTrue();
        assertThat(outcome.get(30, TimeUnit.SECONDS)).isEqualTo(RunOutcome.LOST);
        assertThat(run.lost()).contains(LossReason.SHUTDOWN);
        JobGuard next = JobGuard.builder(memory).ticker(ticker).build();
        await().untilAsserted(
                        () -> assertThat(next.admit(RunRequest.lock("k"))).isInstanceOf(Admission.Admitted.class));
        next.close();
    }

    @Test
    void a_listener_that_throws_disturbs_nobody() throws Exception {
        JobGuard noisy = JobGuard.builder(store)
                .ticker(ticker)
                .listener(event -> {
                    throw new IllegalStateException("listener");
                })
                .build();
        assertThat(noisy.run(RunRequest.lock("k"), run -> "x").ran()).isTrue();
        noisy.close();
    }

    @Test
    void leases_are_reasserted_when_the_store_forgot_them_in_quarantine() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        try (var scope = run.enter()) {
            memory.forgetEverything();
            memory.quarantine(Duration.ofSeconds(40));
            ticker.advance(Duration.ofSeconds(12));
            run.ensureHeld();
            ticker.advance(Duration.ofSeconds(40));
            assertThat(guard.admit(RunRequest.lock("k"))).isInstanceOf(Admission.Refused.class);
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    private long watchdogThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("hapax-watchdog"))
                .filter(thread -> !threadsBefore.contains(thread))
                .count();
    }

    /** Whether a run counts is asked under that run's own lock, which is held while its thread is interrupted, and that may take long. */
    @Test
    void waiting_for_runs_holds_nobody_while_it_asks_which_of_them_count() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("k"));
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Predicate<Charge> slow = charge -> {
            asked.countDown();
            awaitUninterrupted(goOn);
            return true;
        };
        CompletableFuture<Boolean> waiting = OwnThread.supply(() -> ended(slow));
        asked.await();
        try {
            assertThat(OwnThread.supply(guard::activeRuns))
                    .succeedsWithin(Duration.ofSeconds(10))
                    .isEqualTo(1);
        } finally {
            goOn.countDown();
        }
        assertThat(waiting).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(true);
        run.close();
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean ended(Predicate<Charge> except) {
        try {
            return guard.engine().watchdog().awaitRuns(except, SECOND);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
