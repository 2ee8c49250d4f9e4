package io.hapax.postgres;

import static io.hapax.postgres.LeaseExchange.column;

import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pushes expiries forward, of all leases of a batch with one statement. */
record LeaseRenewals(LeaseStatements statements, String namespace) {

    List<@Nullable Renewal> renew(Connection connection, List<Lease> leases) throws SQLException {
        List<@Nullable Renewal> answers = new ArrayList<>();
        leases.forEach(any -> answers.add(null));
        List<LeaseKey> keys =
                leases.stream().map(lease -> LeaseKey.of(lease.identity())).toList();
        int renewed = 0;
        try (PreparedStatement update = connection.prepareStatement(statements.renew())) {
            Parameters.of(update)
                    .flags(column(keys, LeaseKey::onRun))
                    .texts(column(keys, LeaseKey::text))
                    .numbers(column(keys, key -> (long) key.slot()))
                    .texts(column(leases, lease -> lease.owner().value()))
                    .numbers(column(leases, lease -> lease.token().value()))
                    .numbers(column(leases, lease -> lease.ttl().toMillis()))
                    .text(namespace);
            try (ResultSet rows = update.executeQuery()) {
                while (rows.next()) {
                    answers.set((int) rows.getLong(1) - 1, new Renewal.Renewed(false));
                    renewed++;
                }
            }
        }
        if (renewed < leases.size()) {
            explain(connection, leases, keys, answers);
        }
        return answers;
    }

    /** An answer stays null if the lease still is this run's own: its row was locked. */
    private void explain(
            Connection connection, List<Lease> leases, List<LeaseKey> keys, List<@Nullable Renewal> answers)
            throws SQLException {
        List<@Nullable LeaseRow> found = new ArrayList<>();
        leases.forEach(any -> found.add(null));
        try (PreparedStatement query = connection.prepareStatement(statements.lookUp())) {
            Parameters.of(query)
                    .flags(column(keys, LeaseKey::onRun))
                    .texts(column(keys, LeaseKey::text))
                    .numbers(column(keys, key -> (long) key.slot()))
                    .text(namespace);
            try (ResultSet rows = query.executeQuery()) {
                while (rows.next()) {
                    found.set((int) rows.getLong("n") - 1, LeaseRow.read(rows));
                }
            }
        }
        for (int n = 0; n < leases.size(); n++) {
            if (answers.get(n) == null) {
                answers.set(n, refused(leases.get(n), found.get(n)));
            }
        }
    }

    private static @Nullable Renewal refused(Lease lease, @Nullable LeaseRow held) {
        if (held == null) {
            return new Renewal.Gone(null);
        }
        boolean own = held.holder().owner().equals(lease.owner())
                && held.holder().token().equals(lease.token());
        return own ? null : new Renewal.Gone(held.holder());
    }
}
