package io.hapax;

import io.hapax.time.NanoTime;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The instants of a lease, all derived from its ttl.
 *
 * <p>A lease counts as valid for 90 % of its ttl less 2 ms, from before the request was sent: both clocks may be slewed,
 * and the server's count starts later. The run is notified {@code grace} before that, so that it can stop in time.
 *
 * <p>All are computed once: runs ask for them several times, each renewal too. Immutable.
 */
final class LeaseTiming {

    private static final Duration EPSILON = Duration.ofMillis(2);
    private static final Duration LONGEST_GRACE = Duration.ofSeconds(2);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(1);

    /** The one that was made last: most runs have the same ttl, and those that are held need not have one each. */
    private static volatile @Nullable LeaseTiming last;

    private final Duration ttl;
    private final Duration validity;
    private final Duration grace;
    private final Duration revokedAfter;
    private final Duration lateMargin;
    private final Duration renewEvery;
    private final Duration retryEvery;

    LeaseTiming(Duration ttl) {
        this.ttl = ttl;
        this.validity = part(9, 10).minus(EPSILON);
        this.grace = shorter(part(1, 15), LONGEST_GRACE);
        this.revokedAfter = validity.minus(grace);
        this.lateMargin = validity.dividedBy(2);
        this.renewEvery = part(1, 3);
        this.retryEvery = shorter(part(1, 30), LONGEST_RETRY);
    }

    private static LeaseTiming of(Duration ttl) {
        LeaseTiming known = last;
        if (known == null || !known.ttl.equals(ttl)) {
            known = new LeaseTiming(ttl);
            last = known;
        }
        return known;
    }

    /** Refuses a ttl in which a failed renewal could not be repeated before the run has to be notified. */
    static LeaseTiming checked(Duration ttl, Duration answerTimeout) {
        LeaseTiming timing = of(ttl);
        Duration needed = timing.part(11, 30).plus(answerTimeout).plus(answerTimeout);
        if (needed.compareTo(timing.validity().minus(timing.grace())) > 0) {
            Duration shortest = answerTimeout.multipliedBy(5);
            throw new IllegalArgumentException("a ttl of " + ttl + " is too short for a store that may take "
                    + answerTimeout
                    + " to answer: a renewal could not be tried twice before the lease is lost. Use a ttl of at least "
                    + shortest + " or a shorter answer timeout");
        }
        return timing;
    }

    Duration ttl() {
        return ttl;
    }

    Duration validity() {
        return validity;
    }

    Duration grace() {
        return grace;
    }

    /** A renewal that leaves less of the validity is late. */
    Duration lateMargin() {
        return lateMargin;
    }

    Duration renewEvery() {
        return renewEvery;
    }

    Duration retryEvery() {
        return retryEvery;
    }

    NanoTime validUntil(NanoTime sentAt) {
        return sentAt.plus(validity);
    }

    NanoTime revokeAt(NanoTime sentAt) {
        return sentAt.plus(revokedAfter);
    }

    /** Duration's own arithmetic goes through BigDecimal. */
    private Duration part(long numerator, long denominator) {
        return Duration.ofNanos(Math.multiplyExact(ttl.toNanos(), numerator) / denominator);
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
