package io.hapax.postgres;

import io.hapax.lease.VisibleText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forgets occurrences whose retention is over, in small batches found by an index; rows that anybody has locked are left
 * for the next time. Also marks runs that broke off and must not be repeated.
 */
final class CleanUp {

    static final int BATCH = 500;
    static final int MOST_BATCHES = 20;
    /** Where more occurrences end than one round forgets, the next round comes soon; requests get their turn between. */
    private static final Duration CATCH_UP = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");

    private final Database database;
    private final Statements statements;
    private final String namespace;
    private final Duration every;
    private volatile boolean closed;
    private volatile boolean behind;

    CleanUp(Database database, Statements statements, String namespace, Duration every) {
        this.database = database;
        this.statements = statements;
        this.namespace = namespace;
        this.every = every;
    }

    void start() {
        if (!every.isZero()) {
            later();
        }
    }

    /** Workers that start together do not clean up together. */
    private void later() {
        long millis = behind ? Math.min(CATCH_UP.toMillis(), every.toMillis()) : every.toMillis();
        long wait = millis / 2 + ThreadLocalRandom.current().nextLong(Math.max(1, millis));
        database.after(Duration.ofMillis(wait), this::runQuietly);
    }

    private void runQuietly() {
        if (closed) {
            return;
        }
        try {
            run();
        } catch (Throwable e) {
            LOG.warn(
                    "the ledger's clean-up failed and is tried again in about {}: {}",
                    every,
                    (e instanceof SQLException sql ? DatabaseTrouble.of(sql) : e).toString());
        } finally {
            later();
        }
    }

    /** How many occurrences were forgotten. */
    int run() throws SQLException {
        behind = false;
        inBatches(connection -> decided(connection, statements.abandonable(), this::abandon));
        inBatches(connection -> delete(connection, statements.forgetRenewals()));
        int forgotten = inBatches(connection -> decided(connection, statements.forgettable(), this::forget));
        if (forgotten > 0) {
            LOG.debug("forgot {} occurrences of namespace {} whose retention is over", forgotten, namespace);
        }
        return forgotten;
    }

    private int inBatches(Database.Call<Integer> batch) throws SQLException {
        int all = 0;
        for (int n = 0; n < MOST_BATCHES && !closed; n++) {
            int count = database.call(batch);
            all += count;
            if (count < BATCH) {
                return all;
            }
        }
        behind = true;
        return all;
    }

    private int delete(Connection connection, String statement) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(statement)) {
            Parameters.of(delete).text(namespace).number(BATCH);
            return delete.executeUpdate();
        }
    }

    private interface Decision {
        int on(Connection connection, Object[] rows) throws SQLException;
    }

    /**
     * Locks rows, and decides about them afterwards: a statement that does both would not see what was renewed while it looked
     * for them. Returns how many it did something to.
     */
    private int decided(Connection connection, String locking, Decision decision) throws SQLException {
        return database.inTransaction(connection, locked -> {
            List<String> rows = new ArrayList<>();
            try (PreparedStatement select = locked.prepareStatement(locking)) {
                Parameters.of(select).text(namespace).number(BATCH);
                try (ResultSet found = select.executeQuery()) {
                    while (found.next()) {
                        rows.add(found.getString(1));
                    }
                }
            }
            return rows.isEmpty() ? 0 : decision.on(locked, rows.toArray());
        });
    }

    private int forget(Connection connection, Object[] locked) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(statements.forget())) {
            Parameters.of(delete).texts(locked);
            try (ResultSet count = delete.executeQuery()) {
                return count.next() ? count.getInt(1) : 0;
            }
        }
    }

    private int abandon(Connection connection, Object[] locked) throws SQLException {
        int count = 0;
        try (PreparedStatement update = connection.prepareStatement(statements.abandon())) {
            Parameters.of(update).texts(locked);
            try (ResultSet rows = update.executeQuery()) {
                while (rows.next()) {
                    count++;
                    LOG.warn(
                            "ABANDONED: the run of '{}' on worker {}, begun {}, broke off, and its job says ABANDON. Find out"
                                    + " what it has done, then resolve it as DONE or RELEASED",
                            VisibleText.of(rows.getString("occurrence")),
                            VisibleText.of(rows.getString("worker")),
                            Row.instant(rows, "started_at"));
                }
            }
        }
        return count;
    }

    void close() {
        closed = true;
    }
}
