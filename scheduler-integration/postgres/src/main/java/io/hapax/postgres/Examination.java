package io.hapax.postgres;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.ledger.LedgerException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** A look at the ledger's database, for operators who want to know what is wrong; changes nothing. */
final class Examination {

    private static final int CALLS = 20;
    private static final String FORBIDDEN = "42501";
    private static final Duration CLOCKS_APART = Duration.ofMillis(500);
    private static final int OLDEST_VERSION = 120_000;

    /** Whether keys are hashed is no matter of the stores, and the secret is not known here. */
    private static final Pattern HASHED_KEYS = Pattern.compile(" keys=hmac/\\w+$");

    private final Database database;
    private final SecondConnection second;
    private final Statements statements;
    private final String namespace;
    private final @Nullable String schema;
    private final InstantSource clock;
    private final List<Finding> findings = new ArrayList<>();

    Examination(
            SecondConnection second,
            Statements statements,
            String namespace,
            @Nullable String schema,
            InstantSource clock) {
        this.database = second.database();
        this.second = second;
        this.statements = statements;
        this.namespace = namespace;
        this.schema = schema;
        this.clock = clock;
    }

    List<Finding> findings(String expected) {
        try {
            if (database.call(this::server)) {
                new Pooler(database, second).trouble().ifPresent(this::trouble);
                new AdvisoryLocks(database, second).trouble().ifPresent(this::trouble);
                ifAllowed(() -> new Migration(database, statements.prefix(), schema).check());
                database.call(this::rights);
                ifAllowed(() -> database.call(connection -> settings(connection, expected)));
                ifAllowed(() -> database.call(this::abandoned));
                latency();
            }
        } catch (SQLException e) {
            trouble(DatabaseTrouble.of(e).asReasonWhy("the ledger could not be looked at"));
        } catch (LedgerException e) {
            trouble(e.finding());
        }
        return findings.stream().sorted(Comparator.comparing(Finding::severity)).toList();
    }

    private interface Look {
        void look() throws SQLException;
    }

    /** Which right is missing is reported by the look at rights. */
    private static void ifAllowed(Look look) throws SQLException {
        try {
            look.look();
        } catch (SQLException e) {
            if (!FORBIDDEN.equals(e.getSQLState())) {
                throw e;
            }
        }
    }

    /** Whether it makes sense to look further. */
    private boolean server(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(Statements.server())) {
            row.next();
            if (row.getBoolean(2)) {
                add(
                        Severity.ERROR,
                        "the ledger's server is a read-only standby, so no run can be claimed there",
                        "Connect to the primary, for example with targetServerType=primary in the address");
                return false;
            }
            if (row.getInt(4) < OLDEST_VERSION) {
                add(
                        Severity.ERROR,
                        "PostgreSQL is version " + row.getInt(4) / 10_000 + ", but the ledger needs 12 or newer",
                        "Upgrade the server");
                return false;
            }
            if (row.getString(1).equals("off")) {
                add(
                        Severity.WARNING,
                        "synchronous_commit is off: a crash of PostgreSQL may forget that an occurrence has completed, and"
                                + " it runs again",
                        "ALTER ROLE " + row.getString(5)
                                + " SET synchronous_commit = on, or in postgresql.conf, and let the pools connect anew");
            }
        }
        durability(connection);
        return true;
    }

    private void durability(Connection connection) throws SQLException {
        Instant asked = clock.instant();
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(statements.durability())) {
            row.next();
            if (row.getString(1).equals("off") || row.getString(2).equals("off")) {
                add(
                        Severity.WARNING,
                        "fsync or full_page_writes is off: a crash of the machine may lose or damage what is done",
                        "Set fsync = on and full_page_writes = on in postgresql.conf");
            }
            Instant there = row.getObject(3, OffsetDateTime.class).toInstant();
            Instant answered = clock.instant();
            Duration ahead = there.isAfter(answered)
                    ? Duration.between(answered, there)
                    : there.isBefore(asked) ? Duration.between(asked, there) : Duration.ZERO;
            if (ahead.abs().compareTo(CLOCKS_APART) > 0) {
                add(
                        Severity.WARNING,
                        "PostgreSQL's clock is " + ahead.abs().toMillis() + " ms "
                                + (ahead.isNegative() ? "behind" : "ahead of")
                                + " this machine's: times of log and ledger do not fit together",
                        "Keep both by NTP, which slews instead of setting the clock");
            }
        }
    }

    private boolean rights(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet rows = sql.executeQuery(statements.rights())) {
            while (rows.next()) {
                if (!rows.getBoolean(2)) {
                    String without = rows.getString(4);
                    add(
                            without.isEmpty() ? Severity.ERROR : Severity.WARNING,
                            "the role " + rows.getString(3) + " lacks a right: " + rows.getString(1)
                                    + (without.isEmpty() ? "" : ", so " + without),
                            "GRANT " + rows.getString(1) + " TO " + rows.getString(3)
                                    + "; docs/security.md lists all that it needs");
                }
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
                    add(
                            Severity.NOTE,
                            "no worker of namespace " + namespace + " has used this ledger yet" + others(connection),
                            "If workers run, compare their namespace, address and schema with these");
                } else if (!expected.isEmpty()
                        && !HASHED_KEYS.matcher(agreed).replaceAll("").equals(expected)) {
                    add(
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
                    add(
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

    private void latency() throws SQLException {
        long[] nanos = new long[CALLS];
        // On one connection: opening another one, where there is no pool, is not what a statement takes.
        database.call(connection -> {
            try (Statement sql = connection.createStatement()) {
                for (int n = 0; n < CALLS; n++) {
                    long asked = System.nanoTime();
                    sql.executeQuery(statements.durability()).close();
                    nanos[n] = System.nanoTime() - asked;
                }
            }
            return true;
        });
        Duration typical = Duration.ofNanos(LongStream.of(nanos).sorted().toArray()[CALLS / 2]);
        if (typical.multipliedBy(4).compareTo(database.answerTimeout()) > 0) {
            add(
                    Severity.WARNING,
                    "PostgreSQL takes " + typical.toMillis() + " ms to answer, and "
                            + database.answerTimeout().toMillis() + " ms is the longest time it may take",
                    "Move workers and database nearer to each other, or raise answerTimeout together with the ttl");
        }
    }

    private void trouble(Finding trouble) {
        findings.add(trouble.orMendedBy("Fix that, and check again"));
    }

    private void add(Severity severity, String problem, String remedy) {
        findings.add(new Finding(severity, problem, remedy));
    }
}
