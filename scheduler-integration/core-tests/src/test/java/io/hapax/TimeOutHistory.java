package io.hapax;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.ForwardingRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One random history of a guard whose store and ledger leave many calls without an answer, on a clock that only the history moves:
 * whoever asks, or ends a run, has an answer in time.
 */
final class TimeOutHistory {

    private static final int STEPS = 30;
    private static final int ONE_OPEN_IN = 3;
    /** What a call may take at most: what these stores promise, and the second that a guard gives them besides. */
    private static final Duration LONGEST_CALL = Duration.ofMillis(1_100);
    /** Asked in vain at the last moment: for the lease, the claim, and to have both back. */
    private static final Duration LONGEST_TRY = LONGEST_CALL.multipliedBy(4);

    private final Random random;
    private final HistoryClock clock = new HistoryClock();
    private final JobGuard guard;
    private final List<GuardedRun> runs = new ArrayList<>();
    private final List<Awaited> awaited = new ArrayList<>();
    private final List<String> broken = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private boolean opens = true;

    /** An answer, and until when it has to come. */
    private record Awaited(String what, CompletableFuture<?> answer, NanoTime until) {}

    /** @param pool carries out whatever is not done by who calls; null for those who call */
    TimeOutHistory(long seed, @Nullable ExecutorService pool) {
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        JobGuardBuilder builder = JobGuard.builder(new OpenStore(new InMemoryLeaseStore(clock)))
                .ticker(clock)
                .withoutLogging()
                .threads(new HistoryThreads(pool));
        // Half of the histories have a ledger.
        this.guard =
                (random.nextBoolean() ? builder : builder.ledger(new OpenLedger(new InMemoryRunLedger(clock)))).build();
    }

    private <T> CompletionStage<T> open(Supplier<CompletionStage<T>> call) {
        return opens && random.nextInt(ONE_OPEN_IN) == 0 ? new CompletableFuture<>() : call.get();
    }

    /** A store of which one call in three is never answered, nor carried out. */
    private final class OpenStore extends ForwardingLeaseStore {
        OpenStore(LeaseStore store) {
            super(store);
        }

        @Override
        public CompletionStage<Acquisition> acquire(LeaseRequest request) {
            return open(() -> store().acquire(request));
        }

        @Override
        public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
            return open(() -> store().renew(leases));
        }

        @Override
        public CompletionStage<Boolean> release(Lease lease, Ending ending) {
            return open(() -> store().release(lease, ending));
        }

        @Override
        public CompletionStage<Void> withdraw(LeaseRequest request) {
            return open(() -> store().withdraw(request));
        }

        /** Nobody is woken. */
        @Override
        public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
            return new CompletableFuture<>();
        }
    }

    /** A ledger of which one call in three is never answered, nor carried out. */
    private final class OpenLedger extends ForwardingRunLedger {
        OpenLedger(RunLedger ledger) {
            super(ledger);
        }

        @Override
        public CompletionStage<Claim> claim(ClaimRequest request) {
            return open(() -> ledger().claim(request));
        }

        @Override
        public CompletionStage<Completion> complete(Lease claim) {
            return open(() -> ledger().complete(claim));
        }

        @Override
        public CompletionStage<Completion> release(Lease claim, RunState state) {
            return open(() -> ledger().release(claim, state));
        }

        @Override
        public CompletionStage<Void> withdraw(ClaimRequest request) {
            return open(() -> ledger().withdraw(request));
        }
    }

    /** Returns what was broken, with the steps that led there; empty if nothing was. */
    List<String> play() {
        for (int n = 0; n < STEPS && broken.isEmpty(); n++) {
            switch (random.nextInt(4)) {
                case 0, 1 -> ask();
                case 2 -> end();
                default -> pass(Duration.ofMillis(random.nextInt(3_000)));
            }
        }
        if (broken.isEmpty()) {
            pass(Duration.ofSeconds(30));
        }
        opens = false;
        awaited.forEach(each -> each.answer().cancel(false));
        runs.forEach(GuardedRun::giveBack);
        guard.close();
        if (!broken.isEmpty()) {
            broken.addAll(log);
        }
        return broken;
    }

    private void ask() {
        Duration patience = Duration.ofMillis(random.nextInt(3) == 0 ? 0 : 200 + random.nextInt(5_000));
        String key = "job/" + random.nextInt(2);
        RunRequest request = RunRequest.lock(key).once(key + "/" + random.nextInt(3));
        String what = request + " for " + patience.toMillis() + " ms";
        log.add("ask " + what);
        await(
                what,
                guard.admitAsync(patience.isZero() ? request : request.waitAtMost(patience)),
                patience.plus(LONGEST_TRY));
    }

    private void end() {
        if (!runs.isEmpty()) {
            GuardedRun run = runs.remove(random.nextInt(runs.size()));
            log.add("complete " + run);
            await("the end of " + run, run.completeAsync(), LONGEST_CALL.multipliedBy(2));
        }
    }

    private void await(String what, CompletableFuture<?> answer, Duration atMost) {
        awaited.add(new Awaited(what, answer, clock.now().plus(atMost)));
        look();
    }

    /** Moves time from one instant at which the watchdog has something to do to the next. */
    private void pass(Duration time) {
        log.add(time.toMillis() + " ms pass");
        NanoTime target = clock.now().plus(time);
        while (clock.now().isBefore(target) && broken.isEmpty()) {
            NanoTime due = guard.engine().watchdog().nextDue();
            NanoTime next = due != null && due.isBefore(target) ? due : target;
            clock.moveTo(next.isBefore(clock.now()) ? clock.now() : next);
            for (due = guard.engine().watchdog().nextDue();
                    due != null && !clock.now().isBefore(due);
                    due = guard.engine().watchdog().nextDue()) {
                guard.engine().watchdog().pass();
            }
            look();
        }
    }

    private void look() {
        for (Iterator<Awaited> all = awaited.iterator(); all.hasNext(); ) {
            Awaited each = all.next();
            if (each.answer().isDone()) {
                all.remove();
                if (each.answer().join() instanceof Admission.Admitted admitted) {
                    log.add("admitted: " + admitted.run());
                    runs.add(admitted.run());
                }
            } else if (each.until().isBefore(clock.now())) {
                broken.add("no answer in time: " + each.what());
            }
        }
    }
}
