package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
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

/** A row of {@code hapax_run} with its renewal, as {@link Statements#lookUp} reads it. */
record Row(
        Occurrence occurrence,
        RunState state,
        OwnerId owner,
        FencingToken token,
        int attempt,
        String worker,
        AfterCrash afterCrash,
        Instant started,
        @Nullable Instant renewed,
        Instant deadline,
        @Nullable Instant finished,
        boolean alive,
        Duration left) {

    static Row read(ResultSet rows) throws SQLException {
        return new Row(
                new Occurrence(rows.getString("occurrence"), rows.getBoolean("repeats"), rows.getString("lock_key")),
                RunState.valueOf(rows.getString("state")),
                new OwnerId(rows.getString("owner")),
                new FencingToken(rows.getLong("fencing_token")),
                rows.getInt("attempt"),
                rows.getString("worker"),
                AfterCrash.valueOf(rows.getString("after_crash")),
                Objects.requireNonNull(instant(rows, "started_at")),
                instant(rows, "renewed_at"),
                Objects.requireNonNull(instant(rows, "deadline")),
                instant(rows, "finished_at"),
                rows.getBoolean("alive"),
                Duration.ofMillis(rows.getLong("left_ms")));
    }

    static @Nullable Instant instant(ResultSet rows, String column) throws SQLException {
        OffsetDateTime time = rows.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    boolean isOf(Occurrence other) {
        return occurrence.key().equals(other.key()) && occurrence.repeats() == other.repeats();
    }

    boolean belongsTo(Lease claim) {
        return owner.equals(claim.owner()) && token.equals(claim.token());
    }

    boolean isRunning() {
        return state == RunState.RUNNING;
    }

    Holder holder() {
        return new Holder(
                owner,
                token,
                worker,
                occurrence.repeats() ? "" : occurrence.key(),
                finished == null ? started : finished);
    }

    LedgerEntry entry() {
        return new LedgerEntry(
                occurrence.identity(),
                state,
                owner,
                token,
                attempt,
                worker,
                afterCrash,
                started,
                renewed,
                deadline,
                finished);
    }
}
