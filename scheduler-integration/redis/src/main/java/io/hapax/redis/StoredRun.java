package io.hapax.redis;

import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.ops.PastRun;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A run in the history of its job, as Redis keeps it: {@code ended|owner|token|since|outcome|worker|run}. A later version may
 * append parts, which this one leaves out; a line that it cannot read is left out as well.
 */
final class StoredRun {

    private static final Pattern FORM = Pattern.compile(
            "(\\d{1,17})\\|([A-Za-z0-9_-]{1,64})\\|(\\d{1,17})\\|(\\d{1,17})\\|(\\w+|-)\\|([^|]*)\\|([^|]*)(\\|.*)?");

    private StoredRun() {}

    /** What stands behind owner and token. */
    static String text(Lease lease, Ending ending) {
        OccurrenceOutcome outcome = ending.outcome();
        return StoredLease.micros(lease) + "|" + (outcome == null ? "-" : outcome) + "|"
                + StoredLease.people(lease.worker(), lease.identity());
    }

    static Optional<PastRun> parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new PastRun(
                    new OwnerId(matcher.group(2)),
                    StoredLease.token(matcher.group(3)),
                    matcher.group(6),
                    matcher.group(7),
                    instant(matcher.group(4)),
                    instant(matcher.group(1)),
                    outcome(matcher.group(5))));
        } catch (IllegalArgumentException unknown) {
            return Optional.empty();
        }
    }

    private static @Nullable OccurrenceOutcome outcome(String text) {
        return text.equals("-") ? null : OccurrenceOutcome.valueOf(text);
    }

    private static Instant instant(String micros) {
        return Instant.EPOCH.plus(Long.parseLong(micros), ChronoUnit.MICROS);
    }
}
