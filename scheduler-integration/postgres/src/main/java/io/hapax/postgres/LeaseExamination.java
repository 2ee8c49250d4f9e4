package io.hapax.postgres;

import static io.hapax.postgres.ServerExamination.ifAllowed;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A look at the database that has the leases, for operators who want to know what is wrong; changes nothing. */
final class LeaseExamination {

    private final Database database;
    private final ServerExamination server;
    private final LeaseStatements statements;
    private final String namespace;
    private final @Nullable String schema;
    private final boolean listens;

    LeaseExamination(
            SecondConnection second,
            LeaseStatements statements,
            String namespace,
            @Nullable String schema,
            boolean listens,
            InstantSource clock) {
        this.database = second.database();
        this.server = new ServerExamination(second, clock);
        this.statements = statements;
        this.namespace = namespace;
        this.schema = schema;
        this.listens = listens;
    }

    /**
     * Looks.
     *
     * @param expected the settings of workers of this version
     */
    List<Finding> findings(String expected) {
        return server.findings(() -> {
            if (server.isUsable()) {
                boolean unused = database.call(this::standbys);
                server.connections();
                if (listens) {
                    unused = database.call(this::wakeUps);
                }
                ifAllowed(() -> new Migration(database, statements.prefix(), schema).check());
                server.rights(statements.rights());
                ifAllowed(() -> database.call(connection -> settings(connection, expected)));
                server.latency();
            }
        });
    }

    /** Whether a failover would forget what was granted. */
    private boolean standbys(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(LeaseStatements.replication())) {
            row.next();
            long standbys = row.getLong(1);
            boolean synchronous = !row.getString(2).isBlank();
            String commits = row.getString(3);
            if (synchronous && commits.equals("local")) {
                server.add(
                        Severity.WARNING,
                        "synchronous_commit is local, so no commit waits for the synchronous standby: a failover forgets leases"
                                + " and completions that the standby had not received",
                        "ALTER ROLE " + row.getString(4)
                                + " SET synchronous_commit = on, or in postgresql.conf, and let the pools reconnect");
            } else if (!synchronous && standbys > 0) {
                server.add(
                        Severity.WARNING,
                        "replication is asynchronous (" + standbys
                                + (standbys == 1 ? " receiver" : " receivers") + " of WAL, synchronous_standby_names is"
                                + " empty): a failover to a standby loses the leases and completions that it had not"
                                + " received, which nothing notices. Two workers may then hold a key, and what had"
                                + " completed may run again",
                        "Name the standby in synchronous_standby_names, with two at least so that one may fail; or have the"
                                + " workers stopped for longer than the ttl before a standby is promoted");
            }
        }
        return true;
    }

    private boolean wakeUps(Connection connection) throws SQLException {
        Optional<Driver> driver = Driver.of(connection);
        if (driver.isPresent() && !driver.get().isDirect(connection)) {
            server.add(
                    Severity.NOTE,
                    "a pooler, as PgBouncer, is in between, so no session can listen: runs that wait for a key notice within a"
                            + " second that it was released, not at once",
                    "Nothing, if a second is soon enough; else give the lease store an address of PostgreSQL itself");
        }
        return true;
    }

    private boolean settings(Connection connection, String expected) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(statements.settings())) {
            Parameters.of(query).text(namespace).text(PostgresLeaseStore.PARTY);
            try (ResultSet row = query.executeQuery()) {
                String agreed = row.next() ? row.getString(1) : "";
                if (agreed.isEmpty()) {
                    server.add(
                            Severity.NOTE,
                            "no worker of namespace " + namespace + " has kept leases there yet" + others(connection),
                            "If workers run, compare their namespace, address and schema with these");
                } else if (!agreed.equals(expected)) {
                    server.add(
                            Severity.ERROR,
                            "the workers of namespace " + namespace
                                    + " keep leases with other settings than this version,"
                                    + " so a worker of it would not start. There: " + agreed + ". Here: " + expected,
                            "Run one version; to change it, stop all workers and delete the namespace's rows in "
                                    + statements.prefix() + "hapax_lease_settings");
                }
            }
        }
        return true;
    }

    private String others(Connection connection) throws SQLException {
        List<String> names = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement(statements.namespaces());
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                names.add(row.getString(1));
            }
        }
        return names.isEmpty() ? "" : "; there are " + String.join(", ", names);
    }
}
