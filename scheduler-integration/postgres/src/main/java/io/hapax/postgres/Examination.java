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
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A look at the ledger's database, for operators who want to know what is wrong; changes nothing. */
final class Examination {

    /** Whether keys are hashed is no matter of the stores, and the secret is not known here. */
    private static final Pattern HASHED_KEYS = Pattern.compile(" keys=hmac/\\w+$");

    private final Database database;
    private final ServerExamination server;
    private final Statements statements;
    private final String namespace;
    private final @Nullable String schema;

    Examination(
            SecondConnection second,
            Statements statements,
            String namespace,
            @Nullable String schema,
            InstantSource clock) {
        this.database = second.database();
        this.server = new ServerExamination(second, clock);
        this.statements = statements;
        this.namespace = namespace;
        this.schema = schema;
    }

    List<Finding> findings(String expected) {
        return server.findings(() -> {
            if (server.isUsable()) {
                boolean unused = database.call(this::commits);
                server.connections();
                ifAllowed(() -> new Migration(database, statements.prefix(), schema).check());
                server.rights(statements.rights());
                ifAllowed(() -> database.call(connection -> settings(connection, expected)));
                ifAllowed(() -> database.call(this::abandoned));
                server.latency();
            }
        });
    }

    private boolean commits(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(Statements.server())) {
            row.next();
            if (row.getString(1).equals("off")) {
                server.add(
                        Severity.WARNING,
                        "synchronous_commit is off: a crash of PostgreSQL may forget that an occurrence has completed, and"
                                + " it runs again",
                        "ALTER ROLE " + row.getString(5)
                                + " SET synchronous_commit = on, or in postgresql.conf, and let the pools reconnect");
            }
        }
        return true;
    }

    private boolean settings(Connection connection, String expected) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(statements.fingerprint())) {
            Parameters.of(query).text(namespace);
            try (ResultSet row = query.executeQuery()) {
                String agreed = row.next() ? row.getString(1) : "";
                if (agreed.isEmpty()) {
                    server.add(
                            Severity.NOTE,
                            "no worker of namespace " + namespace + " has used this ledger yet" + others(connection),
                            "If workers run, compare their namespace, address and schema with these");
                } else if (!expected.isEmpty()
                        && !HASHED_KEYS.matcher(agreed).replaceAll("").equals(expected)) {
                    server.add(
                            Severity.ERROR,
                            "the workers of namespace " + namespace
                                    + " have noted other settings in the ledger than these,"
                                    + " so a worker with these would not start. There: " + agreed + ". Here: "
                                    + expected,
                            "Give all the same settings; to change them, stop all workers and delete the namespace's row in "
                                    + statements.prefix() + "hapax_settings");
                }
            }
        }
        return true;
    }

    private String others(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(statements.namespaces())) {
            try (ResultSet row = query.executeQuery()) {
                List<String> names = new ArrayList<>();
                while (row.next()) {
                    names.add(row.getString(1));
                }
                return names.isEmpty() ? "" : "; there are " + String.join(", ", names);
            }
        }
    }

    private boolean abandoned(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT count(*), min(started_at) FROM "
                + statements.prefix() + "hapax_run WHERE namespace = ? AND state = 'ABANDONED'")) {
            Parameters.of(query).text(namespace);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                if (row.getLong(1) > 0) {
                    server.add(
                            Severity.WARNING,
                            (row.getLong(1) == 1 ? "1 occurrence is" : row.getLong(1) + " occurrences are")
                                    + " abandoned, the oldest was started at "
                                    + Objects.requireNonNull(Row.instant(row, "min"))
                                    + ": until a person decides, nothing runs in its place",
                            "List them with hapax runs list --state abandoned, find out what each has done, then decide with"
                                    + " hapax runs resolve");
                }
            }
        }
        return true;
    }
}
