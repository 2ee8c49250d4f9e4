package io.hapax.spring;

import io.hapax.GuardedRun;
import io.hapax.WorkTransaction;
import io.hapax.lease.JobIdentity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * The runs of one transaction, registered with Spring: Spring calls it before the commit, and after the end, after all other listeners.
 * Used by the transaction's thread; only its end may be reported by another one.
 */
final class TransactionRuns implements TransactionSynchronization {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");

    /** The innermost transaction with runs that is suspended on this thread. */
    private static final ThreadLocal<@Nullable TransactionRuns> SUSPENDED = new ThreadLocal<>();

    private final LedgerCompletion ledger;
    private final List<PendingRun> runs = new ArrayList<>();
    /** Runs of a transaction around this one, of whose keys it makes use. */
    private final List<GuardedRun> guestsOf = new ArrayList<>();

    private final List<Object> savepoints = new ArrayList<>();
    private @Nullable TransactionRuns outer;
    private boolean closing;

    private TransactionRuns(LedgerCompletion ledger) {
        this.ledger = ledger;
    }

    /** Those of the thread's transaction; null if it has none yet. */
    static @Nullable TransactionRuns find() {
        return (TransactionRuns) TransactionSynchronizationManager.getResource(TransactionRuns.class);
    }

    /** Those of the thread's transaction, which has to be one with synchronization. */
    static TransactionRuns get(LedgerCompletion ledger) {
        TransactionRuns known = find();
        if (known == null) {
            known = new TransactionRuns(ledger);
            TransactionSynchronizationManager.registerSynchronization(known);
            TransactionSynchronizationManager.bindResource(TransactionRuns.class, known);
        }
        return known;
    }

    /** Whether the thread's transaction is about to end, or has ended, as far as is known. */
    static boolean isClosing() {
        return TransactionSynchronizationManager.getSynchronizations().stream()
                .anyMatch(each -> each instanceof TransactionRuns known && known.closing);
    }

    /** The run with one of the wanted keys in the thread's transaction, or in one that is suspended around it. */
    static @Nullable PendingRun holder(JobIdentity wanted) {
        for (TransactionRuns each : all()) {
            for (PendingRun run : each.runs) {
                if (run.has(wanted)) {
                    return run;
                }
            }
        }
        return null;
    }

    /** The keys that the thread's transactions hold, as text for messages; null if there are none. */
    static @Nullable String holding() {
        String keys = all().stream()
                .flatMap(each -> each.runs.stream())
                .filter(run -> !run.isOver())
                .map(PendingRun::toString)
                .collect(Collectors.joining("; "));
        return keys.isEmpty() ? null : keys;
    }

    private static List<TransactionRuns> all() {
        List<TransactionRuns> all = new ArrayList<>();
        TransactionRuns here = find();
        if (here != null) {
            all.add(here);
        }
        for (TransactionRuns each = SUSPENDED.get(); each != null; each = each.outer) {
            all.add(each);
        }
        return all;
    }

    boolean contains(PendingRun run) {
        return runs.contains(run);
    }

    /** Lets a run end with the transaction. */
    PendingRun add(GuardedRun run) {
        PendingRun pending = new PendingRun(run, true, savepoints.size());
        runs.add(pending);
        return pending;
    }

    /**
     * Records that the work of a run starts, in this transaction.
     *
     * @return the run, if it ends by itself after this transaction; else null
     * @throws IllegalStateException if it was to take part in the transaction of its caller, and does not
     */
    @Nullable
    PendingRun begins(GuardedRun run) {
        for (TransactionRuns each : all()) {
            for (PendingRun known : each.runs) {
                if (known.run() == run) {
                    return begins(known, each);
                }
            }
        }
        new WorkTransaction(run).begins();
        PendingRun own = new PendingRun(run, false, savepoints.size());
        runs.add(own);
        return own;
    }

    private @Nullable PendingRun begins(PendingRun known, TransactionRuns where) {
        if (where != this && known.awaitsWork()) {
            throw new IllegalStateException(
                    "the run of " + known + " is called in a transaction, with which it ends, and starts"
                            + " another one, of another transaction manager: what that commits would stay, whatever happens to the"
                            + " caller's. Give its method @Transactional(propagation = REQUIRES_NEW), or call it outside of the"
                            + " transaction");
        }
        // A savepoint since then is its method's own.
        known.beginsAfter(where.savepoints.size());
        if (where != this) {
            guestsOf.add(known.run());
            return null;
        }
        if (known.endsByItself()) {
            known.repeated();
            return known;
        }
        return null;
    }

    @Override
    public void savepoint(Object savepoint) {
        savepoints.add(savepoint);
    }

    /** One that is not known was there before the first run. */
    @Override
    public void savepointRollback(Object savepoint) {
        int index = savepoints.lastIndexOf(savepoint);
        List.copyOf(runs).forEach(run -> run.rolledBackTo(index));
        savepoints.subList(index + 1, savepoints.size()).clear();
    }

    @Override
    public void suspend() {
        TransactionSynchronizationManager.unbindResourceIfPossible(TransactionRuns.class);
        outer = SUSPENDED.get();
        SUSPENDED.set(this);
    }

    @Override
    public void resume() {
        if (outer == null) {
            SUSPENDED.remove();
        } else {
            SUSPENDED.set(outer);
        }
        outer = null;
        TransactionSynchronizationManager.bindResource(TransactionRuns.class, this);
    }

    @Override
    public void beforeCommit(boolean readOnly) {
        guestsOf.forEach(GuardedRun::ensureHeld);
        for (PendingRun run : List.copyOf(runs)) {
            run.beforeCommit(readOnly, ledger);
        }
    }

    @Override
    public void beforeCompletion() {
        closing = true;
        unbind();
    }

    private void unbind() {
        if (find() == this) {
            TransactionSynchronizationManager.unbindResource(TransactionRuns.class);
        }
    }

    @Override
    public void afterCompletion(int status) {
        closing = true;
        unbind();
        WorkTransaction.End how = switch (status) {
            case STATUS_COMMITTED -> WorkTransaction.End.COMMITTED;
            case STATUS_ROLLED_BACK -> WorkTransaction.End.ROLLED_BACK;
            default -> WorkTransaction.End.UNKNOWN;
        };
        List<PendingRun> latestFirst = new ArrayList<>(runs);
        Collections.reverse(latestFirst);
        runs.clear();
        for (PendingRun run : latestFirst) {
            try {
                run.ended(how);
            } catch (RuntimeException | Error failure) {
                LOG.error("a run could not be notified that its transaction has ended: {}", run, failure);
            }
        }
    }
}
