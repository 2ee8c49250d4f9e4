package io.hapax.redis;

import java.time.Duration;

/**
 * How long a server grants nothing.
 *
 * @param newcomers in ms, if it knows nothing of the namespace, and neither does the caller: until live holders, which renew
 *     at a third of their ttl, have shown themselves
 * @param first while this counts, newcomers do not wait
 * @param whenLost in ms, if it has certainly, or possibly, forgotten leases: until the longest of them has run out
 */
record Quarantine(String newcomers, FirstStart first, String whenLost) {

    /** What two clocks that count the same ttl may differ by at most, beyond a tenth of it. */
    private static final long MARGIN_MILLIS = 1000;

    /**
     * With replicas, twice the ttl: a master that hangs while its replica is promoted carries out the renewals that had
     * piled up before it notices that it is master no more, so a holder may live for two ttl from the promotion.
     */
    static Quarantine of(Duration longestTtl, Duration answerTimeout, FirstStart first, boolean replicas) {
        long longest = longestTtl.toMillis();
        long newcomers = longest / 3 + 2 * answerTimeout.toMillis();
        long whenLost = longest * (replicas ? 22 : 11) / 10 + MARGIN_MILLIS;
        return new Quarantine(Long.toString(newcomers), first, Long.toString(whenLost));
    }

    /** As of now, in ms. */
    String whenNew() {
        return first.counts() ? "0" : newcomers;
    }

    Duration longest() {
        return Duration.ofMillis(Long.parseLong(whenLost));
    }

    /** For people: what the script's word for the reason means. */
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
