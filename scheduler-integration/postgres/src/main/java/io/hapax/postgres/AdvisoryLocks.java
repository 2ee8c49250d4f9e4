package io.hapax.postgres;

import io.hapax.lease.Finding;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whether the advisory locks of a server lock: the order of claims rests on them, and some servers that are otherwise
 * like PostgreSQL have functions for them that do nothing.
 *
 * <p>A lock is taken and looked for in {@code pg_locks}, which needs a single session, as there may be behind a pooler. Where it is
 * not listed, a second session has to be refused it.
 *
 * @param database whose connection takes the lock
 * @param second asks by another connection
 */
record AdvisoryLocks(Database database, SecondConnection second) {

    private static final String SILENCED = "yb_silence_advisory_locks_not_supported_error";
    private static final String LOCK = "SELECT pg_advisory_xact_lock(?)";
    private static final String TRY = "SELECT pg_try_advisory_xact_lock(?)";
    private static final String LISTED = """
            SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
              AND (classid::bigint << 32) + objid::bigint = ?
            """;
    private static final String STAKE = ", so claims of one key would not wait for each other";
    private static final String REMEDY =
            "Use PostgreSQL, or a version or setting of this server that has advisory locks across"
                    + " all of its sessions and nodes";

    /** Whether a second session gets what a first one holds. */
    private enum Second {
        REFUSED,
        GRANTED,
        UNKNOWN
    }

    /** What is wrong with them; empty if nothing is. */
    Optional<Finding> trouble() throws SQLException {
        return database.call(connection -> isSilenced(connection)
                ? Optional.of(doNothing("ignores requests for them, because of " + SILENCED))
                : lookedAt(connection));
    }

    private static boolean isSilenced(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery("SELECT current_setting('" + SILENCED + "', true)")) {
            return row.next() && "on".equals(row.getString(1));
        }
    }

    private Optional<Finding> lookedAt(Connection connection) throws SQLException {
        // Another one each time, so that workers that start together do not wait for each other.
        long key = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
        try {
            return database.inTransaction(connection, locked -> {
                ask(locked, LOCK, key);
                return "1".equals(ask(locked, LISTED, key)) ? Optional.empty() : ofSecond(second(key));
            });
        } catch (SQLException e) {
            if (!DatabaseTrouble.isUnsupported(e)) {
                throw e;
            }
            return Optional.of(Finding.error(
                    "advisory locks are not to be had on this server (" + e.getMessage() + ")" + STAKE, REMEDY));
        }
    }

    private static Optional<Finding> ofSecond(Second second) {
        return switch (second) {
            case REFUSED -> Optional.empty();
            case GRANTED -> Optional.of(doNothing("gives one to a second session while a first one holds it"));
            case UNKNOWN ->
                Optional.of(Finding.error(
                        "it is unknown whether advisory locks work on this server: it does not list them in pg_locks, and"
                                + " there was no second connection to ask with",
                        "Let the pool have two connections at least, or use PostgreSQL"));
        };
    }

    private static Finding doNothing(String what) {
        return Finding.error("advisory locks do nothing on this server: it " + what + STAKE, REMEDY);
    }

    private Second second(long key) {
        return second.ask(connection -> "t".equals(ask(connection, TRY, key)) ? Second.GRANTED : Second.REFUSED)
                .orElse(Second.UNKNOWN);
    }

    private static @Nullable String ask(Connection connection, String sql, long key) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setLong(1, key);
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }
}
