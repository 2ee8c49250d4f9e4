package io.hapax;

import io.hapax.time.NanoTime;
import java.time.Duration;

/**
 * The instants of a lease, all derived from its ttl.
 *
 * <p>A lease counts as valid for 90 % of its ttl less 2 ms, from before the request was sent: both clocks may be slewed,
 * and the server's count starts later. The run is notified {@code grace} before that, so that it can stop in time.
 */
record LeaseTiming(Duration ttl) {

    private static final Duration EPSILON = Duration.ofMillis(2);
    private static final Duration LONGEST_GRACE = Duration.ofSeconds(2);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(1);

    /** Refuses a ttl in which a failed renewal could not be repeated before the run has to be notified. */
    static LeaseTiming checked(Duration ttl, Duration answerTimeout) {
        LeaseTiming timing = new LeaseTiming(ttl);
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

    Duration validity() {
        return part(9, 10).minus(EPSILON);
    }

    Duration grace() {
        return shorter(part(1, 15), LONGEST_GRACE);
    }

    Duration renewEvery() {
        return part(1, 3);
    }

    Duration retryEvery() {
        return shorter(part(1, 30), LONGEST_RETRY);
    }

    NanoTime validUntil(NanoTime sentAt) {
        return sentAt.plus(validity());
    }

    NanoTime revokeAt(NanoTime sentAt) {
        return sentAt.plus(validity().minus(grace()));
    }

    /** Every run asks for these several times, and Duration's own arithmetic goes through BigDecimal. */
    private Duration part(long numerator, long denominator) {
        return Duration.ofNanos(Math.multiplyExact(ttl.toNanos(), numerator) / denominator);
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
