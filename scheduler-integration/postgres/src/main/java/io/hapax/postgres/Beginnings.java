package io.hapax.postgres;

import io.hapax.lease.Lease;
import io.hapax.ledger.Completion;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Notes that runs are about to start their code. */
record Beginnings(Statements statements, Lookup lookup, String namespace) {

    List<@Nullable Completion> begin(Connection connection, List<Lease> claims) throws SQLException {
        List<Occurrence> occurrences =
                claims.stream().map(claim -> Occurrence.of(claim.identity())).toList();
        Set<String> noted = new HashSet<>();
        try (PreparedStatement update = connection.prepareStatement(statements.begin())) {
            Parameters.of(update)
                    .texts(occurrences.stream().map(Occurrence::key).toArray())
                    .flags(occurrences.stream().map(Occurrence::repeats).toArray())
                    .texts(claims.stream().map(claim -> claim.owner().value()).toArray())
                    .numbers(claims.stream().map(claim -> claim.token().value()).toArray())
                    .text(namespace);
            try (ResultSet rows = update.executeQuery()) {
                while (rows.next()) {
                    noted.add(rows.getString(1));
                }
            }
        }
        List<List<Row>> found = noted.size() < claims.size() ? lookup.rows(connection, occurrences) : List.of();
        List<@Nullable Completion> answers = new ArrayList<>();
        for (int n = 0; n < claims.size(); n++) {
            Lease claim = claims.get(n);
            answers.add(noted.contains(claim.owner().value()) ? Completion.NOTED : refused(claim, found.get(n)));
        }
        return answers;
    }

    /** Null if the row is this run's own, and was locked. */
    private static @Nullable Completion refused(Lease claim, List<Row> rows) {
        for (Row row : rows) {
            if (row.belongsTo(claim) && row.isRunning() && row.alive()) {
                return null;
            }
        }
        return Completion.SUPERSEDED;
    }
}
