package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunState;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ends runs, only their own: a stale one changes nothing and gets that as its answer. */
record Endings(Statements statements, Lookup lookup, String namespace) {

    /**
     * A run that has ended.
     *
     * @param token its fencing token, or null if its claim was not confirmed
     */
    record Request(
            JobIdentity identity, OwnerId owner, @Nullable FencingToken token, RunState state) {

        static Request of(Lease claim, RunState state) {
            return new Request(claim.identity(), claim.owner(), claim.token(), state);
        }

        Occurrence occurrence() {
            return Occurrence.of(identity);
        }

        boolean isFrom(Row row) {
            return row.entry().owner().equals(owner)
                    && (token == null || row.entry().token().equals(token));
        }
    }

    List<@Nullable Completion> end(Connection connection, List<Request> requests) throws SQLException {
        List<@Nullable Completion> answers = new ArrayList<>();
        requests.forEach(any -> answers.add(null));
        int noted = 0;
        try (PreparedStatement update = connection.prepareStatement(statements.end())) {
            List<Occurrence> occurrences =
                    requests.stream().map(Request::occurrence).toList();
            Parameters.of(update)
                    .texts(occurrences.stream().map(Occurrence::key).toArray())
                    .flags(occurrences.stream().map(Occurrence::repeats).toArray())
                    .texts(requests.stream()
                            .map(request -> request.owner().value())
                            .toArray())
                    .numbers(requests.stream()
                            .map(request -> request.token() == null
                                    ? null
                                    : request.token().value())
                            .toArray())
                    .texts(requests.stream()
                            .map(request -> request.state().name())
                            .toArray())
                    .text(namespace);
            try (ResultSet rows = update.executeQuery()) {
                while (rows.next()) {
                    answers.set((int) rows.getLong(1) - 1, Completion.NOTED);
                    noted++;
                }
            }
        }
        if (noted < requests.size()) {
            explain(connection, requests, answers);
        }
        return answers;
    }

    /** An answer stays null if the row still is this run's own: it was locked. */
    private void explain(Connection connection, List<Request> requests, List<@Nullable Completion> answers)
            throws SQLException {
        List<List<Row>> found = lookup.rows(
                connection, requests.stream().map(Request::occurrence).toList());
        for (int n = 0; n < requests.size(); n++) {
            if (answers.get(n) == null) {
                answers.set(n, answer(requests.get(n), found.get(n)));
            }
        }
    }

    private static @Nullable Completion answer(Request request, List<Row> rows) {
        Row row = rows.stream()
                .filter(each -> each.isOf(request.occurrence()))
                .findFirst()
                .orElse(null);
        if (row == null || !request.isFrom(row)) {
            return Completion.SUPERSEDED;
        }
        boolean neverBegan = row.entry().state() == RunState.ABANDONED && request.state() == RunState.RELEASED;
        if (row.isRunning() || neverBegan) {
            return null;
        }
        return row.entry().state() == request.state() ? Completion.NOTED : Completion.SUPERSEDED;
    }

    Completion completeIn(Connection connection, Lease claim) throws SQLException {
        Occurrence occurrence = Occurrence.of(claim.identity());
        try (PreparedStatement update = connection.prepareStatement(statements.complete())) {
            Parameters.of(update)
                    .text(namespace)
                    .text(occurrence.key())
                    .flag(occurrence.repeats())
                    .text(claim.owner().value())
                    .number(claim.token().value());
            return update.executeUpdate() == 1 ? Completion.NOTED : Completion.SUPERSEDED;
        }
    }
}
