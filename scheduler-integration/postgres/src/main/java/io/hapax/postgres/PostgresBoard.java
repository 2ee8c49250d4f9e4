package io.hapax.postgres;

import io.hapax.ops.FleetBoard;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** The board in {@code hapax_lease_report}. Thread-safe. */
record PostgresBoard(Questions questions, LeaseStatements statements, String namespace) implements FleetBoard {

    @Override
    public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
        return questions.ask("put a report up", connection -> {
            try (PreparedStatement insert = connection.prepareStatement(statements.post())) {
                Parameters.of(insert)
                        .text(namespace)
                        .text(worker)
                        .text(report)
                        .number(lifetime.toMillis())
                        .text(namespace);
                try (ResultSet row = insert.executeQuery()) {
                    return row.next() && row.getBoolean(1);
                }
            }
        });
    }

    @Override
    public CompletionStage<Map<String, String>> reports(Duration readingFor) {
        return questions.ask("read the reports", connection -> {
            if (!readingFor.isZero()) {
                try (PreparedStatement note = connection.prepareStatement(statements.read())) {
                    Parameters.of(note).text(namespace).number(readingFor.toMillis());
                    note.executeUpdate();
                }
            }
            Map<String, String> reports = new LinkedHashMap<>();
            try (PreparedStatement query = connection.prepareStatement(statements.reports())) {
                Parameters.of(query).text(namespace);
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        reports.put(rows.getString(1), rows.getString(2));
                    }
                }
            }
            return reports;
        });
    }
}
