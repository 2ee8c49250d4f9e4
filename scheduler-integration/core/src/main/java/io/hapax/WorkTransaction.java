package io.hapax;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The transaction that holds a run's work, for adapters of frameworks with transactions: how it ends decides how the run ends. A
 * run that nobody tells of a transaction ends as its code does. Thread-safe.
 *
 * @param run the run
 */
public record WorkTransaction(GuardedRun run) {

    /** What has become of a transaction. */
    public enum End {
        /** Its writes are there: the run completes. */
        COMMITTED,
        /** Its writes are not there: a run that completes after it ends as failed. */
        ROLLED_BACK,
        /**
         * Nobody can tell. If the run was completed in it, the ledger is asked. Else the run ends neither as completed nor as
         * failed: nothing is given back, and what it holds runs out after its ttl, as after a crash.
         */
        UNKNOWN
    }

    /**
     * Finds the run of the calling thread by its method.
     *
     * @param type the class of the object that is called
     * @param method the name of the method that is called
     * @return the innermost run of the thread, if this is the {@linkplain #around method} that it was said to be
     */
    public static Optional<GuardedRun> find(Class<?> type, String method) {
        return CurrentRun.find().filter(run -> {
            Method known = run.workMethod();
            return known != null && known.name().equals(method) && isA(type, known.type());
        });
    }

    private static boolean isA(@Nullable Class<?> type, String name) {
        if (type == null) {
            return false;
        }
        return type.getName().equals(name)
                || isA(type.getSuperclass(), name)
                || Arrays.stream(type.getInterfaces()).anyMatch(each -> isA(each, name));
    }

    /**
     * What a run calls.
     *
     * @param type the name of a class, or of one that it extends or implements
     * @param name the name of its method
     */
    record Method(String type, String name) {}

    /**
     * Says which method is the run: a transaction around it, and only that, holds the run's work.
     *
     * @param type the name of the method's class, or of one that it extends or implements
     * @param method the method's name
     */
    public void around(String type, String method) {
        run.isOf(new Method(type, method));
    }

    /**
     * Says that the run ends with a transaction of the calling thread: until then it is that thread's own, also when its code has
     * returned. A {@linkplain JobGuard#shutdown shutdown} for which the thread asks neither waits for it nor takes it away.
     */
    public void endsOnThisThread() {
        run.endsOn(Thread.currentThread());
    }

    /**
     * Tells that a transaction starts with the run's work, as the first one or because the code is repeated: what was completed in
     * an earlier one does not answer for it.
     */
    public void begins() {
        run.workBegins();
    }

    /**
     * Tells whether the run can be completed in a transaction, and was not yet.
     *
     * @return whether the ledger has a claim of it, and the guard does more than observe, which {@link GuardedRun#completeIn} was not called for
     */
    public boolean isOpenInLedger() {
        RunHold hold = run.hold();
        return hold != null && hold.grant().claim() != null && !run.completedIn() && !run.isObserved();
    }

    /**
     * Completes the run in this transaction, as {@link GuardedRun#completeIn} does, on the understanding that its end is
     * {@linkplain #ended told}: then the ledger is not asked for it again.
     *
     * @param connection the transaction's
     * @throws LeaseLostException if the run has lost its lease or its occurrence; roll back
     * @throws SQLException if the database refuses for another reason; roll back
     */
    public void complete(Connection connection) throws SQLException {
        // First of all: a completion that fails is rolled back with the rest.
        run.completedWithWork();
        run.completeIn(connection);
    }

    /**
     * Tells how the transaction has ended. Where there were several, as with code that is repeated, the last one counts.
     *
     * @param how its end
     */
    public void ended(End how) {
        run.workEnded(Objects.requireNonNull(how, "how: tell how the transaction has ended"), false);
    }

    /**
     * Tells that a transaction has ended with the whole work of a run in it, which had succeeded: what is thrown after the commit
     * changes nothing of that.
     *
     * @param how its end
     */
    public void endedWithAll(End how) {
        run.workEnded(Objects.requireNonNull(how, "how: tell how the transaction has ended"), true);
    }
}
