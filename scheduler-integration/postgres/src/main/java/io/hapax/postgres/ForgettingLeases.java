package io.hapax.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;

/** Forgets what is over: leases but for their highest token, markers, places, pauses, reports, and the older history of jobs. */
record ForgettingLeases(LeaseStatements statements, String namespace) {

    /** What is done, in order; the last one forgets leases. */
    List<CleanUp.Batch> steps() {
        return Stream.of(
                        statements.forgetDone(),
                        statements.forgetPlaces(),
                        statements.forgetWaits(),
                        statements.forgetPauses(),
                        statements.forgetReports(),
                        statements.forgetChanges(),
                        statements.forgetHistory(),
                        statements.forgetLeases())
                .<CleanUp.Batch>map(statement -> (connection, atMost) -> forget(connection, statement, atMost))
                .toList();
    }

    private int forget(Connection connection, String statement, int atMost) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(statement)) {
            Parameters.of(delete).text(namespace).number(atMost);
            try (ResultSet count = delete.executeQuery()) {
                return count.next() ? count.getInt(1) : 0;
            }
        }
    }
}
