package io.hapax.postgres;

import io.hapax.thread.GuardThreads;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls the database on a few daemon threads, which end when they are idle. Every statement is a transaction of its own at
 * READ COMMITTED, whatever the pool is set to. Where the pool has another level, a call is a transaction, or several.
 *
 * <p>Nothing is set in a session: behind PgBouncer it is somebody else's after each transaction. Thread-safe.
 */
class Database {

    /** Something that needs a connection. */
    interface Call<T> {
        T on(Connection connection) throws SQLException;
    }

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; all else goes on", what, failure));
    /** A caller that waits for an answer continues there when it does not come; it outlives a ledger that is closed. */
    private static final ExecutorService OVERDUE = THREADS.growingPool("hapax-ledger-overdue", 4);

    private final Service service;
    private final Duration answerTimeout;
    private final ExecutorService threads;
    private volatile Connections source;
    /** Asking a connection for its level costs a round trip, so the pool is asked once. */
    private volatile boolean anotherLevel;

    Database(DataSource source, String name, int connections, Duration answerTimeout) {
        this(Service.LEDGER, source, name, connections, answerTimeout);
    }

    Database(Service service, DataSource source, String name, int connections, Duration answerTimeout) {
        this.service = service;
        this.source = new Connections.Pooled(source, false);
        this.answerTimeout = answerTimeout;
        this.threads = THREADS.pool(name, connections);
    }

    /** Takes connections from somewhere else from now on. */
    void from(Connections other) {
        source = other;
    }

    /** Says that transactions have another level unless they ask for READ COMMITTED. */
    void askForLevel() {
        anotherLevel = true;
    }

    /** Whose calls these are. */
    Service service() {
        return service;
    }

    Duration answerTimeout() {
        return answerTimeout;
    }

    /**
     * How long a statement waits for what others have locked. Several such waits fit into the answer timeout: requests that shared a call which
     * failed are sent again one by one.
     */
    Duration lockTimeout() {
        return answerTimeout.dividedBy(4);
    }

    void execute(Runnable task) {
        threads.execute(task);
    }

    /** Does something on a thread of the database after a time, unless it is closed by then. */
    void after(Duration delay, Runnable task) {
        var unused = THREADS.after(delay, threads, task);
    }

    /** Likewise, for a task on such a thread that plans its own next time: waits while there is no memory for that. */
    void again(Duration delay, Runnable task) {
        var unused = THREADS.again(delay, threads, task);
    }

    /** Lets an answer fail that does not come within the answer timeout. */
    void bound(CompletableFuture<?> answer) {
        Runnable cancel =
                THREADS.overdue(answerTimeout, OVERDUE, () -> answer.completeExceptionally(new TimeoutException()));
        var unused = answer.whenComplete((value, failure) -> cancel.run());
    }

    /** Lets something end after a time, unless it has by then. */
    void endAfter(Duration time, CompletableFuture<?> waiting, Runnable end) {
        Runnable cancel = THREADS.after(time, OVERDUE, end);
        var unused = waiting.whenComplete((value, failure) -> cancel.run());
    }

    /** Starts a thread that is not one of those that call the database; null if there is none to be had. */
    static @Nullable Thread start(String name, Runnable work) {
        return THREADS.start(name, work);
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
        connection.setAutoCommit(true);
        try {
            return anotherLevel ? inTransaction(connection, call) : call.on(connection);
        } finally {
            restore(connection, autoCommit, networkTimeout);
        }
    }

    /** Not every pool does that by itself. */
    private static void restore(Connection connection, boolean autoCommit, int networkTimeout) {
        try {
            if (connection.isClosed()) {
                return;
            }
            connection.setAutoCommit(autoCommit);
            connection.setNetworkTimeout(Runnable::run, networkTimeout);
        } catch (SQLException | RuntimeException broken) {
            // The answer stands; the pool finds out about its connection.
            LOG.debug("a connection of the ledger broke after its use: {}", broken.toString());
        }
    }

    /** Several statements in a transaction of their own; what the call did before is committed, and it goes on in another. */
    <T> T inTransaction(Connection connection, Call<T> call) throws SQLException {
        boolean within = !connection.getAutoCommit();
        if (within) {
            connection.commit();
        }
        begin(connection);
        T result;
        try {
            result = call.on(connection);
            connection.commit();
        } catch (Throwable e) {
            try {
                connection.rollback();
                end(connection, within);
            } catch (SQLException | RuntimeException broken) {
                // The first exception tells more; the pool discards the connection.
                e.addSuppressed(broken);
            }
            throw e;
        }
        end(connection, within);
        return result;
    }

    /** Goes on after a statement that failed, as if it had been alone. */
    void afterFailure(Connection connection) throws SQLException {
        if (!connection.getAutoCommit()) {
            connection.rollback();
            begin(connection);
        }
    }

    private void begin(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        if (anotherLevel) {
            try (Statement level = connection.createStatement()) {
                // A process that stands still between two statements keeps nobody waiting for what they have locked.
                level.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED;"
                        + " SET LOCAL idle_in_transaction_session_timeout = " + answerTimeout.toMillis());
            }
        }
    }

    private void end(Connection connection, boolean within) throws SQLException {
        if (within) {
            begin(connection);
        } else {
            connection.setAutoCommit(true);
        }
    }

    void close() {
        threads.shutdown();
        source.close();
    }
}
