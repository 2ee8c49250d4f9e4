package io.hapax.examples;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.postgres.PostgresRunLedger;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Books a payment once, whatever Redis, clocks, pauses and processes do. */
public final class FencedPayment {

    private FencedPayment() {}

    /**
     * Builds a guard with a ledger.
     *
     * @param store where the leases are kept
     * @param database where the application keeps its data; the ledger's tables are added there
     * @return the guard; the caller closes it
     */
    public static JobGuard guard(LeaseStore store, DataSource database) {
        // snippet:ledger
        RunLedger ledger = PostgresRunLedger.builder(database)
                .namespace("shop")
                .migrate(true)
                .build();
        JobGuard guard = JobGuard.builder(store).ledger(ledger).build();
        // end
        return guard;
    }

    /**
     * Books a payment unless it is booked.
     *
     * @param guard a guard with a ledger in the same database
     * @param database where the payments are booked
     * @param payment the payment's number
     * @param cents how much
     * @return what happened, for display
     * @throws SQLException if the database refuses
     * @throws InterruptedException if the run lost its lease while it was running
     */
    public static String pay(JobGuard guard, DataSource database, int payment, long cents)
            throws SQLException, InterruptedException {
        RunRequest request = RunRequest.occurrence("payment/" + payment);
        // snippet:fenced
        RunResult<Long> result = guard.run(request, run -> {
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                long booking = book(connection, payment, cents);
                run.completeIn(connection); // throws if another worker has taken over
                connection.commit(); // the booking and its completion, or neither
                return booking;
            }
        });
        // end
        return result.fold(ran -> "booked as " + ran.value(), refusal -> "not booked, " + refusal);
    }

    private static long book(Connection connection, int payment, long cents) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO booking (payment, cents) VALUES (?, ?) RETURNING id")) {
            insert.setInt(1, payment);
            insert.setLong(2, cents);
            try (var row = insert.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }
}
