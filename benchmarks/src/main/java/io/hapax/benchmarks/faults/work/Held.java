package io.hapax.benchmarks.faults.work;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.OptionalLong;
import java.util.function.Consumer;
import javax.sql.DataSource;

/** What a contender's lock offers to the job that runs under it. */
interface Held {

    /** Nothing: most locks offer no more than to have been taken. */
    Held NOTHING = new Held() {};

    default OptionalLong token() {
        return OptionalLong.empty();
    }

    /** The owner of the lease in Redis, or -. */
    default String owner() {
        return "-";
    }

    /** Fails if the lock is known to be lost; asks nobody. Called often. */
    default void check() {}

    /** Fails if the lock is known to be lost, even if it takes a round trip to know. Called before the effects. */
    default void checkThoroughly() {
        check();
    }

    /** Whether {@link #completeIn} lets a late commit fail, so that nobody has to look whether the row is there. */
    default boolean isFenced() {
        return false;
    }

    /** A connection with a transaction for the last effect. */
    default Connection connection(DataSource database) throws SQLException {
        Connection connection = database.getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    /** The last word before a commit. */
    default void completeIn(Connection connection) throws SQLException {}

    /** Whether the caller of the run commits what it writes. */
    default boolean isCommittedByCaller() {
        return false;
    }

    /**
     * Ends a run before its lock is given back.
     *
     * @param end is called with how the run has ended
     */
    default void end(String outcome, Consumer<String> end) {
        end.accept(outcome);
    }

    default void onLost(Consumer<String> told) {}
}
