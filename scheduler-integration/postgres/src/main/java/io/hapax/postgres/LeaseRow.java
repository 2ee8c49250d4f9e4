package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Slot;
import io.hapax.ops.HeldLease;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;

/**
 * A row of {@code hapax_lease} that lives, as {@link LeaseStatements} reads it.
 *
 * @param key what it is on
 * @param holder who holds it
 * @param left how long it lives unless it is renewed
 * @param awaited whether somebody waits for its key
 */
record LeaseRow(LeaseKey key, Holder holder, Duration left, boolean awaited) {

    static LeaseRow read(ResultSet rows) throws SQLException {
        LeaseKey key = new LeaseKey(
                rows.getBoolean("on_run"), rows.getString("key"), rows.getInt("slot"), rows.getInt("slot_limit"));
        return new LeaseRow(
                key, holder(rows, "since"), Duration.ofMillis(rows.getLong("left_ms")), rows.getBoolean("awaited"));
    }

    static Holder holder(ResultSet row, String time) throws SQLException {
        String run = row.getString("run_key");
        return new Holder(
                new OwnerId(row.getString("owner")),
                new FencingToken(row.getLong("fencing_token")),
                row.getString("worker"),
                run == null ? "" : run,
                Objects.requireNonNull(Row.instant(row, time)));
    }

    HeldLease heldLease() {
        return new HeldLease(
                key.name(),
                key.onRun(),
                holder,
                left,
                awaited,
                key.slot() == 0 ? null : new Slot(key.slot(), key.limit()));
    }
}
