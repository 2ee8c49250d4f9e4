package io.hapax.postgres;

import io.hapax.lease.Finding;
import io.hapax.ledger.LedgerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** Creates the tables, or checks that they are there and of the version that this code knows. */
record Migration(
        Database database, Statements statements, @Nullable String schema) {

    /** The only version so far; the next one gets a file of its own. */
    static final int VERSION = 1;

    static final String FILE = "io/hapax/postgres/V1__hapax_ledger.sql";
    private static final String UNDEFINED_TABLE = "42P01";
    /** Several workers start at once. */
    static final String ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('hapax ledger migration', 0))";

    void apply() throws SQLException {
        database.call(connection -> database.inTransaction(connection, this::applyAlone));
    }

    private Void applyAlone(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement()) {
            sql.execute(ALONE);
            if (exists(sql, "to_regclass('" + statements.prefix() + "hapax_schema')")) {
                return null;
            }
            if (schema != null) {
                // IF NOT EXISTS would ask for the right to create schemas even if this one is there.
                if (!exists(sql, "to_regnamespace('" + schema + "')")) {
                    sql.execute("CREATE SCHEMA " + schema);
                }
                sql.execute("SET LOCAL search_path TO " + schema);
            }
            sql.execute(script());
        }
        return null;
    }

    private static boolean exists(Statement sql, String what) throws SQLException {
        try (ResultSet row = sql.executeQuery("SELECT " + what)) {
            return row.next() && row.getString(1) != null;
        }
    }

    void check() throws SQLException {
        int found;
        try {
            found = database.call(connection -> {
                try (Statement sql = connection.createStatement();
                        ResultSet row = sql.executeQuery(statements.version())) {
                    return row.next() ? row.getInt(1) : 0;
                }
            });
        } catch (SQLException e) {
            if (UNDEFINED_TABLE.equals(e.getSQLState())) {
                throw new LedgerException(
                        Finding.error(
                                "the tables of the ledger are missing",
                                "Apply " + FILE
                                        + " from the jar, or build the ledger with migrate(true); if they are in another"
                                        + " schema, name it with schema(...); if they are there, GRANT USAGE ON the SCHEMA"
                                        + " to the role"),
                        e);
            }
            throw e;
        }
        if (found != VERSION) {
            throw new LedgerException(Finding.error(
                    "the tables of the ledger are of version " + found + ", this library needs " + VERSION,
                    found > VERSION ? "Update the library" : "Apply " + FILE + ", or use migrate(true)"));
        }
        require("the table hapax_audit", statements.hasAudit());
        require("the column began_at of hapax_run", statements.hasBeginnings());
        require("the column slot_limit of hapax_run", statements.hasSlots());
        require("the state FAILED_FOR_GOOD of hapax_run", statements.hasFailures());
    }

    /** Version 1 has changed before it was released. */
    private void require(String what, String query) throws SQLException {
        boolean there = database.call(connection -> {
            try (Statement sql = connection.createStatement();
                    ResultSet row = sql.executeQuery(query)) {
                return row.next() && row.getBoolean(1);
            }
        });
        if (!there) {
            throw new LedgerException(Finding.error(
                    what + " is missing, as in tables from before 0.1.0",
                    "Drop the tables of the ledger while no worker runs, and apply " + FILE
                            + ", or use migrate(true)"));
        }
    }

    private static String script() {
        try (InputStream file = Migration.class.getResourceAsStream("/" + FILE)) {
            if (file == null) {
                throw new IllegalStateException(FILE + " is missing from the jar");
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(FILE + " cannot be read", e);
        }
    }
}
