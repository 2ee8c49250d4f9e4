package io.hapax.spring;

import io.hapax.GuardedBody;
import io.hapax.GuardedRun;
import io.hapax.WorkTransaction;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A run in a transaction: its code is running or has returned, and the outcome of the transaction decides that of the run. Used by the
 * transaction's thread.
 */
final class PendingRun {

    private static final String PENDING =
            "it has run in this transaction, which has not ended, or is running in it: it is done when that commits";

    private final GuardedRun run;
    private final WorkTransaction transaction;
    private final boolean endsWithTransaction;
    /** How many savepoints there were before its first work, and before that which completes it. */
    private int first;

    private int last;
    private boolean awaitsWork = true;
    private int atWork;
    private boolean undone;
    private boolean begun;
    private boolean begunBefore;
    private boolean over;
    private @Nullable Throwable failure;
    private boolean returned;

    /**
     * @param endsWithTransaction whether it ends with the transaction, and not by itself when its code has returned after that
     * @param savepoints how many there are
     */
    PendingRun(GuardedRun run, boolean endsWithTransaction, int savepoints) {
        this.run = run;
        this.transaction = new WorkTransaction(run);
        this.endsWithTransaction = endsWithTransaction;
        this.first = savepoints;
        this.last = savepoints;
        transaction.endsOnThisThread();
    }

    GuardedRun run() {
        return run;
    }

    /** Whether it has ended before the transaction has. */
    boolean isOver() {
        return over;
    }

    /** Records that its method starts now: earlier savepoints of that method are a part of its work. */
    void beginsAfter(int savepoints) {
        if (undone) {
            // Its code is repeated, and nothing of it is left.
            undone = false;
            begunBefore = false;
            awaitsWork = true;
        }
        if (awaitsWork) {
            first = begunBefore ? first : savepoints;
            last = savepoints;
            begunBefore = true;
            awaitsWork = false;
        }
    }

    /** Whether its method has been called and has not started its transaction: it takes part in this one, or should. */
    boolean awaitsWork() {
        return awaitsWork && endsWithTransaction;
    }

    /** Whether it ends by itself, after the transaction of its method. */
    boolean endsByItself() {
        return !endsWithTransaction;
    }

    /** Says that its method, which ends by itself, is called once more in the transaction. */
    void repeated() {
        failure = null;
        returned = false;
    }

    /** Says that its method, which ends by itself, has returned. */
    void returned() {
        returned = true;
    }

    /** Says that its method, which ends by itself, has thrown: it has failed, also where Spring commits. */
    void failed(Throwable thrown) {
        failure = thrown;
    }

    /** Whether it has one of the keys. */
    boolean has(JobIdentity wanted) {
        JobIdentity held = run.identity();
        return endsWithTransaction
                && !over
                && ((wanted.lockKey() != null && wanted.lockKey().equals(held.lockKey()))
                        || (wanted.runKey() != null && wanted.runKey().equals(held.runKey())));
    }

    /**
     * Tells why a call under one of its keys is refused; null if it joins.
     *
     * @param takesPart whether the call takes part in the transaction with which this run ends
     * @throws IllegalStateException if the call has another run key under the same lock key
     */
    @Nullable
    Refusal refusal(JobIdentity wanted, boolean takesPart) {
        JobIdentity held = run.identity();
        if (wanted.runKey() == null) {
            return null;
        }
        if (!wanted.runKey().equals(held.runKey())) {
            throw new IllegalStateException("a run of " + held + " is pending in this transaction, which calls a method"
                    + " that is guarded as " + wanted
                    + ": the transaction holds that lock key already, so the second run"
                    + " key could not be noted as done. Call the method in a transaction of its own after this one, or give"
                    + " it another lock key");
        }
        // What has failed in this transaction may be tried again in it.
        boolean again = failure != null && takesPart && wanted.equals(held);
        return again ? null : new Refusal(Verdict.RUNNING, null, Duration.ZERO, PENDING, null);
    }

    /**
     * Executes code under the run.
     *
     * @param wanted the keys of the call: one without the run key is a guest, and decides nothing
     */
    @Nullable
    Object work(JobIdentity wanted, GuardedBody<@Nullable Object, Exception> body) throws Exception {
        if (atWork > 0) {
            return body.run(run);
        }
        boolean decides = !begun || wanted.runKey() != null;
        GuardedRun.Scope scope = enter();
        awaitsWork = decides;
        begun = true;
        atWork++;
        try {
            failure = decides ? null : failure;
            Object value = body.run(run);
            run.ensureHeld();
            return value;
        } catch (Throwable thrown) {
            failure = decides ? thrown : failure;
            throw thrown;
        } finally {
            atWork--;
            scope.close();
            if (undone) {
                transaction.ended(WorkTransaction.End.ROLLED_BACK);
                end();
            }
        }
    }

    private GuardedRun.Scope enter() {
        try {
            return run.enter();
        } catch (Throwable notEntered) {
            if (!begun) {
                // The transaction has nothing of it.
                over = true;
                run.close();
            }
            throw notEntered;
        }
    }

    /** Notes that the transaction goes back to one of its savepoints. */
    void rolledBackTo(int savepoint) {
        if (over) {
            return;
        }
        if (savepoint >= first) {
            // What has failed before that is left, under its key.
            failure = savepoint < last ? new IllegalStateException("rolled back to a savepoint") : failure;
            return;
        }
        undone = true;
        if (atWork == 0) {
            transaction.ended(WorkTransaction.End.ROLLED_BACK);
            end();
        }
    }

    /** Refuses a commit that the run may not make any more, and completes it in the ledger if that is in this transaction. */
    void beforeCommit(boolean readOnly, LedgerCompletion ledger) {
        if (over) {
            return;
        }
        run.ensureHeld();
        if (failure == null && !readOnly) {
            ledger.complete(transaction);
        }
    }

    /** Tells the run how the transaction has ended. */
    void ended(WorkTransaction.End how) {
        if (returned && failure == null) {
            transaction.endedWithAll(how);
        } else {
            transaction.ended(how);
        }
        if (endsWithTransaction && !over) {
            end();
        }
    }

    private void end() {
        over = true;
        Throwable thrown = failure;
        // Listeners receive the outcome.
        var unused = thrown == null ? run.complete() : run.fail(thrown);
    }

    @Override
    public String toString() {
        return run.identity().toString();
    }
}
