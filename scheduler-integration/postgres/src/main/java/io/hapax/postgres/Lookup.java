package io.hapax.postgres;

import io.hapax.ledger.LedgerEntry;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads what is in the way of requests: their own rows, and running rows of their lock keys that do not go with them. */
record Lookup(Statements statements, String namespace) {

    /** One list of rows for each occurrence, in the same order; the own row, if there is one, comes first. */
    List<List<Row>> rows(Connection connection, List<Occurrence> occurrences) throws SQLException {
        List<List<Row>> found = new ArrayList<>();
        occurrences.forEach(any -> found.add(new ArrayList<>(1)));
        try (PreparedStatement query = connection.prepareStatement(statements.lookUp())) {
            Parameters.of(query)
                    .texts(occurrences.stream().map(Occurrence::key).toArray())
                    .flags(occurrences.stream().map(Occurrence::repeats).toArray())
                    .texts(occurrences.stream().map(Occurrence::lockKey).toArray())
                    .numbers(occurrences.stream()
                            .map(each -> (long) each.slot().number())
                            .toArray())
                    .numbers(occurrences.stream()
                            .map(each -> (long) each.slot().limit())
                            .toArray())
                    .text(namespace)
                    .text(namespace);
            try (ResultSet rows = query.executeQuery()) {
                while (rows.next()) {
                    int index = (int) rows.getLong("n") - 1;
                    Row row = Row.read(rows);
                    List<Row> those = found.get(index);
                    those.add(row.isOf(occurrences.get(index)) ? 0 : those.size(), row);
                }
            }
        }
        return found;
    }

    /** What the ledger knows of each occurrence. */
    List<Optional<LedgerEntry>> entries(Connection connection, List<Occurrence> occurrences) throws SQLException {
        List<Optional<LedgerEntry>> entries = new ArrayList<>();
        List<List<Row>> found = rows(connection, occurrences);
        for (int n = 0; n < occurrences.size(); n++) {
            Occurrence wanted = occurrences.get(n);
            entries.add(found.get(n).stream()
                    .filter(row -> row.isOf(wanted))
                    .findFirst()
                    .map(Row::entry));
        }
        return entries;
    }
}
