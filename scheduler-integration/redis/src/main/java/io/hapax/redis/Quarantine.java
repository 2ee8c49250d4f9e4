package io.hapax.redis;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long a server grants nothing, as the longest ttl of the namespace wants. That is this worker's own, or a longer one that other
 * workers have agreed on. Thread-safe.
 */
final class Quarantine {

    /** What two clocks that count the same ttl may differ by at most, beyond a tenth of it. */
    private static final long MARGIN_MILLIS = 1000;

    private final Duration answerTimeout;
    private final FirstStart first;
    private final boolean replicas;
    private final Object lock = new Object();
    private volatile Lengths lengths;

    /**
     * How long it lasts.
     *
     * @param longestTtl of any worker
     * @param newcomers in ms, if it knows nothing of the namespace, and neither does the caller: until live holders, which renew
     *     at a third of their ttl, have shown themselves
     * @param whenLost in ms, if it has certainly, or possibly, forgotten leases: until the longest of them has run out
     */
    private record Lengths(Duration longestTtl, String newcomers, String whenLost) {}

    private Quarantine(Duration longestTtl, Duration answerTimeout, FirstStart first, boolean replicas) {
        this.answerTimeout = answerTimeout;
        this.first = first;
        this.replicas = replicas;
        this.lengths = lengths(longestTtl);
    }

    static Quarantine of(Duration longestTtl, Duration answerTimeout, FirstStart first, boolean replicas) {
        return new Quarantine(longestTtl, answerTimeout, first, replicas);
    }

    /**
     * With replicas, twice the ttl: a master that hangs while its replica is promoted carries out the renewals that had
     * piled up before it notices that it is master no more, so a holder may live for two ttl from the promotion.
     */
    private Lengths lengths(Duration longestTtl) {
        long longest = longestTtl.toMillis();
        long newcomers = longest / 3 + 2 * answerTimeout.toMillis();
        long whenLost = longest * (replicas ? 22 : 11) / 10 + MARGIN_MILLIS;
        return new Lengths(longestTtl, Long.toString(newcomers), Long.toString(whenLost));
    }

    /** The longest ttl of any worker of the namespace, as far as this worker knows. */
    Duration longestTtl() {
        return lengths.longestTtl();
    }

    /**
     * Takes a longer ttl of other workers into account from now on.
     *
     * @return the one that counted before; null if it is not longer
     */
    @Nullable
    Duration raise(Duration longestTtl) {
        synchronized (lock) {
            Duration before = lengths.longestTtl();
            if (longestTtl.compareTo(before) <= 0) {
                return null;
            }
            lengths = lengths(longestTtl);
            return before;
        }
    }

    /** As of now, in ms. */
    String whenNew() {
        return first.counts() ? "0" : lengths.newcomers();
    }

    String whenLost() {
        return lengths.whenLost();
    }

    Duration longest() {
        return Duration.ofMillis(Long.parseLong(whenLost()));
    }

    /** What the script's word for the reason means, in plain text. */
    static String reason(String why) {
        return switch (why) {
            case "restarted" ->
                "Redis was restarted or failed over: waiting until every lease it may have forgotten has run out";
            case "emptied" -> "Redis was emptied: waiting until every lease it has forgotten has run out";
            case "set back" -> "the clock of Redis was set back: waiting until every lease of before has run out";
            case "replaced" ->
                "the settings of this namespace were replaced: waiting until every lease under the old ones has run out";
            default ->
                "this namespace is new here, or its Redis was emptied: waiting for live holders to show themselves";
        };
    }
}
