package io.hapax.redis;

import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.Slot;
import java.util.Objects;

/**
 * What a lease or done marker says beyond the six parts of format 1: {@code |format|name=value|name=value...}. Immutable.
 *
 * <p>The format of a value is the lowest one that understands it correctly. A reader of a lower format refuses the value because
 * of that number; a reader of the same or a higher format ignores the names that it does not know. So a later version writes a detail
 * that earlier versions may ignore under the earlier number, and a detail that they must not ignore under its own number. A value
 * without such details has six parts.
 * @param outcome of a marker: how the occurrence ended
 * @param limit of a lease on a slot: how many its holder knew of; 0 of any other
 */
record Added(OccurrenceOutcome outcome, int limit) {

    /** The highest that this version writes and reads; it runs beside workers of the one before. */
    static final int FORMAT = 2;

    /** The first, of six parts. */
    static final int FIRST_FORMAT = 1;

    static final Added NOTHING = new Added(OccurrenceOutcome.DONE, 0);

    private static final String OUTCOME = "outcome=";
    private static final String LIMIT = "limit=";

    /** Of a marker. */
    static Added of(Ending ending) {
        return of(Objects.requireNonNullElse(ending.outcome(), OccurrenceOutcome.DONE));
    }

    static Added of(OccurrenceOutcome outcome) {
        return new Added(outcome, 0);
    }

    /** Of a lease. */
    static Added of(JobIdentity identity) {
        Slot slot = identity.slot();
        return slot == null ? NOTHING : new Added(OccurrenceOutcome.DONE, slot.limit());
    }

    /**
     * Reads the parts behind the format.
     *
     * @throws IllegalArgumentException if a part that is known has a value that is not
     */
    static Added parse(String parts) {
        OccurrenceOutcome outcome = OccurrenceOutcome.DONE;
        int limit = 0;
        for (String part : parts.split("\\|", -1)) {
            if (part.startsWith(OUTCOME)) {
                outcome = OccurrenceOutcome.valueOf(part.substring(OUTCOME.length()));
            } else if (part.startsWith(LIMIT)) {
                limit = Integer.parseInt(part.substring(LIMIT.length()));
            }
        }
        return new Added(outcome, limit);
    }

    /** What of it is written in a namespace that is kept in this format. */
    Added in(int format) {
        return format == FIRST_FORMAT ? NOTHING : this;
    }

    /** As it stands behind the six parts. */
    @Override
    public String toString() {
        String parts = (outcome == OccurrenceOutcome.DONE ? "" : "|" + OUTCOME + outcome)
                + (limit == 0 ? "" : "|" + LIMIT + limit);
        return parts.isEmpty() ? "" : "|2" + parts;
    }
}
