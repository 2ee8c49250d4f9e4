package io.hapax.postgres;

import io.hapax.lease.Finding;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Finds out whether a pooler lends sessions of PostgreSQL for one transaction at a time, while the driver names statements in them.
 * In its next session a statement is missing, or it is somebody else's under the same name.
 *
 * <p>A pooler makes up the process that it tells the driver, so it is not the one that the server reports. A client that keeps its session
 * (pooling by session) is alone there.
 *
 * @param database whose connection is looked at
 * @param second asks by another connection
 */
record Pooler(Database database, SecondConnection second) {

    private static final int ROUNDS = 3;

    /** What is wrong; empty if nothing is, or if this is another driver, of which nothing is known. */
    Optional<Finding> trouble() throws SQLException {
        return database.call(connection -> {
            Optional<Driver> driver = Driver.of(connection);
            return driver.isEmpty()
                            || driver.get().prepareThreshold() == 0
                            || driver.get().isDirect(connection)
                            || !isShared(connection)
                    ? Optional.empty()
                    : Optional.of(Finding.error(
                            "a pooler, as PgBouncer, lends sessions for one transaction at a time, and the driver names"
                                    + " statements in them (prepareThreshold="
                                    + driver.get().prepareThreshold()
                                    + "), which it finds gone later, or another's in their place",
                            "Add prepareThreshold=0 to the address of the pool"));
        });
    }

    /** Several looks, as others take part. */
    private boolean isShared(Connection connection) throws SQLException {
        int first = Driver.process(connection);
        for (int n = 0; n < ROUNDS; n++) {
            Optional<Integer> other = second.ask(Driver::process);
            if (other.isEmpty()) {
                return false;
            }
            if (other.get() == first || Driver.process(connection) != first) {
                return true;
            }
        }
        return false;
    }
}
