package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Lease;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunState;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Claims occurrences.
 *
 * <p>One call claims what is free, for a whole batch. For the others a second one tells what is in the way. Only a
 * run that crashed is taken over, in a transaction of its own that first locks the rows it will change: so it waits for
 * nobody, and what it reads afterwards can no longer change.
 */
record Claims(Database database, Statements statements, Lookup lookup, String namespace) {

    List<@Nullable Claim> claim(Connection connection, List<ClaimRequest> requests) throws SQLException {
        Map<OwnerId, Claim> claimed = claimFreeUnlessTaken(connection, requests);
        List<@Nullable Claim> answers = new ArrayList<>();
        requests.forEach(request -> answers.add(claimed.get(request.owner())));
        if (claimed.size() < requests.size()) {
            explain(connection, requests, answers);
        }
        return answers;
    }

    /** A statement that had to wait at the gate does not see who was faster; the unique index on the lock key does. */
    private Map<OwnerId, Claim> claimFreeUnlessTaken(Connection connection, List<ClaimRequest> requests)
            throws SQLException {
        try {
            return claimFree(connection, requests);
        } catch (SQLException e) {
            if (requests.size() == 1 && DatabaseTrouble.isUniqueViolation(e)) {
                database.afterFailure(connection);
                return Map.of();
            }
            throw e;
        }
    }

    private Map<OwnerId, Claim> claimFree(Connection connection, List<ClaimRequest> requests) throws SQLException {
        Map<OwnerId, ClaimRequest> byOwner = new HashMap<>();
        requests.forEach(request -> byOwner.put(request.owner(), request));
        Map<OwnerId, Claim> claimed = new HashMap<>();
        try (PreparedStatement insert = connection.prepareStatement(statements.claim())) {
            parameters(insert, requests);
            insert.execute();
            // The first answer is the gate's.
            insert.getMoreResults();
            try (ResultSet rows = insert.getResultSet()) {
                while (rows.next()) {
                    OwnerId owner = new OwnerId(rows.getString("owner"));
                    ClaimRequest request = Objects.requireNonNull(byOwner.get(owner));
                    claimed.put(
                            owner,
                            claimed(
                                    request,
                                    rows.getLong("fencing_token"),
                                    rows.getInt("attempt"),
                                    Objects.requireNonNull(Row.instant(rows, "started_at"))));
                }
            }
        }
        return claimed;
    }

    private void parameters(PreparedStatement insert, List<ClaimRequest> requests) throws SQLException {
        List<Occurrence> occurrences = occurrences(requests);
        Parameters.of(insert)
                .text(namespace)
                .texts(occurrences.stream().map(Occurrence::gate).toArray())
                .text(namespace)
                .text(namespace)
                .text(namespace)
                .texts(occurrences.stream().map(Occurrence::key).toArray())
                .flags(occurrences.stream().map(Occurrence::repeats).toArray())
                .texts(occurrences.stream().map(Occurrence::lockKey).toArray())
                .texts(requests.stream().map(request -> request.owner().value()).toArray())
                .texts(requests.stream().map(ClaimRequest::worker).toArray())
                .texts(requests.stream()
                        .map(request -> request.afterCrash().name())
                        .toArray())
                .numbers(requests.stream()
                        .map(request -> request.ttl().toMillis())
                        .toArray())
                .numbers(requests.stream()
                        .map(request -> request.retention().toMillis())
                        .toArray())
                .numbers(requests.stream()
                        .map(request ->
                                request.seen() == null ? null : request.seen().value())
                        .toArray())
                .numbers(occurrences.stream()
                        .map(each -> (long) each.slot().number())
                        .toArray())
                .numbers(occurrences.stream()
                        .map(each -> (long) each.slot().limit())
                        .toArray())
                .text(namespace)
                .text(namespace);
    }

    private static List<Occurrence> occurrences(List<ClaimRequest> requests) {
        return requests.stream()
                .map(request -> Occurrence.of(request.identity()))
                .toList();
    }

    private static Claim claimed(ClaimRequest request, long token, int attempt, Instant since) {
        return new Claim.Claimed(
                new Lease(
                        request.identity(),
                        request.owner(),
                        new FencingToken(token),
                        request.worker(),
                        request.ttl(),
                        since),
                attempt);
    }

    private void explain(Connection connection, List<ClaimRequest> requests, List<@Nullable Claim> answers)
            throws SQLException {
        List<Integer> open = new ArrayList<>();
        for (int n = 0; n < answers.size(); n++) {
            if (answers.get(n) == null) {
                open.add(n);
            }
        }
        List<List<Row>> found = lookup.rows(
                connection, occurrences(open.stream().map(requests::get).toList()));
        for (int n = 0; n < open.size(); n++) {
            ClaimRequest request = requests.get(open.get(n));
            Claim answer = refusal(request, found.get(n));
            answers.set(open.get(n), answer != null ? answer : takeOver(connection, request, found.get(n)));
        }
    }

    /** What the rows in the way say, or null if nobody who is alive holds the place. */
    private static @Nullable Claim refusal(ClaimRequest request, List<Row> rows) {
        Occurrence wanted = Occurrence.of(request.identity());
        for (Row row : rows) {
            boolean own = row.isOf(wanted);
            if (own && row.entry().owner().equals(request.owner())) {
                // A lost reply; what has ended stays ended.
                return row.isRunning()
                        ? claimed(
                                request,
                                row.entry().token().value(),
                                row.entry().attempt(),
                                row.entry().started())
                        : ended(row);
            }
            if (own
                    && (row.entry().state() == RunState.ABANDONED
                            || row.entry().state() == RunState.FAILED_FOR_GOOD
                            || (row.entry().state() == RunState.DONE && !wanted.repeats()))) {
                return ended(row);
            }
            if (row.isRunning() && row.alive()) {
                return heldBy(request, List.of(row));
            }
        }
        return null;
    }

    private static Claim ended(Row row) {
        return switch (row.entry().state()) {
            case DONE -> new Claim.Done(row.holder(), OccurrenceOutcome.DONE);
            case FAILED_FOR_GOOD -> new Claim.Done(row.holder(), OccurrenceOutcome.FAILED);
            case ABANDONED -> new Claim.Abandoned(row.holder());
            default -> new Claim.Held(row.holder(), !row.occurrence().repeats(), row.left());
        };
    }

    private @Nullable Claim takeOver(Connection connection, ClaimRequest request, List<Row> inTheWay)
            throws SQLException {
        try {
            return database.<Optional<Claim>>inTransaction(
                            connection, locked -> Optional.ofNullable(takeOverLocked(locked, request)))
                    .orElse(null);
        } catch (SQLException e) {
            if (DatabaseTrouble.isLocked(e)) {
                // Its holder is ending it at this very moment, or stopped while it did. Without a holder: try again.
                return heldBy(request, inTheWay);
            }
            throw e;
        }
    }

    private static @Nullable Claim heldBy(ClaimRequest request, List<Row> inTheWay) {
        Occurrence wanted = Occurrence.of(request.identity());
        for (Row row : inTheWay) {
            if (row.isRunning()) {
                return new Claim.Held(row.holder(), row.isOf(wanted) && !wanted.repeats(), row.left());
            }
        }
        return null;
    }

    /** Null if somebody else was faster in a way that a further try will see. */
    private @Nullable Claim takeOverLocked(Connection connection, ClaimRequest request) throws SQLException {
        Occurrence wanted = Occurrence.of(request.identity());
        try (PreparedStatement gate = connection.prepareStatement(statements.gate())) {
            Parameters.of(gate).text(namespace).text(wanted.gate());
            gate.execute();
        }
        try (PreparedStatement lock = connection.prepareStatement(statements.lock())) {
            Parameters.of(lock)
                    .text(namespace)
                    .text(wanted.key())
                    .flag(wanted.repeats())
                    .text(wanted.lockKey() == null ? "" : wanted.lockKey())
                    .number(wanted.slot().number())
                    .number(wanted.slot().limit())
                    .number(wanted.slot().number());
            lock.execute();
        }
        List<Row> rows = lookup.rows(connection, List.of(wanted)).get(0);
        Claim refusal = refusal(request, rows);
        if (refusal != null) {
            return refusal;
        }
        Row abandoned = null;
        for (Row row : rows) {
            if (row.isRunning()) {
                breakOff(connection, row);
                abandoned = row.isOf(wanted) && row.mustNotBeRepeated() ? row : abandoned;
            }
        }
        return abandoned != null
                ? new Claim.Abandoned(abandoned.holder())
                : claimFree(connection, List.of(request)).get(request.owner());
    }

    private void breakOff(Connection connection, Row row) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(statements.breakOff())) {
            Parameters.of(update)
                    .text(namespace)
                    .text(row.occurrence().key())
                    .flag(row.occurrence().repeats());
            update.executeUpdate();
        }
    }
}
