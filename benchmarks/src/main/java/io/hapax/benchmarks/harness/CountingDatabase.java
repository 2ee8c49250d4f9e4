package io.hapax.benchmarks.harness;

import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
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
        return start(Map.of());
    }

    /**
     * Starts one with settings.
     *
     * @param settings of the server
     * @return the server; the caller closes it
     * @throws SQLException if it cannot count
     */
    public static CountingDatabase start(Map<String, String> settings) throws SQLException {
        Map<String, String> all = new LinkedHashMap<>(Map.of(
                "shared_preload_libraries", "pg_stat_statements",
                "pg_stat_statements.track", "top",
                "max_connections", "100"));
        all.putAll(settings);
        CountingDatabase started = new CountingDatabase(EmbeddedDatabase.start(all));
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

    /**
     * Counts the statements since {@link #reset}, those that start and end transactions among them.
     *
     * @return how many
     * @throws SQLException if it fails
     */
    public long statements() throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(
                        "SELECT sum(calls) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat%'")) {
            row.next();
            return row.getLong(1);
        }
    }

    @Override
    public void close() {
        database.close();
    }
}
