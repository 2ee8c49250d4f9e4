package io.hapax.benchmarks.harness;

import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/**
 * A PostgreSQL of its own that counts statements in {@code pg_stat_statements}. Not thread-safe.
 *
 * @param database the server
 */
public record CountingDatabase(EmbeddedDatabase database) implements AutoCloseable {

    /**
     * Starts one.
     *
     * @return the server; the caller closes it
     * @throws SQLException if it cannot count
     */
    public static CountingDatabase start() throws SQLException {
        CountingDatabase started = new CountingDatabase(EmbeddedDatabase.start(Map.of(
                "shared_preload_libraries", "pg_stat_statements",
                "pg_stat_statements.track", "top",
                "max_connections", "100")));
        started.execute("CREATE EXTENSION pg_stat_statements");
        return started;
    }

    /**
     * Executes a statement.
     *
     * @param statement the statement
     * @throws SQLException if it fails
     */
    public void execute(String statement) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement sql = connection.createStatement()) {
            sql.execute(statement);
        }
    }

    /**
     * Counts from zero again.
     *
     * @throws SQLException if it fails
     */
    public void reset() throws SQLException {
        execute("SELECT pg_stat_statements_reset()");
    }

    @Override
    public void close() {
        database.close();
    }
}
