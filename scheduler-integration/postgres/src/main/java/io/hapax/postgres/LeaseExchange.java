package io.hapax.postgres;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Gives leases out and takes them back: all that a process asks at once with one statement, which is a transaction of its own.
 *
 * @param patience how long a call waits for what others have locked
 */
record LeaseExchange(LeaseStatements statements, String namespace, String channel, Duration patience) {

    /**
     * What is asked of one lease.
     *
     * @param what {@code ACQUIRE}, {@code WAIT} or {@code RELEASE}
     * @param token of the lease that is given back; null for any of its owner's
     */
    record Ask(
            String what,
            JobIdentity identity,
            OwnerId owner,
            @Nullable FencingToken token,
            String worker,
            Duration ttl,
            Ending ending) {

        static Ask of(LeaseRequest request) {
            return new Ask(
                    request.waiting() ? "WAIT" : "ACQUIRE",
                    request.identity(),
                    request.owner(),
                    null,
                    request.worker(),
                    request.ttl(),
                    Ending.NOT_DONE);
        }

        static Ask toRelease(Lease lease, Ending ending) {
            return new Ask(
                    "RELEASE", lease.identity(), lease.owner(), lease.token(), lease.worker(), lease.ttl(), ending);
        }

        static Ask toWithdraw(LeaseRequest request) {
            return new Ask(
                    "RELEASE",
                    request.identity(),
                    request.owner(),
                    null,
                    request.worker(),
                    request.ttl(),
                    Ending.NOT_DONE);
        }

        LeaseKey key() {
            return LeaseKey.of(identity);
        }

        @Nullable
        String outcome() {
            OccurrenceOutcome outcome = ending.outcome();
            // What was noted with another lease of the run is there: all is in one place.
            return outcome == null || ending.again() ? null : outcome.name();
        }
    }

    /**
     * What the database tells.
     *
     * @param released whether a lease was given back
     * @param acquisition whether one was taken; null if none was asked for
     */
    record Answer(boolean released, @Nullable Acquisition acquisition) {}

    List<@Nullable Answer> carryOut(Connection connection, List<Ask> asks) throws SQLException {
        List<@Nullable Answer> answers = new ArrayList<>(asks.size());
        List<LeaseKey> keys = asks.stream().map(Ask::key).toList();
        try (PreparedStatement call = connection.prepareStatement(statements.exchange())) {
            Parameters.of(call)
                    .text(namespace)
                    .number(patience.toMillis())
                    .text(channel)
                    .texts(column(asks, Ask::what))
                    .flags(column(keys, LeaseKey::onRun))
                    .texts(column(keys, LeaseKey::text))
                    .numbers(column(keys, key -> (long) key.slot()))
                    .numbers(column(keys, key -> (long) key.limit()))
                    .texts(column(asks, ask -> ask.owner().value()))
                    .numbers(column(
                            asks,
                            ask -> ask.token() == null ? null : ask.token().value()))
                    .numbers(column(asks, ask -> ask.ttl().toMillis()))
                    .texts(column(
                            asks, ask -> ask.identity().run().map(RunKey::value).orElse(null)))
                    .texts(column(asks, Ask::worker))
                    .texts(column(asks, Ask::outcome))
                    .numbers(column(asks, ask -> ask.ending().retention().toMillis()))
                    .texts(column(asks, ask -> ask.ending().job()));
            try (ResultSet rows = call.executeQuery()) {
                while (rows.next()) {
                    answers.add(answer(rows, asks.get((int) rows.getLong("n") - 1)));
                }
            }
        }
        return answers;
    }

    static <T> @Nullable Object[] column(List<T> rows, Function<T, @Nullable Object> value) {
        @Nullable Object[] column = new @Nullable Object[rows.size()];
        for (int n = 0; n < column.length; n++) {
            column[n] = value.apply(rows.get(n));
        }
        return column;
    }

    private static Answer answer(ResultSet row, Ask ask) throws SQLException {
        String answer = row.getString("answer");
        return switch (answer) {
            case "RELEASED" -> new Answer(true, null);
            case "LOST" -> new Answer(false, null);
            case "GRANTED" -> new Answer(false, granted(row, ask));
            case "HELD" -> new Answer(false, held(row, ask));
            case "PAUSED" -> new Answer(false, new Acquisition.Paused(pause(row, "at", "worker", "run_key")));
            case "DONE_DONE" ->
                new Answer(false, new Acquisition.Done(LeaseRow.holder(row, "at"), OccurrenceOutcome.DONE));
            case "DONE_FAILED" ->
                new Answer(false, new Acquisition.Done(LeaseRow.holder(row, "at"), OccurrenceOutcome.FAILED));
            default -> throw new IllegalStateException("an unknown answer of the database: " + answer);
        };
    }

    private static Acquisition granted(ResultSet row, Ask ask) throws SQLException {
        return new Acquisition.Granted(new Lease(
                ask.identity(),
                ask.owner(),
                new FencingToken(row.getLong("fencing_token")),
                ask.worker(),
                ask.ttl(),
                Objects.requireNonNull(Row.instant(row, "at"))));
    }

    private static Acquisition held(ResultSet row, Ask ask) throws SQLException {
        Holder holder = LeaseRow.holder(row, "at");
        String run = row.getString("run_key");
        boolean sameRun = run != null
                && ask.identity().run().map(RunKey::value).filter(run::equals).isPresent();
        Duration left = Duration.ofMillis(row.getLong("left_ms"));
        int slot = row.getInt("slot");
        if (slot == 0 && ask.key().slot() == 0) {
            return new Acquisition.Held(holder, sameRun, left);
        }
        Slot taken = slot == 0 ? Slot.WHOLE : new Slot(slot, row.getInt("slot_limit"));
        return new Acquisition.Held(holder, sameRun, left, taken, row.getInt("next_slot"), row.getInt("awaited"));
    }

    static KeyPause pause(ResultSet row, String since, String actor, String reason) throws SQLException {
        return new KeyPause(
                Intervention.stored(row.getString(actor), row.getString(reason)),
                Objects.requireNonNull(Row.instant(row, since)),
                Duration.ofMillis(row.getLong("left_ms")));
    }
}
