package io.hapax.postgres;

import io.hapax.ops.FleetBoard;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** The board in {@code hapax_lease_report} and {@code hapax_lease_report_change}. Thread-safe. */
record PostgresBoard(Questions questions, LeaseStatements statements, String namespace) implements FleetBoard {

    /** Of what a worker has put up, as it stands in its row. */
    private record Row(String worker, @Nullable String summary, Position position, long clock) {

        /** The number of the first change to hand out to somebody who knows so much. */
        long first(@Nullable Position known) {
            return position.edition().isEmpty() ? 0 : position.firstAfter(known);
        }

        boolean hasNews(@Nullable Position known) {
            return !position.edition().isEmpty() && first(known) <= position.number();
        }

        boolean follows(@Nullable Position known) {
            return known != null && known.edition().equals(position.edition()) && first(known) == known.number() + 1;
        }

        News news(@Nullable Position known, List<String> changes) {
            // A change that should be there and is not.
            boolean isGap = changes.isEmpty() && hasNews(known);
            return new News(
                    position.edition(),
                    isGap ? position.number() + 1 : first(known),
                    changes,
                    changes.isEmpty() && (isGap || !follows(known)) ? summary : null,
                    clock);
        }
    }

    @Override
    public CompletionStage<Answer> post(Posting posting) {
        return questions.ask("put a report up", connection -> {
            Position at = posting.position();
            try (PreparedStatement post = connection.prepareStatement(statements.post())) {
                Parameters.of(post)
                        .text(namespace)
                        .text(posting.worker())
                        .text(posting.summary())
                        .number(posting.lifetime().toMillis())
                        .flag(posting.starts())
                        .text(at.edition())
                        .number(at.number())
                        .text(posting.change())
                        .number(posting.clock());
                try (ResultSet row = post.executeQuery()) {
                    row.next();
                    return new Answer(
                            row.getBoolean(5),
                            row.getBoolean(3),
                            row.getString(1).equals(at.edition()) && row.getLong(2) == at.number(),
                            row.getBoolean(4));
                }
            }
        });
    }

    @Override
    public CompletionStage<Map<String, String>> summaries() {
        return questions.ask("read what workers say of themselves", connection -> {
            Map<String, String> summaries = new LinkedHashMap<>();
            for (Row row : rows(connection)) {
                if (row.summary() != null) {
                    summaries.put(row.worker(), row.summary());
                }
            }
            return summaries;
        });
    }

    @Override
    public CompletionStage<Map<String, News>> news(Map<String, Position> known, Duration readingFor) {
        return questions.ask("read the reports", connection -> {
            if (!readingFor.isZero()) {
                try (PreparedStatement note = connection.prepareStatement(statements.read())) {
                    Parameters.of(note).text(namespace).number(readingFor.toMillis());
                    note.executeUpdate();
                }
            }
            List<Row> rows = rows(connection);
            Map<String, List<String>> changes = changes(connection, rows, known);
            Map<String, News> news = new LinkedHashMap<>();
            List<Row> lacking = new ArrayList<>();
            for (Row row : rows) {
                Position before = known.get(row.worker());
                News each = row.news(before, changes.getOrDefault(row.worker(), List.of()));
                news.put(row.worker(), each);
                if (before == null
                        && !each.edition().isEmpty()
                        && each.changes().isEmpty()) {
                    lacking.add(row);
                }
            }
            if (!lacking.isEmpty() && !readingFor.isZero()) {
                try (PreparedStatement ask = connection.prepareStatement(statements.askForAll())) {
                    Parameters.of(ask)
                            .texts(lacking.stream().map(Row::worker).toArray())
                            .texts(lacking.stream()
                                    .map(row -> row.position().edition())
                                    .toArray())
                            .text(namespace);
                    ask.executeUpdate();
                }
            }
            return news;
        });
    }

    private List<Row> rows(Connection connection) throws SQLException {
        List<Row> all = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement(statements.reports())) {
            Parameters.of(query).text(namespace);
            try (ResultSet rows = query.executeQuery()) {
                while (rows.next()) {
                    all.add(new Row(
                            rows.getString(1),
                            rows.getString(2),
                            new Position(rows.getString(3), rows.getLong(4)),
                            rows.getLong(5)));
                }
            }
        }
        return all;
    }

    /** Only those that follow each other without a gap, as others may be put up meanwhile. */
    private Map<String, List<String>> changes(Connection connection, List<Row> rows, Map<String, Position> known)
            throws SQLException {
        Map<String, List<String>> changes = new LinkedHashMap<>();
        Map<String, Long> firsts = new LinkedHashMap<>();
        List<Row> wanted = rows.stream()
                .filter(row -> row.hasNews(known.get(row.worker())))
                .toList();
        if (wanted.isEmpty()) {
            return changes;
        }
        wanted.forEach(row -> firsts.put(row.worker(), row.first(known.get(row.worker()))));
        try (PreparedStatement query = connection.prepareStatement(statements.changes())) {
            Parameters.of(query)
                    .texts(wanted.stream().map(Row::worker).toArray())
                    .texts(wanted.stream().map(row -> row.position().edition()).toArray())
                    .numbers(firsts.values().toArray())
                    .text(namespace);
            try (ResultSet each = query.executeQuery()) {
                while (each.next()) {
                    String worker = each.getString(1);
                    List<String> all = changes.computeIfAbsent(worker, first -> new ArrayList<>());
                    if (each.getLong(2) == firsts.getOrDefault(worker, 0L) + all.size()) {
                        all.add(each.getString(3));
                    }
                }
            }
        }
        return changes;
    }
}
