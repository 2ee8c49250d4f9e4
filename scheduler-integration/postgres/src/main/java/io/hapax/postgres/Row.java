package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Slot;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A row of {@code hapax_run} with its renewal, as {@link Statements#lookUp} reads it.
 *
 * @param occurrence what it is about
 * @param entry what it says
 * @param alive whether its deadline has not passed
 * @param left how long until then, at least zero
 */
record Row(Occurrence occurrence, LedgerEntry entry, boolean alive, Duration left) {

    static Row read(ResultSet rows) throws SQLException {
        Occurrence occurrence = new Occurrence(
                rows.getString("occurrence"),
                rows.getBoolean("repeats"),
                rows.getString("lock_key"),
                new Slot(rows.getInt("slot"), rows.getInt("slot_limit")));
        LedgerEntry entry = new LedgerEntry(
                occurrence.identity(),
                RunState.valueOf(rows.getString("state")),
                new OwnerId(rows.getString("owner")),
                new FencingToken(rows.getLong("fencing_token")),
                rows.getInt("attempt"),
                rows.getString("worker"),
                AfterCrash.valueOf(rows.getString("after_crash")),
                Objects.requireNonNull(instant(rows, "started_at")),
                instant(rows, "began_at"),
                instant(rows, "renewed_at"),
                Objects.requireNonNull(instant(rows, "deadline")),
                instant(rows, "finished_at"));
        return new Row(occurrence, entry, rows.getBoolean("alive"), Duration.ofMillis(rows.getLong("left_ms")));
    }

    static @Nullable Instant instant(ResultSet rows, String column) throws SQLException {
        OffsetDateTime time = rows.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    boolean isOf(Occurrence other) {
        return occurrence.key().equals(other.key()) && occurrence.repeats() == other.repeats();
    }

    boolean belongsTo(Lease claim) {
        return entry.owner().equals(claim.owner()) && entry.token().equals(claim.token());
    }

    boolean isRunning() {
        return entry.state() == RunState.RUNNING;
    }

    /** Whether its run, if it crashed, is left for a person. */
    boolean mustNotBeRepeated() {
        return entry.afterCrash() == AfterCrash.ABANDON && entry.began() != null;
    }

    Holder holder() {
        Instant finished = entry.finished();
        return new Holder(
                entry.owner(),
                entry.token(),
                entry.worker(),
                occurrence.repeats() ? "" : occurrence.key(),
                finished == null ? entry.started() : finished);
    }
}
