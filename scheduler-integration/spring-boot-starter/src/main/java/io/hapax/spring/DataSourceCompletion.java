package io.hapax.spring;

import io.hapax.WorkTransaction;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.UncategorizedSQLException;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.datasource.lookup.AbstractRoutingDataSource;
import org.springframework.jdbc.support.SQLStateSQLExceptionTranslator;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Completes runs by the connection of the thread's transaction, if that is one to the ledger's database.
 *
 * @param ledger where the ledger is
 */
record DataSourceCompletion(DataSource ledger) implements LedgerCompletion {

    private static final String TASK = "completing a run in its transaction";

    @Override
    public void complete(WorkTransaction run) {
        DataSource source = run.isOpenInLedger() ? ofTransaction() : null;
        if (source == null) {
            return;
        }
        Connection connection = DataSourceUtils.getConnection(source);
        try {
            // Within a transaction of another resource there is a connection that is in none.
            if (!connection.getAutoCommit()) {
                if (isTransactions(source)) {
                    run.complete(connection);
                } else {
                    // The ledger is asked afterwards whether that was committed.
                    run.run().completeIn(connection);
                }
            }
        } catch (SQLException refused) {
            DataAccessException translated = new SQLStateSQLExceptionTranslator().translate(TASK, null, refused);
            throw translated == null ? new UncategorizedSQLException(TASK, null, refused) : translated;
        } finally {
            DataSourceUtils.releaseConnection(connection, source);
        }
    }

    /** The source under which Spring knows the transaction's connection; null if it leads elsewhere. */
    private @Nullable DataSource ofTransaction() {
        for (Map.Entry<Object, Object> bound :
                TransactionSynchronizationManager.getResourceMap().entrySet()) {
            if (bound.getKey() instanceof DataSource source
                    && bound.getValue() instanceof ConnectionHolder
                    && isSame(source, ledger)) {
                return source;
            }
        }
        return null;
    }

    /**
     * Whether a connection is certainly the transaction's: one that Spring hands out beside a transaction of another resource looks
     * the same, but for a synchronization that gives it back, and for JPA, which does not mark its own.
     */
    private static boolean isTransactions(DataSource source) {
        boolean isMarked = TransactionSynchronizationManager.getResource(source) instanceof ConnectionHolder holder
                && holder.isSynchronizedWithTransaction();
        return !isMarked
                || TransactionSynchronizationManager.getSynchronizations().stream()
                        .noneMatch(each -> each.getClass().getName().startsWith(DataSourceUtils.class.getName()));
    }

    /** Whether two sources are proxies of one, or the same. */
    static boolean isSame(DataSource one, DataSource other) {
        DataSource a = target(one);
        DataSource b = target(other);
        // Which database a router leads to depends on the thread: the ledger's threads may have gone elsewhere.
        return !(a instanceof AbstractRoutingDataSource) && (a == b || wraps(a, b) || wraps(b, a));
    }

    private static DataSource target(DataSource source) {
        DataSource target = source instanceof DelegatingDataSource proxy ? proxy.getTargetDataSource() : null;
        return target == null ? source : target(target);
    }

    private static boolean wraps(DataSource outer, DataSource inner) {
        try {
            return outer.isWrapperFor(inner.getClass()) && outer.unwrap(inner.getClass()) == inner;
        } catch (SQLException untold) {
            return false;
        }
    }
}
