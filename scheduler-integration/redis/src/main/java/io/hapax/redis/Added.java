package io.hapax.redis;

import io.hapax.lease.Ending;
import io.hapax.lease.OccurrenceOutcome;
import java.util.Objects;

/**
 * What a lease or done marker says beyond the six parts of format 1: {@code |format|name=value|name=value...}. Immutable.
 *
 * <p>The format is the lowest one that understands the value rightly. Whoever has a lower one refuses it by that number; whoever
 * has this or a higher one leaves out the names that it does not know. So a later version writes what an earlier one can do
 * without under the earlier one's number, and what must not be overlooked under its own. What says nothing more has six parts.
 *
 * @param outcome of a marker: how the occurrence ended
 */
record Added(OccurrenceOutcome outcome) {

    /** The highest that this version writes and reads; it runs beside workers of the one before. */
    static final int FORMAT = 2;

    /** The first, of six parts. */
    static final int FIRST_FORMAT = 1;

    static final Added NOTHING = new Added(OccurrenceOutcome.DONE);

    private static final String OUTCOME = "outcome=";

    /** Of a marker. */
    static Added of(Ending ending) {
        return new Added(Objects.requireNonNullElse(ending.outcome(), OccurrenceOutcome.DONE));
    }

    /**
     * Reads the parts behind the format.
     *
     * @throws IllegalArgumentException if a part that is known has a value that is not
     */
    static Added parse(String parts) {
        OccurrenceOutcome outcome = OccurrenceOutcome.DONE;
        for (String part : parts.split("\\|", -1)) {
            if (part.startsWith(OUTCOME)) {
                outcome = OccurrenceOutcome.valueOf(part.substring(OUTCOME.length()));
            }
        }
        return new Added(outcome);
    }

    /** What of it is written in a namespace that is kept in this format. */
    Added in(int format) {
        return format < FORMAT ? NOTHING : this;
    }

    /** As it stands behind the six parts. */
    @Override
    public String toString() {
        return outcome == OccurrenceOutcome.DONE ? "" : "|2|" + OUTCOME + outcome;
    }
}
