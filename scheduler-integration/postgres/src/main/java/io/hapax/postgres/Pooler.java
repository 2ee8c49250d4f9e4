package io.hapax.postgres;

import io.hapax.lease.Finding;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/**
 * Finds out whether a pooler stands between the driver and PostgreSQL while the driver names statements in its session. After each
 * transaction that session may be another one, in which the statement is missing, or is somebody else's under the same name.
 *
 * <p>A pooler makes up the process that it tells the driver, so it is not the one that the server tells.
 */
final class Pooler {

    private static final String DRIVER = "org.postgresql.PGConnection";

    private Pooler() {}

    /** What is wrong; empty if nothing is, or if this is another driver, of which nothing is known. */
    static Optional<Finding> trouble(Connection connection) throws SQLException {
        int told;
        int threshold;
        try {
            Class<?> type = Class.forName(DRIVER, false, Pooler.class.getClassLoader());
            if (!connection.isWrapperFor(type)) {
                return Optional.empty();
            }
            Object driver = connection.unwrap(type);
            told = (int) type.getMethod("getBackendPID").invoke(driver);
            threshold = (int) type.getMethod("getPrepareThreshold").invoke(driver);
        } catch (ReflectiveOperationException another) {
            return Optional.empty();
        }
        if (threshold == 0 || told == process(connection)) {
            return Optional.empty();
        }
        return Optional.of(Finding.error(
                "the connection leads to a pooler, as PgBouncer, and not to PostgreSQL itself, and the driver keeps statements in"
                        + " a session that somebody else may get after each transaction (prepareThreshold=" + threshold
                        + ")",
                "Add prepareThreshold=0 to the address of the pool"));
    }

    private static int process(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return row.getInt(1);
        }
    }
}
