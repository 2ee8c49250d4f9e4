package io.hapax;

import java.util.function.Consumer;

/**
 * The transaction in which a thread works. A job that is put into the queue in it may vanish with it. Two of them are equal
 * if they are the same transaction.
 *
 * <p>The guard knows nothing of transactions; {@link JobGuardBuilder#transactions} tells it how to find one.
 */
public interface CallersTransaction {

    /** How a transaction ended. */
    enum Outcome {
        /** What was written in it stays. */
        COMMITTED,
        /** Nothing of it stays. */
        ROLLED_BACK,
        /** Nobody can tell. */
        UNKNOWN
    }

    /**
     * Calls back once, when the transaction has ended. Called on the thread of the transaction.
     *
     * @param listener must not block, and does not throw
     * @throws IllegalStateException if the transaction takes no listeners any more
     */
    void whenEnded(Consumer<Outcome> listener);
}
