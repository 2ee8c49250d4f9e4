package io.hapax.worker;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run as the database saw it.
 *
 * @param kind which job
 * @param occurrence which occurrence of it
 * @param group what must not overlap
 * @param worker who ran it
 * @param steps when it made progress, in order; the first is its start
 * @param effectAt when it took effect; null if it never did
 */
record ObservedRun(
        Kind kind,
        String occurrence,
        String group,
        String worker,
        List<Instant> steps,
        @Nullable Instant effectAt) {

    ObservedRun {
        if (steps.isEmpty()) {
            throw new IllegalArgumentException("a run starts with a step");
        }
        steps = List.copyOf(steps);
    }

    Instant begin() {
        return steps.get(0);
    }

    Instant end() {
        Instant last = steps.get(steps.size() - 1);
        return effectAt == null || effectAt.isBefore(last) ? last : effectAt;
    }

    /** How often this run made progress between two instants, both excluded. */
    long progressBetween(Instant from, Instant to) {
        return steps.stream()
                .filter(step -> step.isAfter(from) && step.isBefore(to))
                .count();
    }
}
