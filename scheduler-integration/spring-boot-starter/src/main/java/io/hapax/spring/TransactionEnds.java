package io.hapax.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.transaction.ConfigurableTransactionManager;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Knows whether the thread's transaction has committed already: while Spring tells of a commit, the thread still looks as if it were in
 * the transaction, but what it writes there is committed by nobody. Thread-safe.
 */
final class TransactionEnds implements TransactionExecutionListener {

    private static final TransactionEnds LISTENER = new TransactionEnds();

    private TransactionEnds() {}

    /** Looks at the transactions of a bean; nothing happens if it is no manager of any. */
    static void watch(@Nullable Object bean) {
        if (bean instanceof ConfigurableTransactionManager manager
                && !manager.getTransactionExecutionListeners().contains(LISTENER)) {
            manager.addListener(LISTENER);
        }
    }

    static boolean hasCommitted() {
        return TransactionSynchronizationManager.getSynchronizations().stream()
                .anyMatch(each -> each instanceof Seen seen && seen.committed);
    }

    /** The first one of a transaction, so that it learns of the commit before all others. */
    @Override
    public void afterBegin(TransactionExecution transaction, @Nullable Throwable failure) {
        if (failure == null && TransactionSynchronizationManager.isSynchronizationActive()) {
            TransactionSynchronizationManager.registerSynchronization(new Seen());
        }
    }

    /** One transaction. Used by its thread. */
    private static final class Seen implements TransactionSynchronization {

        private boolean committed;

        @Override
        public int getOrder() {
            return HIGHEST_PRECEDENCE;
        }

        @Override
        public void afterCommit() {
            committed = true;
        }
    }
}
