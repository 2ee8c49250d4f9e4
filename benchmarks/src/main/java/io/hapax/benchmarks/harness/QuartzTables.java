package io.hapax.benchmarks.harness;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import org.quartz.impl.jdbcjobstore.JobStoreTX;

/** The tables of a clustered Quartz, as Quartz ships them for PostgreSQL. */
public final class QuartzTables {

    private QuartzTables() {}

    /**
     * Creates the tables; those that are there are dropped before.
     *
     * @param connection to the database
     * @throws SQLException if it fails
     * @throws IOException if Quartz' script cannot be read
     */
    public static void create(Connection connection) throws SQLException, IOException {
        try (InputStream script = JobStoreTX.class.getResourceAsStream("tables_postgres.sql");
                Statement statement = connection.createStatement()) {
            statement.execute(new String(Objects.requireNonNull(script).readAllBytes(), StandardCharsets.UTF_8));
        }
    }
}
