package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.ops.ServerHealth;
import io.hapax.time.DurationText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * What operators ask of leases in PostgreSQL. A request to take a lease away, or to let an occurrence run again, names what is there now:
 * what is carried out late must not do it to a later one. Thread-safe.
 */
record PostgresAdmin(Questions questions, LeaseStatements statements, String namespace, String channel)
        implements LeaseAdmin {

    @Override
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        LeaseKey key = LeaseKey.of(identity);
        return questions.ask(
                "look up a lease",
                connection -> find(connection, key, isWhole(key)).map(LeaseRow::holder));
    }

    private static boolean isWhole(LeaseKey key) {
        return key.slot() == 0;
    }

    private Optional<LeaseRow> find(Connection connection, LeaseKey key, boolean orAnySlot) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(statements.holder())) {
            Parameters.of(query)
                    .text(key.text())
                    .text(namespace)
                    .flag(key.onRun())
                    .number(key.slot())
                    .flag(orAnySlot);
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? Optional.of(LeaseRow.read(row)) : Optional.empty();
            }
        }
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        LeaseKey key = LeaseKey.of(identity);
        return questions.ask("take a lease away", connection -> {
            OwnerId owner = find(connection, key, false)
                    .map(lease -> lease.holder().owner())
                    .orElse(null);
            return takeAway(connection, key, owner, key.subject(), why);
        });
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        String subject = (lease.onRunKey() ? "run " : "lock ") + lease.name();
        return questions.ask("take a lease away", connection -> {
            for (LeaseKey key : LeaseKey.of(lease)) {
                Optional<Holder> taken =
                        takeAway(connection, key, lease.holder().owner(), subject, why);
                if (taken.isPresent()) {
                    return taken;
                }
            }
            return Optional.empty();
        });
    }

    private Optional<Holder> takeAway(
            Connection connection, LeaseKey key, @Nullable OwnerId owner, String subject, Intervention why)
            throws SQLException {
        try (PreparedStatement call = connection.prepareStatement(statements.force())) {
            Parameters.of(call)
                    .text(namespace)
                    .text(channel)
                    .flag(key.onRun())
                    .text(key.text())
                    .whole(key.slot())
                    .text(owner == null ? null : owner.value())
                    .text(subject)
                    .text(why.actor())
                    .text(why.reason());
            try (ResultSet row = call.executeQuery()) {
                return row.next() ? Optional.of(LeaseRow.holder(row, "since")) : Optional.empty();
            }
        }
    }

    @Override
    public CompletionStage<List<HeldLease>> leases(int atMost) {
        return questions.ask("look through the leases", connection -> {
            List<HeldLease> found = new ArrayList<>();
            try (PreparedStatement query = questions.bounded(connection.prepareStatement(statements.leases()))) {
                Parameters.of(query).text(namespace).number(atMost);
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        found.add(LeaseRow.read(rows).heldLease());
                    }
                }
            }
            return found;
        });
    }

    @Override
    public CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
        HeldLease.SlotName slot = onRunKey ? null : HeldLease.SlotName.of(name);
        return questions.ask("look up a lease", connection -> {
            LeaseKey key = new LeaseKey(onRunKey, name, 0, 1);
            Optional<LeaseRow> found = find(connection, key, false);
            if (found.isEmpty() && slot != null) {
                found = find(connection, new LeaseKey(false, slot.key(), slot.number(), slot.number()), false);
            }
            if (found.isEmpty() && !onRunKey) {
                found = find(connection, key, true);
            }
            return found.map(LeaseRow::heldLease);
        });
    }

    @Override
    public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
        DurationText.requireStorable("the length of a pause", atMost, 1);
        LeaseKey key = LeaseKey.of(identity).whole();
        return questions
                .ask("pause a key", connection -> {
                    try (PreparedStatement insert = connection.prepareStatement(statements.pause())) {
                        Parameters.of(insert)
                                .text(namespace)
                                .flag(key.onRun())
                                .text(key.text())
                                .text(why.actor())
                                .text(why.reason())
                                .number(atMost.toMillis())
                                .text(key.subject());
                        return insert.executeUpdate();
                    }
                })
                .thenAccept(paused -> {});
    }

    @Override
    public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
        LeaseKey key = LeaseKey.of(identity).whole();
        return questions.ask("resume a key", connection -> {
            try (PreparedStatement delete = connection.prepareStatement(statements.resume())) {
                Parameters.of(delete)
                        .text(key.text())
                        .text(namespace)
                        .flag(key.onRun())
                        .text(key.subject())
                        .text(why.actor())
                        .text(why.reason());
                return delete.executeUpdate() == 1;
            }
        });
    }

    @Override
    public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
        LeaseKey key = LeaseKey.of(identity).whole();
        return questions.ask("look up a pause", connection -> {
            try (PreparedStatement query = connection.prepareStatement(statements.paused())) {
                Parameters.of(query).text(key.text()).text(namespace).flag(key.onRun());
                try (ResultSet row = query.executeQuery()) {
                    return row.next()
                            ? Optional.of(LeaseExchange.pause(row, "since", "actor", "reason"))
                            : Optional.empty();
                }
            }
        });
    }

    @Override
    public CompletionStage<List<PausedKey>> pauses(int atMost) {
        return questions.ask("list the pauses", connection -> {
            List<PausedKey> found = new ArrayList<>();
            try (PreparedStatement query = questions.bounded(connection.prepareStatement(statements.pauses()))) {
                Parameters.of(query).text(namespace).number(atMost);
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        found.add(new PausedKey(
                                rows.getString("key"),
                                rows.getBoolean("on_run"),
                                LeaseExchange.pause(rows, "since", "actor", "reason")));
                    }
                }
            }
            return found;
        });
    }

    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, Intervention why) {
        RunKey run = identity.runKey();
        if (run == null) {
            throw new IllegalArgumentException("only what has a run key can be over: " + identity);
        }
        return questions.ask("let an occurrence run again", connection -> {
            Optional<FencingToken> seen = marker(connection, run);
            return seen.isPresent() && forget(connection, run, seen.get(), why);
        });
    }

    private Optional<FencingToken> marker(Connection connection, RunKey run) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(statements.marker())) {
            Parameters.of(query).text(run.value()).text(namespace);
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? Optional.of(new FencingToken(row.getLong(1))) : Optional.empty();
            }
        }
    }

    private boolean forget(Connection connection, RunKey run, FencingToken seen, Intervention why) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(statements.runAgain())) {
            Parameters.of(delete)
                    .text(run.value())
                    .text(namespace)
                    .number(seen.value())
                    .text("run " + run)
                    .text(why.actor())
                    .text(why.reason());
            return delete.executeUpdate() == 1;
        }
    }

    @Override
    public CompletionStage<List<PastRun>> history(String job, int atMost) {
        return questions.ask("read the history of a job", connection -> {
            List<PastRun> runs = new ArrayList<>();
            try (PreparedStatement query = questions.bounded(connection.prepareStatement(statements.history()))) {
                Parameters.of(query).text(job).text(namespace).number(Math.min(atMost, HISTORY_LENGTH));
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        Holder holder = LeaseRow.holder(rows, "since");
                        String outcome = rows.getString("outcome");
                        runs.add(new PastRun(
                                holder.owner(),
                                holder.token(),
                                holder.worker(),
                                holder.run(),
                                holder.since(),
                                Objects.requireNonNull(Row.instant(rows, "ended_at")),
                                outcome == null ? null : OccurrenceOutcome.valueOf(outcome)));
                    }
                }
            }
            return runs;
        });
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return questions.ask("read the audit", connection -> {
            List<AuditEntry> entries = new ArrayList<>();
            try (PreparedStatement query = questions.bounded(connection.prepareStatement(statements.audit()))) {
                Parameters.of(query).text(namespace).number(atMost);
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        entries.add(new AuditEntry(
                                Objects.requireNonNull(Row.instant(rows, "at")),
                                rows.getString("action"),
                                rows.getString("subject"),
                                Intervention.stored(rows.getString("actor"), rows.getString("reason")),
                                rows.getString("holder")));
                    }
                }
            }
            return entries;
        });
    }

    private static String messageOf(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return String.valueOf(cause == null ? failure.getMessage() : cause.getMessage());
    }

    @Override
    public CompletionStage<List<ServerHealth>> servers() {
        long asked = System.nanoTime();
        return questions
                .ask("ask the server how it is", connection -> {
                    try (Statement sql = connection.createStatement();
                            ResultSet row = sql.executeQuery(statements.health())) {
                        row.next();
                        boolean standby = row.getBoolean(2);
                        return new ServerHealth(
                                "PostgreSQL, database " + row.getString(3),
                                !standby,
                                Duration.ofNanos(System.nanoTime() - asked),
                                standby
                                        ? "a read-only standby: connect to the primary"
                                        : "PostgreSQL " + row.getString(1) + ", primary");
                    }
                })
                .exceptionally(failure -> new ServerHealth("PostgreSQL", false, Duration.ZERO, messageOf(failure)))
                .thenApply(List::of);
    }
}
