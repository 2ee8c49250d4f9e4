package io.hapax;

import io.hapax.event.RunOutcome;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.ForwardingRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.NanoTime;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One random history of runs that complete in transactions, of which one in three is in conflict with those of others, while some
 * runs are taken over: who was not taken over is not lost, may repeat its transaction, and is left for no person.
 */
final class ConflictHistory {

    /** A hole that was found once, brought back. */
    enum Mutant {
        NONE,
        /** Each SQLSTATE 40001 counts as a takeover. */
        TAKES_CONFLICTS_FOR_TAKEOVERS
    }

    private static final String CONFLICT = "40001";
    private static final int STEPS = 40;
    private static final int OCCURRENCES = 3;

    private final Random random;
    private final HistoryClock clock = new HistoryClock();
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(clock);
    private final JobGuard guard;
    private final Set<GuardedRun> working = new HashSet<>();
    private final Set<GuardedRun> taken = new HashSet<>();
    private final Set<JobIdentity> done = new HashSet<>();
    private final List<String> broken = new ArrayList<>();
    private final List<String> log = new ArrayList<>();

    ConflictHistory(long seed, Mutant mutant) {
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.guard = JobGuard.builder(new InMemoryLeaseStore(clock))
                .ledger(new ConflictingLedger(ledger, mutant))
                .ticker(clock)
                .withoutLogging()
                .threads(new HistoryThreads(null))
                .build();
    }

    /** As PostgreSQL in a transaction of the application that keeps to SERIALIZABLE. */
    private final class ConflictingLedger extends ForwardingRunLedger {
        private final Mutant mutant;

        ConflictingLedger(RunLedger ledger, Mutant mutant) {
            super(ledger);
            this.mutant = mutant;
        }

        @Override
        public Completion completeIn(Connection connection, Lease claim) throws SQLException {
            if (random.nextInt(3) > 0) {
                return super.completeIn(connection, claim);
            }
            if (mutant == Mutant.TAKES_CONFLICTS_FOR_TAKEOVERS) {
                return Completion.SUPERSEDED;
            }
            throw new SQLException("could not serialize access", CONFLICT);
        }
    }

    private void require(boolean kept, String promise, Object of) {
        if (!kept) {
            broken.add(promise + ": " + of);
        }
    }

    /** Returns what was broken, with the steps that led there; empty if nothing was. */
    List<String> play() {
        for (int n = 0; n < STEPS && broken.isEmpty(); n++) {
            int dice = random.nextInt(10);
            if (working.isEmpty() || dice < 3) {
                begin();
            } else if (dice == 3) {
                pass(Duration.ofMillis(random.nextInt(8_000)));
            } else {
                GuardedRun run = List.copyOf(working).get(random.nextInt(working.size()));
                if (dice == 4) {
                    takeOver(run);
                } else if (dice == 5) {
                    fail(run);
                } else {
                    complete(run);
                }
            }
        }
        List.copyOf(working).forEach(this::fail);
        judge();
        guard.close();
        if (!broken.isEmpty()) {
            broken.addAll(log);
        }
        return broken;
    }

    private void begin() {
        RunRequest request = RunRequest.occurrence("job/" + random.nextInt(OCCURRENCES))
                .tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        if (guard.admitAsync(request).join() instanceof Admission.Admitted admitted) {
            GuardedRun run = admitted.run();
            log.add("begin " + run);
            require(!done.contains(run.identity()), "an occurrence that is done is not run again", run);
            run.enter().close();
            working.add(run);
        }
    }

    /** As another worker's clean-up does it that believes this one to be gone. */
    private void takeOver(GuardedRun run) {
        if (taken.add(run)) {
            log.add("take over " + run);
            ledger.release(run.lease().orElseThrow(), RunState.LOST)
                    .toCompletableFuture()
                    .join();
        }
    }

    private void complete(GuardedRun run) {
        try {
            run.completeIn(null);
        } catch (SQLException conflict) {
            log.add("conflict of " + run);
            require(run.lost().isEmpty(), "a conflict is no takeover", run);
            return;
        } catch (LeaseLostException superseded) {
            log.add("superseded: " + run);
            require(taken.contains(run), "who was not taken over is not superseded", run);
            run.close();
            working.remove(run);
            return;
        }
        log.add("committed " + run);
        require(!taken.contains(run), "who was taken over commits nothing", run);
        done.add(run.identity());
        RunOutcome outcome = run.complete();
        require(outcome == RunOutcome.COMPLETED, "what is committed has completed, and is not " + outcome, run);
        working.remove(run);
    }

    private void fail(GuardedRun run) {
        log.add("fail " + run);
        run.fail(new IllegalStateException("its code failed"));
        working.remove(run);
    }

    /** Moves time from one instant at which the watchdog has something to do to the next. */
    private void pass(Duration time) {
        log.add(time.toMillis() + " ms pass");
        NanoTime target = clock.now().plus(time);
        while (clock.now().isBefore(target)) {
            NanoTime due = guard.engine().watchdog().nextDue();
            NanoTime next = due != null && due.isBefore(target) ? due : target;
            clock.moveTo(next.isBefore(clock.now()) ? clock.now() : next);
            for (due = guard.engine().watchdog().nextDue();
                    due != null && !clock.now().isBefore(due);
                    due = guard.engine().watchdog().nextDue()) {
                guard.engine().watchdog().pass();
            }
        }
    }

    private void judge() {
        for (int n = 0; n < OCCURRENCES; n++) {
            JobIdentity identity = RunRequest.occurrence("job/" + n).identity();
            RunState state = ledger.entry(identity)
                    .toCompletableFuture()
                    .join()
                    .map(LedgerEntry::state)
                    .orElse(null);
            require(state != RunState.ABANDONED && state != RunState.RUNNING, "nobody is left behind", identity);
            require((state == RunState.DONE) == done.contains(identity), "done is what was committed", identity);
        }
    }
}
