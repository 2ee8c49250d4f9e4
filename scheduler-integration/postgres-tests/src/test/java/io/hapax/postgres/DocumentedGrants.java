package io.hapax.postgres;

import static io.hapax.postgres.Attempts.execute;

import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;

/**
 * A database with the tables of the ledger or of leases, and a role in it that has exactly what docs/security.md grants: tests read the grants
 * there, so that what is documented is what is tested. The role has a name of its own, as roles are the server's.
 */
final class DocumentedGrants implements AutoCloseable {

    private static final Path DOCUMENT = Path.of("../../docs/security.md");
    private static final String PASSWORD = "secret";

    private final DatabaseAddress address;
    private final DataSource owner;
    private final String role;

    private DocumentedGrants(DatabaseAddress address, String role) {
        this.address = address;
        this.owner = address.dataSource();
        this.role = role;
    }

    /** Creates a database and a role with the rights of a documented one. */
    static DocumentedGrants of(String documented) throws SQLException {
        String unique = documented + "_" + System.nanoTime();
        DocumentedGrants made = new DocumentedGrants(EmbeddedDatabase.shared().createDatabase("db_" + unique), unique);
        made.createTables(documented.equals("hapax_leases"));
        execute(made.owner, "CREATE ROLE " + made.role + " LOGIN PASSWORD '" + PASSWORD + "'");
        // Every role could do this once, up to version 14.
        execute(made.owner, "REVOKE ALL ON SCHEMA public FROM PUBLIC");
        for (String grant : statements(documented)) {
            execute(made.owner, grant.replace(" TO " + documented + ";", " TO " + made.role));
        }
        return made;
    }

    private void createTables(boolean ofLeases) {
        if (ofLeases) {
            PostgresLeaseStore.builder(owner)
                    .namespace("postgres-test")
                    .migrate(true)
                    .build()
                    .close();
        } else {
            PostgresRunLedger.builder(owner)
                    .namespace("postgres-test")
                    .migrate(true)
                    .build()
                    .close();
        }
    }

    /** As they stand there, one statement each. */
    static List<String> statements(String role) {
        try {
            List<String> grants = Files.readString(DOCUMENT)
                    .lines()
                    .filter(line -> line.startsWith("GRANT ") && line.endsWith(" TO " + role + ";"))
                    .toList();
            if (grants.isEmpty()) {
                throw new IllegalStateException(DOCUMENT + " grants nothing to " + role);
            }
            return grants;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    DataSource owner() {
        return owner;
    }

    String role() {
        return role;
    }

    DatabaseAddress asRole() {
        return new DatabaseAddress(address.host(), address.port(), address.database(), role, PASSWORD);
    }

    @Override
    public void close() throws SQLException {
        execute(owner, "DROP OWNED BY " + role);
        execute(owner, "DROP ROLE " + role);
    }
}
