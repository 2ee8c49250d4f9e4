package io.hapax.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
    private static final Duration IDLE = Duration.ofSeconds(10);

    private final DataSource source;
    private final Duration answerTimeout;
    private final ThreadPoolExecutor threads;
    /** Asking a connection for its level costs a round trip, so the pool is asked once. */
    private volatile int poolsIsolation = Connection.TRANSACTION_READ_COMMITTED;

    Database(DataSource source, String name, int connections, Duration answerTimeout) {
        this.source = source;
        this.answerTimeout = answerTimeout;
        AtomicInteger count = new AtomicInteger();
        this.threads = new ThreadPoolExecutor(
                connections, connections, IDLE.toMillis(), TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
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

    <T> T call(Call<T> call) throws SQLException {
        try (Connection connection = source.getConnection()) {
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
        } catch (SQLException broken) {
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
        } catch (SQLException | RuntimeException e) {
            try {
                connection.rollback();
                connection.setAutoCommit(true);
            } catch (SQLException broken) {
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
    }
}
