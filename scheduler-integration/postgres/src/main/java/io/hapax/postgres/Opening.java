package io.hapax.postgres;

import io.hapax.lease.Finding;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * The first steps on a database: looks at the server, creates or checks the tables, and finds a connection for renewals.
 *
 * @param database calls it meanwhile
 * @param source the pool
 * @param lifeline calls it for renewals
 * @param others its other callers
 */
record Opening(Database database, DataSource source, Database lifeline, List<Database> others) {

    static final int OLDEST_VERSION = 120_000;

    /** Workers that start at once wait for each other's first steps, however short the answer timeout of runs is. */
    private static final Duration LONGEST = Duration.ofSeconds(30);

    /** How long an answer may take meanwhile. */
    static Duration answerTimeout(Duration ofRuns) {
        return ofRuns.compareTo(LONGEST) > 0 ? ofRuns : LONGEST;
    }

    /**
     * Takes them.
     *
     * @param migration creates the tables
     * @param migrate whether it is to
     * @param renewals finds a connection for renewals
     * @return whether {@code synchronous_commit} is off
     */
    boolean take(Migration migration, boolean migrate, RenewalConnection renewals) {
        try {
            boolean mayForget = database.call(this::checkServer);
            SecondConnection second = new SecondConnection(database, source);
            refuse(new Pooler(database, second).trouble());
            refuse(new AdvisoryLocks(database, second).trouble());
            if (migrate) {
                migration.apply();
            }
            migration.check();
            lifeline.from(renewals.choose(others.get(0)));
            boolean unused = lifeline.call(connection -> adoptIsolation(lifeline, connection));
            return mayForget;
        } catch (SQLException e) {
            throw service().failure(DatabaseTrouble.of(e).asReasonWhy(service() + " cannot be opened"), e);
        }
    }

    /** Takes those that change nothing, for a store that only operators ask. */
    void look(Migration migration) {
        try {
            boolean unused = database.call(this::checkServer);
            migration.check();
        } catch (SQLException e) {
            throw service().failure(DatabaseTrouble.of(e).asReasonWhy(service() + " cannot be opened"), e);
        }
    }

    private Service service() {
        return database.service();
    }

    private boolean checkServer(Connection connection) throws SQLException {
        boolean mayForget;
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(Statements.server())) {
            row.next();
            if (row.getBoolean(2)) {
                throw service()
                        .failure(Finding.error(
                                service() + "'s server is a read-only standby",
                                "Connect to the primary, for example with targetServerType=primary in the address"));
            }
            if (row.getInt(4) < OLDEST_VERSION) {
                throw service()
                        .failure(Finding.error(
                                service() + " needs PostgreSQL 12 or newer, this is " + row.getInt(4) / 10_000,
                                "Upgrade the server"));
            }
            mayForget = row.getString(1).equals("off");
        }
        adoptIsolation(database, connection);
        for (Database other : others) {
            adoptIsolation(other, connection);
        }
        return mayForget;
    }

    private void refuse(Optional<Finding> trouble) {
        if (trouble.isPresent()) {
            throw service().failure(trouble.get().asReasonWhy(service() + " cannot be opened"));
        }
    }

    private static boolean adoptIsolation(Database its, Connection connection) throws SQLException {
        boolean another = connection.getTransactionIsolation() != Connection.TRANSACTION_READ_COMMITTED;
        if (another) {
            its.askForLevel();
        }
        return another;
    }
}
