package io.hapax.postgres;

import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.LedgerException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Pushes deadlines forward, of all claims of a batch with one statement. */
record Renewals(Statements statements, Lookup lookup, String namespace) {

    List<@Nullable Renewal> renew(Connection connection, List<Lease> claims) throws SQLException {
        Set<String> renewed = new HashSet<>();
        List<Occurrence> occurrences =
                claims.stream().map(claim -> Occurrence.of(claim.identity())).toList();
        try (PreparedStatement upsert = connection.prepareStatement(statements.renew())) {
            Parameters.of(upsert)
                    .texts(occurrences.stream().map(Occurrence::key).toArray())
                    .flags(occurrences.stream().map(Occurrence::repeats).toArray())
                    .texts(claims.stream().map(claim -> claim.owner().value()).toArray())
                    .numbers(claims.stream().map(claim -> claim.token().value()).toArray())
                    .numbers(
                            claims.stream().map(claim -> claim.ttl().toMillis()).toArray())
                    .text(namespace)
                    .text(namespace);
            try (ResultSet rows = upsert.executeQuery()) {
                while (rows.next()) {
                    renewed.add(rows.getString(1));
                }
            }
        }
        List<List<Row>> found = renewed.size() < claims.size() ? lookup.rows(connection, occurrences) : List.of();
        List<@Nullable Renewal> answers = new ArrayList<>();
        for (int n = 0; n < claims.size(); n++) {
            answers.add(
                    renewed.contains(claims.get(n).owner().value())
                            ? new Renewal.Renewed(false)
                            : refused(claims.get(n), found.get(n)));
        }
        return answers;
    }

    private static Renewal refused(Lease claim, List<Row> rows) {
        for (Row row : rows) {
            if (row.isRunning()) {
                return row.belongsTo(claim)
                        ? new Renewal.Unknown(new LedgerException(
                                "the row of " + claim.identity() + " is locked by a transaction, perhaps its own"))
                        : new Renewal.Gone(row.holder());
            }
        }
        return new Renewal.Gone(null);
    }
}
