package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardListener;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.FaultInjector;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.AbstractQueuedSynchronizer;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;

/**
 * Two guards on one memory: one whose ports misbehave, at work for a bystander, and a healthy one that wants the same keys.
 * Time stands still unless the world waits.
 */
final class FaultWorld {

    static final Duration TTL = Duration.ofSeconds(1);

    private static final Duration STEP = Duration.ofMillis(100);
    private static final Duration BOUND = Duration.ofSeconds(40);
    private static final Duration LONGEST_WORK = Duration.ofSeconds(3);
    private static final RunRequest BYSTANDER = RunRequest.lock("bystander");
    private static final RunRequest AFTER = RunRequest.lock("after").once("after@1");
    private static final RunOptions OPTIONS = RunOptions.DEFAULTS.withTtl(TTL).withOnLeaseLost(OnLeaseLost.SIGNAL);

    /** What is done while the fault lasts. */
    @FunctionalInterface
    interface Act {
        @Nullable
        Object perform() throws Exception;
    }

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final InMemoryRunLedger runs = new InMemoryRunLedger(ticker);
    private final FaultInjector faults = new FaultInjector();
    private final Events events = new Events();
    private final boolean withLedger;
    private final JobGuard guard;
    private final JobGuard other;
    private final GuardedRun bystander;
    private final GuardedRun.Scope bystanderScope;
    private final CompletableFuture<LossReason> bystanderTold = new CompletableFuture<>();
    private volatile boolean bystanderEnded;

    FaultWorld(boolean withLedger) throws InterruptedException {
        this(withLedger, event -> {});
    }

    /** A world with a listener, which is told before {@link #events}. */
    FaultWorld(boolean withLedger, GuardListener first) throws InterruptedException {
        this.withLedger = withLedger;
        this.guard = builder(faults.around(AdministeredStore.class, memory), faults.around(RunLedger.class, runs))
                .listener(faults.around(GuardListener.class, first))
                .listener(events)
                .build();
        this.other = builder(memory.otherClient(), runs.otherClient()).build();
        this.bystander = granted(guard.admit(BYSTANDER));
        bystander.onLeaseLost(loss -> bystanderTold.complete(loss.reason()));
        this.bystanderScope = bystander.enter();
    }

    private JobGuardBuilder builder(LeaseStore store, RunLedger ledger) {
        JobGuardBuilder builder =
                JobGuard.builder(store).defaults(any -> OPTIONS).ticker(ticker).withoutLogging();
        return withLedger ? builder.ledger(ledger) : builder;
    }

    /** A further guard on the ports that misbehave, with clients of its own. */
    JobGuard another(boolean closesStore) {
        JobGuardBuilder builder = builder(
                faults.around(AdministeredStore.class, memory.otherClient()),
                faults.around(RunLedger.class, runs.otherClient()));
        return (closesStore ? builder.closesStore() : builder).build();
    }

    FaultInjector faults() {
        return faults;
    }

    ManualTicker ticker() {
        return ticker;
    }

    InMemoryLeaseStore memory() {
        return memory;
    }

    Events events() {
        return events;
    }

    JobGuard guard() {
        return guard;
    }

    /** Only healthy ports are asked. */
    private static GuardedRun granted(Admission admission) {
        return admission.fold(run -> run, refusal -> {
            throw new AssertionError("refused: " + refusal, refusal.cause());
        });
    }

    GuardedRun entered(RunRequest request) throws InterruptedException {
        GuardedRun run = granted(guard.admit(request));
        GuardedRun.Scope unused = run.enter();
        return run;
    }

    void heldByOther(RunRequest request) throws InterruptedException {
        GuardedRun unused = granted(other.admit(request));
    }

    /** Whoever is admitted works for a moment and completes. */
    private static Object ended(Admission admission) {
        return admission instanceof Admission.Admitted admitted ? admitted.run().complete() : admission;
    }

    Object admit(RunRequest request) throws InterruptedException {
        return ended(guard.admit(request));
    }

    Object admitAsync(RunRequest request) throws Exception {
        return ended(guard.admitAsync(request).get());
    }

    /** Performs an act while time goes on; what is late is released after three ttls. */
    @Nullable
    Object perform(Act act) throws Exception {
        Call call = new Call(act);
        for (int step = 0; step < 30 && !call.settled(); step++) {
            pass(STEP);
        }
        faults.release();
        return finished(call, "the call into the guard");
    }

    /** An act on a thread of its own, which may never end. */
    static final class Call {
        private final CompletableFuture<@Nullable Object> result = new CompletableFuture<>();
        private final Thread thread;

        Call(Act act) {
            this.thread = new Thread(() -> perform(act), "caller");
            thread.setDaemon(true);
            thread.start();
        }

        private void perform(Act act) {
            try {
                result.complete(act.perform());
            } catch (Throwable failure) {
                result.completeExceptionally(new AssertionError("thrown: " + failure, failure));
            }
        }

        /** Waits for an act that moves the clock itself. */
        @Nullable
        Object inRealTime() throws Exception {
            thread.join(2 * BOUND.toMillis());
            assertThat(result.isDone()).as("the call has come to an end").isTrue();
            return result.get();
        }

        /**
         * Waits until the act waits itself, as time must not pass while it works, unless it works without end; returns
         * whether it is done.
         */
        boolean settled() throws InterruptedException {
            long start = System.nanoTime();
            while (isAtWork() && System.nanoTime() - start < LONGEST_WORK.toNanos()) {
                thread.join(1);
            }
            return result.isDone();
        }

        private boolean isAtWork() {
            Thread.State state = thread.getState();
            // A lock that another cell holds, the log's say, is no waiting for time to pass; a condition may be.
            return state == Thread.State.RUNNABLE
                    || state == Thread.State.BLOCKED
                    || LockSupport.getBlocker(thread) instanceof AbstractQueuedSynchronizer;
        }
    }

    /** Lets time pass until a call is done. */
    @Nullable
    Object finished(Call call, String what) throws Exception {
        long start = System.nanoTime();
        while (!call.settled()) {
            if (System.nanoTime() - start > BOUND.toNanos()) {
                throw new AssertionError(what + " did not come to an end");
            }
            pass(STEP);
            call.thread.join(5);
        }
        try {
            return call.result.get();
        } catch (ExecutionException e) {
            throw new AssertionError(what + ": " + e.getCause().getMessage(), e.getCause());
        }
    }

    /** Throws what need not be declared. */
    @SuppressWarnings("unchecked")
    static <E extends Throwable> void sneak(Throwable failure) throws E {
        throw (E) failure;
    }

    /** Waits in real time; what other cells throw is none of its business. */
    static ConditionFactory patiently(String what) {
        return await(what)
                .dontCatchUncaughtExceptions()
                .pollInterval(Duration.ofMillis(2))
                .atMost(BOUND);
    }

    /** Lets time pass, and looks all the while whether the bystander believes in a lease that is free for others. */
    void pass(Duration duration) throws InterruptedException {
        for (Duration left = duration; !left.isZero(); left = left.minus(STEP)) {
            ticker.advance(STEP);
            if (!bystanderEnded) {
                other.admit(BYSTANDER).fold(this::admittedBeside, refusal -> null);
            }
        }
    }

    private @Nullable Object admittedBeside(GuardedRun run) {
        boolean believes = bystander.isHeld();
        Optional<LossReason> lost = bystander.lost();
        run.close();
        assertThat(believes).as("the bystander believes that it is held").isFalse();
        assertThat(lost).as("the bystander was told before its key was free").isPresent();
        return null;
    }

    /** Ends the fault, and checks that nothing of it is left. */
    void recover(RunRequest request) throws Exception {
        faults.healthy();
        faults.release();
        pass(TTL.multipliedBy(3));
        if (bystander.lost().isPresent()) {
            patiently("the bystander's callback").until(bystanderTold::isDone);
        }
        Object unused = finished(new Call(this::endOfBystander), "the bystander's end");
        worksAgain();
        isFree(request);
        pass(TTL.multipliedBy(2));
        patiently("nothing is left").untilAsserted(() -> {
            assertThat(guard.activeRuns()).as("active runs").isZero();
            assertThat(guard.admin().waiting()).as("waiting runs").isEmpty();
        });
        Call shutdown = new Call(() -> guard.shutdown(Duration.ofSeconds(5)));
        assertThat(finished(shutdown, "the shutdown")).isEqualTo(true);
        assertThat(memory.admin().leases(9).toCompletableFuture().get())
                .as("leases that are left")
                .isEmpty();
    }

    private RunOutcome endOfBystander() {
        bystanderEnded = true;
        bystanderScope.close();
        return bystander.complete();
    }

    private void worksAgain() throws Exception {
        GuardedRun run = granted(
                (Admission) Objects.requireNonNull(finished(new Call(() -> guard.admit(AFTER)), "a later admission")));
        try (GuardedRun.Scope scope = run.enter()) {
            for (int step = 0; step < 25; step++) {
                ticker.advance(STEP);
                assertThat(other.admit(AFTER)).as("a second run").isInstanceOf(Admission.Refused.class);
                assertThat(run.isHeld()).as("a later run is renewed").isTrue();
            }
            assertThat(finished(new Call(run::complete), "a later completion")).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    /** A second occurrence of the same job may run elsewhere, whatever became of the first. */
    private void isFree(RunRequest request) throws InterruptedException {
        String key = String.valueOf(request.identity().leaseName());
        granted(other.admit(RunRequest.lock(key).once(key + "@after"))).close();
        Optional<?> queued = new QueuedJob(
                        other,
                        key,
                        new io.hapax.lease.LockKey(key),
                        "after",
                        RunOptions.DEFAULTS.withMode(LockMode.UNTIL_EXECUTING).withUniqueFor(STEP))
                .enter(id -> JobQueue.Fate.PRESENT)
                .refusal();
        assertThat(queued).as("the place in the queue").isEmpty();
    }
}
