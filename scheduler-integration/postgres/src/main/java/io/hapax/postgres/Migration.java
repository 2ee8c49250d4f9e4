package io.hapax.postgres;

import io.hapax.lease.Finding;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** Creates the tables, or checks that they are there and of the version that this code knows. */
record Migration(Database database, String prefix, @Nullable String schema) {

    /** The only version so far; the next one gets a file of its own. */
    static final int VERSION = 1;

    /** That of the ledger. */
    static final String FILE = Service.LEDGER.script();

    private static final String UNDEFINED_TABLE = "42P01";
    /** Several workers start at once. */
    static final String ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('hapax ledger migration', 0))";

    void apply() throws SQLException {
        database.call(connection -> database.inTransaction(connection, this::applyAlone));
    }

    private Void applyAlone(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement()) {
            sql.execute(ALONE);
            if (exists(sql, "to_regclass('" + versions() + "')")) {
                return null;
            }
            if (schema != null) {
                // IF NOT EXISTS would ask for the right to create schemas even if this one is there.
                if (!exists(sql, "to_regnamespace('" + schema + "')")) {
                    sql.execute("CREATE SCHEMA " + schema);
                }
                sql.execute("SET LOCAL search_path TO " + schema);
            }
            sql.execute(text());
        }
        return null;
    }

    private static boolean exists(Statement sql, String what) throws SQLException {
        try (ResultSet row = sql.executeQuery("SELECT " + what)) {
            return row.next() && row.getString(1) != null;
        }
    }

    private Service service() {
        return database.service();
    }

    private String versions() {
        return prefix + service().versions();
    }

    void check() throws SQLException {
        int found;
        try {
            found = database.call(connection -> {
                try (Statement sql = connection.createStatement();
                        ResultSet row = sql.executeQuery("SELECT max(version) FROM " + versions())) {
                    return row.next() ? row.getInt(1) : 0;
                }
            });
        } catch (SQLException e) {
            if (UNDEFINED_TABLE.equals(e.getSQLState())) {
                throw service()
                        .failure(
                                Finding.error(
                                        "the tables of " + service() + " are missing",
                                        "Apply " + service().script() + " from the jar, or build " + service()
                                                + " with " + service().migrating()
                                                + "; if they are in another schema, name it with "
                                                + service().placing() + "; if they are there, GRANT USAGE ON the SCHEMA"
                                                + " to the role"),
                                e);
            }
            throw e;
        }
        if (found != VERSION) {
            throw service()
                    .failure(Finding.error(
                            "the tables of " + service() + " are of version " + found + ", this library needs "
                                    + VERSION,
                            found > VERSION
                                    ? "Update the library"
                                    : "Apply " + service().script() + ", or use "
                                            + service().migrating()));
        }
        if (service() == Service.LEDGER) {
            checkFirstVersion(new Statements(prefix));
        }
    }

    private void checkFirstVersion(Statements statements) throws SQLException {
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
            throw service()
                    .failure(Finding.error(
                            what + " is missing, as in tables from before 0.1.0",
                            "Drop the tables of the ledger while no worker runs, and apply " + FILE + ", or use "
                                    + service().migrating()));
        }
    }

    private String text() {
        String name = service().script();
        try (InputStream file = Migration.class.getResourceAsStream("/" + name)) {
            if (file == null) {
                throw new IllegalStateException(name + " is missing from the jar");
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(name + " cannot be read", e);
        }
    }
}
