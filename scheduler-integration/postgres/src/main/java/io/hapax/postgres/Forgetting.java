package io.hapax.postgres;

import io.hapax.lease.VisibleText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Forgets occurrences whose retention is over. Also marks runs that crashed and must not be repeated. */
record Forgetting(Database database, Statements statements, String namespace) {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");

    /** What is done, in order; the last one forgets occurrences. */
    List<CleanUp.Batch> steps() {
        return List.of(
                (connection, atMost) -> decided(connection, statements.abandonable(), atMost, this::abandon),
                (connection, atMost) -> delete(connection, statements.forgetRenewals(), atMost),
                (connection, atMost) -> decided(connection, statements.forgettable(), atMost, this::forget));
    }

    private int delete(Connection connection, String statement, int atMost) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(statement)) {
            Parameters.of(delete).text(namespace).number(atMost);
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
    private int decided(Connection connection, String locking, int atMost, Decision decision) throws SQLException {
        return database.inTransaction(connection, locked -> {
            List<String> rows = new ArrayList<>();
            try (PreparedStatement select = locked.prepareStatement(locking)) {
                Parameters.of(select).text(namespace).number(atMost);
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
                            "ABANDONED: the run of '{}' on worker {}, started {}, crashed, and its job has afterCrash=ABANDON. Find"
                                    + " out what it did, then resolve it as DONE or RELEASED",
                            VisibleText.of(rows.getString("occurrence")),
                            VisibleText.of(rows.getString("worker")),
                            Row.instant(rows, "started_at"));
                }
            }
        }
        return count;
    }
}
