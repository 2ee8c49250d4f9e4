package io.hapax.benchmarks.faults.work;

import java.time.Duration;

/**
 * Something that ought to happen once.
 *
 * @param kind what kind of job
 * @param id names it, the same for all deliveries
 * @param key what must not overlap
 */
record Occurrence(Kind kind, String id, String key) {

    /** The kinds of jobs of the workload. */
    enum Kind {
        TICK,
        ITEM,
        LONG
    }

    private static final int TICK_MILLIS = 150;
    private static final int LONG_MILLIS = 7_500;

    static Occurrence tick(long second) {
        return new Occurrence(Kind.TICK, "tick-" + second, "tick");
    }

    /** The name says whether it is an item or a long job. */
    static Occurrence of(String id, String key) {
        return new Occurrence(id.startsWith("long") ? Kind.LONG : Kind.ITEM, id, key);
    }

    /** Whether its job checks at each step that it still holds its lock; a long job relies on the notification. */
    boolean isCareful() {
        return kind != Kind.LONG;
    }

    /** How long the work takes: a long job two and a half times the ttl, an item a tenth to a third of a second. */
    Duration length() {
        return Duration.ofMillis(
                switch (kind) {
                    case TICK -> TICK_MILLIS;
                    case ITEM -> 100 + Math.floorMod(id.hashCode(), 200);
                    case LONG -> LONG_MILLIS;
                });
    }
}
