package io.hapax.postgres;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import java.sql.Connection;
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
import java.util.stream.LongStream;

/** A look at a database, for operators who want to know what is wrong with it; changes nothing. Not thread-safe. */
final class ServerExamination {

    private static final int CALLS = 20;
    private static final String FORBIDDEN = "42501";
    private static final Duration CLOCKS_APART = Duration.ofMillis(500);

    private final Database database;
    private final SecondConnection second;
    private final InstantSource clock;
    private final List<Finding> findings = new ArrayList<>();

    ServerExamination(SecondConnection second, InstantSource clock) {
        this.database = second.database();
        this.second = second;
        this.clock = clock;
    }

    /** Something to look at. */
    interface Look {
        void look() throws SQLException;
    }

    /** What is found, the worst first; trouble on the way is a finding, too. */
    List<Finding> findings(Look look) {
        try {
            look.look();
        } catch (SQLException e) {
            trouble(DatabaseTrouble.of(e).asReasonWhy(service() + " could not be looked at"));
        } catch (RuntimeException e) {
            trouble(service().findingOf(e).orElseThrow(() -> e));
        }
        return findings.stream().sorted(Comparator.comparing(Finding::severity)).toList();
    }

    private Service service() {
        return database.service();
    }

    /** Which right is missing is reported by the look at rights. */
    static void ifAllowed(Look look) throws SQLException {
        try {
            look.look();
        } catch (SQLException e) {
            if (!FORBIDDEN.equals(e.getSQLState())) {
                throw e;
            }
        }
    }

    /** Whether it makes sense to look further. */
    boolean isUsable() throws SQLException {
        return database.call(connection -> {
            try (Statement sql = connection.createStatement();
                    ResultSet row = sql.executeQuery(Statements.server())) {
                row.next();
                if (row.getBoolean(2)) {
                    add(
                            Severity.ERROR,
                            service() + "'s server is a read-only standby, so no "
                                    + service().granted() + " there",
                            "Connect to the primary, for example with targetServerType=primary in the address");
                    return false;
                }
                if (row.getInt(4) < Opening.OLDEST_VERSION) {
                    add(
                            Severity.ERROR,
                            "PostgreSQL is version " + row.getInt(4) / 10_000 + ", but " + service()
                                    + " needs 12 or newer",
                            "Upgrade the server");
                    return false;
                }
            }
            durability(connection);
            return true;
        });
    }

    /** What is between the driver and the server, and whether that has the locks that it needs. */
    void connections() throws SQLException {
        new Pooler(database, second).trouble().ifPresent(this::trouble);
        new AdvisoryLocks(database, second).trouble().ifPresent(this::trouble);
    }

    private void durability(Connection connection) throws SQLException {
        Instant asked = clock.instant();
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(Statements.durability())) {
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
                                + " this machine's: times of log and "
                                + service().noun() + " do not fit together",
                        "Keep both by NTP, which slews instead of setting the clock");
            }
        }
    }

    /**
     * Looks at the rights of the role.
     *
     * @param query rows of a right, whether it is there, the role, and what is done without it, or nothing
     */
    void rights(String query) throws SQLException {
        boolean unused = database.call(connection -> rights(connection, query));
    }

    private boolean rights(Connection connection, String query) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet rows = sql.executeQuery(query)) {
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

    void latency() throws SQLException {
        long[] nanos = new long[CALLS];
        // On one connection: opening another one, where there is no pool, is not what a statement takes.
        database.call(connection -> {
            try (Statement sql = connection.createStatement()) {
                for (int n = 0; n < CALLS; n++) {
                    long asked = System.nanoTime();
                    sql.executeQuery(Statements.durability()).close();
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

    void trouble(Finding trouble) {
        findings.add(trouble.orMendedBy("Fix that, and check again"));
    }

    void add(Severity severity, String problem, String remedy) {
        findings.add(new Finding(severity, problem, remedy));
    }
}
