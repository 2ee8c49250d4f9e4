package io.hapax.postgres;

import io.hapax.thread.GuardThreads;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls the database on a few daemon threads, which end when they are idle. Every statement is a transaction of its own at
 * READ COMMITTED, whatever the pool is set to. Thread-safe.
 */
class Database {

    /** Something that needs a connection. */
    interface Call<T> {
        T on(Connection connection) throws SQLException;
    }

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; the ledger goes on", what, failure));
    /** Whoever waits for an answer goes on there when it does not come; it outlives a ledger that is closed. */
    private static final ExecutorService OVERDUE = THREADS.pool("hapax-ledger-overdue", 4);

    private final Duration answerTimeout;
    private final ExecutorService threads;
    private volatile Connections source;
    /** Asking a connection for its level costs a round trip, so the pool is asked once. */
    private volatile int poolsIsolation = Connection.TRANSACTION_READ_COMMITTED;

    Database(DataSource source, String name, int connections, Duration answerTimeout) {
        this.source = new Connections.Pooled(source, false);
        this.answerTimeout = answerTimeout;
        this.threads = THREADS.pool(name, connections);
    }

    /** Takes connections from somewhere else from now on. */
    void from(Connections other) {
        source = other;
    }

    void poolsIsolation(int level) {
        poolsIsolation = level;
    }

    Duration answerTimeout() {
        return answerTimeout;
    }

    void execute(Runnable task) {
        threads.execute(task);
    }

    /** Does something on a thread of the database after a time, unless it is closed by then. */
    void after(Duration delay, Runnable task) {
        var unused = THREADS.after(delay, threads, task);
    }

    /** Lets an answer fail that does not come within the answer timeout. */
    void bound(CompletableFuture<?> answer) {
        Runnable cancel =
                THREADS.after(answerTimeout, OVERDUE, () -> answer.completeExceptionally(new TimeoutException()));
        var unused = answer.whenComplete((value, failure) -> cancel.run());
    }

    <T> T call(Call<T> call) throws SQLException {
        Connections those = source;
        Connection connection = those.take();
        T result;
        try {
            result = prepared(connection, call);
        } catch (Throwable e) {
            try {
                those.giveBack(connection, true);
            } catch (SQLException | RuntimeException broken) {
                e.addSuppressed(broken);
            }
            throw e;
        }
        those.giveBack(connection, false);
        return result;
    }

    private <T> T prepared(Connection connection, Call<T> call) throws SQLException {
        int networkTimeout = connection.getNetworkTimeout();
        // A database that is frozen or cut off must not hold the thread for ever.
        connection.setNetworkTimeout(Runnable::run, (int) answerTimeout.toMillis());
        boolean autoCommit = connection.getAutoCommit();
        if (!autoCommit) {
            connection.setAutoCommit(true);
        }
        int isolation = poolsIsolation;
        if (isolation != Connection.TRANSACTION_READ_COMMITTED) {
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        }
        try {
            return call.on(connection);
        } finally {
            restore(connection, autoCommit, isolation, networkTimeout);
        }
    }

    /** Not every pool does that by itself. */
    private static void restore(Connection connection, boolean autoCommit, int isolation, int networkTimeout) {
        try {
            if (connection.isClosed()) {
                return;
            }
            if (isolation != Connection.TRANSACTION_READ_COMMITTED) {
                connection.setTransactionIsolation(isolation);
            }
            if (!autoCommit) {
                connection.setAutoCommit(false);
            }
            connection.setNetworkTimeout(Runnable::run, networkTimeout);
        } catch (SQLException | RuntimeException broken) {
            // The answer stands; the pool finds out about its connection.
            LOG.debug("a connection of the ledger broke after its use: {}", broken.toString());
        }
    }

    /** A connection as the pool hands it out, for a transaction of several statements. */
    <T> T inTransaction(Connection connection, Call<T> call) throws SQLException {
        connection.setAutoCommit(false);
        T result;
        try {
            result = call.on(connection);
            connection.commit();
        } catch (Throwable e) {
            try {
                connection.rollback();
                connection.setAutoCommit(true);
            } catch (SQLException | RuntimeException broken) {
                // The first exception tells more; the pool discards the connection.
                e.addSuppressed(broken);
            }
            throw e;
        }
        connection.setAutoCommit(true);
        return result;
    }

    void close() {
        threads.shutdown();
        source.close();
    }
}
