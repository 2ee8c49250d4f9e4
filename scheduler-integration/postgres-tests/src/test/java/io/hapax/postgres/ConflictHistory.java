package io.hapax.postgres;

import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.get;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import javax.sql.DataSource;

/**
 * One random history of runs that complete in transactions which conflict with those of others, of which some are repeated, while
 * some runs are taken over: who was not taken over is not lost, each occurrence has its effect as often as it is done, and nobody is
 * abandoned.
 */
final class ConflictHistory implements AutoCloseable {

    private static final int STEPS = 20;
    private static final int DOCTORS = 3;
    private static final int[] ISOLATIONS = {
        Connection.TRANSACTION_SERIALIZABLE,
        Connection.TRANSACTION_SERIALIZABLE,
        Connection.TRANSACTION_SERIALIZABLE,
        Connection.TRANSACTION_REPEATABLE_READ,
        Connection.TRANSACTION_READ_COMMITTED
    };

    private final long seed;
    private final Random random;
    private final DataSource pool;
    private final RunLedger ledger;
    private final JobGuard guard;
    private final List<Working> working = new ArrayList<>();
    private final Set<JobIdentity> occurrences = new HashSet<>();
    private final List<String> broken = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private int conflicts;

    /** @param ledger kept open */
    ConflictHistory(long seed, DataSource pool, RunLedger ledger, JobGuard guard) {
        this.seed = seed;
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.pool = pool;
        this.ledger = ledger;
        this.guard = guard;
    }

    static void createTables(DataSource pool) throws SQLException {
        execute(pool, "CREATE TABLE duty (doctor int PRIMARY KEY, shifts int)");
        execute(pool, "INSERT INTO duty SELECT n, 0 FROM generate_series(1, " + DOCTORS + ") AS n");
        execute(pool, "CREATE TABLE effect (occurrence text)");
    }

    private final class Working {
        private final GuardedRun run;
        private final Connection job;
        private boolean isTaken;
        /** Its effect is in its transaction. */
        private boolean hasWorked;

        Working(GuardedRun run) throws SQLException {
            this.run = run;
            // It goes on elsewhere.
            run.enter(OnLeaseLost.SIGNAL).close();
            this.job = pool.getConnection();
            job.setAutoCommit(false);
            job.setTransactionIsolation(ISOLATIONS[random.nextInt(ISOLATIONS.length)]);
        }

        void work() throws SQLException {
            shift(job);
            if (!hasWorked) {
                execute(
                        job,
                        "INSERT INTO effect VALUES ('"
                                + run.identity().run().orElseThrow().value() + "')");
                hasWorked = true;
            }
        }

        void complete() throws SQLException {
            if (!hasWorked) {
                work();
            }
            if (random.nextBoolean()) {
                outrun();
            }
            run.completeIn(job);
        }

        void rollBack() throws SQLException {
            job.rollback();
            hasWorked = false;
        }

        void leave() throws SQLException {
            rollBack();
            job.close();
            working.remove(this);
        }
    }

    int conflicts() {
        return conflicts;
    }

    /** Returns what was broken, with the steps that led there; empty if nothing was. */
    List<String> play() throws Exception {
        for (int n = 0; n < STEPS && broken.isEmpty(); n++) {
            int dice = random.nextInt(10);
            if (working.isEmpty() || (dice < 2 && working.size() < DOCTORS)) {
                begin();
            } else {
                Working one = working.get(random.nextInt(working.size()));
                if (dice < 4) {
                    attempt(one, one::work);
                } else if (dice < 5) {
                    takeOver(one);
                } else if (dice < 6) {
                    fail(one);
                } else {
                    complete(one);
                }
            }
        }
        for (Working one : List.copyOf(working)) {
            fail(one);
        }
        judge();
        if (!broken.isEmpty()) {
            broken.add(0, "seed " + seed);
            broken.addAll(log);
        }
        return broken;
    }

    /** Reads what others write, and writes what others read, unless one of them is about to: nobody waits here. */
    private void shift(Connection transaction) throws SQLException {
        execute(transaction, "SELECT sum(shifts) FROM duty");
        execute(
                transaction,
                "UPDATE duty SET shifts = shifts + 1 WHERE doctor = (SELECT doctor FROM duty WHERE doctor = "
                        + (1 + random.nextInt(DOCTORS)) + " FOR UPDATE SKIP LOCKED)");
    }

    /** A colleague does alike, and commits first, unless it is in conflict itself. */
    private void outrun() throws SQLException {
        try (Connection colleague = pool.getConnection()) {
            colleague.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            colleague.setAutoCommit(false);
            try {
                shift(colleague);
                colleague.commit();
            } catch (SQLException conflict) {
                colleague.rollback();
            }
        }
    }

    private void begin() throws Exception {
        String name = "history " + seed + "/" + random.nextInt(4);
        RunRequest request = RunRequest.occurrence(name).tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        if (guard.admit(request) instanceof Admission.Admitted admitted) {
            log.add("begin " + admitted.run());
            occurrences.add(admitted.run().identity());
            Working one = new Working(admitted.run());
            working.add(one);
            attempt(one, one::work);
        }
    }

    private interface Step {
        void take() throws SQLException;
    }

    /** Returns whether it succeeded; what conflicts is rolled back, and begun anew. */
    private boolean attempt(Working one, Step step) throws SQLException {
        try {
            step.take();
            return true;
        } catch (SQLException conflict) {
            if (!"40001".equals(conflict.getSQLState()) && !"40P01".equals(conflict.getSQLState())) {
                throw conflict;
            }
            conflicts++;
            log.add("conflict of " + one.run);
            one.rollBack();
            return false;
        }
    }

    /** As the clean-up of another worker does it that believes this one to be gone. */
    private void takeOver(Working one) {
        Lease claim = one.run.lease().orElseThrow();
        if (!one.isTaken) {
            log.add("take over " + one.run);
            one.isTaken = true;
            get(ledger.release(claim, RunState.LOST));
            if (random.nextBoolean()) {
                Lease taker = Attempts.claimed(ledger, one.run.identity());
                get(ledger.release(taker, RunState.FAILED));
            }
        }
    }

    private void fail(Working one) throws SQLException {
        log.add("fail " + one.run);
        one.rollBack();
        RunOutcome outcome = one.run.fail(new IllegalStateException("its code failed"));
        require(one.isTaken || outcome == RunOutcome.FAILED, "what fails has failed, and not " + outcome, one.run);
        one.leave();
    }

    private void complete(Working one) throws SQLException {
        try {
            if (!attempt(one, one::complete) || !attempt(one, one.job::commit)) {
                // The application's to repeat, or not.
                require(one.run.lost().isEmpty(), "a conflict is no takeover", one.run);
                return;
            }
            log.add("committed " + one.run);
            require(!one.isTaken, "who was taken over commits nothing", one.run);
            RunOutcome outcome = one.run.complete();
            require(outcome == RunOutcome.COMPLETED, "what is committed has completed, and is not " + outcome, one.run);
        } catch (LeaseLostException superseded) {
            log.add("superseded: " + one.run);
            require(one.isTaken, "who was not taken over is not superseded", one.run);
            one.rollBack();
            one.run.close();
        }
        one.leave();
    }

    private void require(boolean kept, String promise, Object of) {
        if (!kept) {
            broken.add(promise + ": " + of);
        }
    }

    private void judge() throws SQLException {
        for (JobIdentity identity : occurrences) {
            RunState state = get(ledger.entry(identity)).map(LedgerEntry::state).orElse(null);
            require(state != RunState.ABANDONED, "nobody is abandoned who has not crashed", identity);
            long effects = effects(identity.run().orElseThrow().value());
            require(effects == (state == RunState.DONE ? 1 : 0), state + " with " + effects + " effects", identity);
        }
    }

    private long effects(String occurrence) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery("SELECT count(*) FROM effect WHERE occurrence = '" + occurrence + "'")) {
            row.next();
            return row.getLong(1);
        }
    }

    @Override
    public void close() throws SQLException {
        for (Working one : List.copyOf(working)) {
            one.run.close();
            one.leave();
        }
    }
}
