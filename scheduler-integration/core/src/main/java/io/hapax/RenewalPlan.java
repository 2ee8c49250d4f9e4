package io.hapax;

import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.function.DoubleSupplier;

/** When what a guard holds is renewed, where it holds so much that its calls ought to be spread over the interval. Not thread-safe. */
final class RenewalPlan {

    /** Of an interval. */
    private static final int SLICES = 10;

    private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

    /** For when a call was planned last. */
    private NanoTime last;
    /** For when runs that start are planned to be renewed first, for how many more, and where in the interval that is. */
    private NanoTime first;

    private int firstLeft;
    /** Where the slices start: those of other guards, in this process or beside it, start elsewhere. */
    private final double phase;

    private final DoubleSupplier chance;
    private double firstAt;

    /** @param chance numbers from 0 to 1, others for each guard */
    RenewalPlan(NanoTime now, DoubleSupplier chance) {
        this.last = now;
        this.first = now;
        this.chance = chance;
        this.phase = chance.getAsDouble();
        this.firstAt = phase;
    }

    /**
     * Calls are put one behind the other, each as far from the one before as its share of the interval is: what has come together, as
     * after a time without answers, moves apart.
     *
     * @param charges of the call
     * @param all that are held
     */
    NanoTime next(NanoTime sentAt, Duration interval, int charges, int all) {
        long tenth = interval.toNanos() / 10;
        long share = (long) ((double) interval.toNanos() * Math.min(charges, all) / all);
        long early = Math.max(10 * tenth, last.nanos() + share - sentAt.nanos());
        last = sentAt.plus(Duration.ofNanos(Math.min(early, 11 * tenth)));
        // Calls that follow each other at once find caches warm, which have forgotten all a moment later.
        long slice = interval.toNanos() / SLICES;
        return new NanoTime(last.nanos() - Math.floorMod(last.nanos() - (long) (phase * slice), slice));
    }

    /**
     * Runs that start one after the other share an instant, so that a call is about what lies together in memory; these instants are
     * spread over the interval, as runs often start together.
     *
     * @param together how many share one
     */
    NanoTime first(NanoTime from, Duration interval, int together) {
        NanoTime earliest = from.plus(Duration.ofNanos(interval.toNanos() / 20));
        if (firstLeft == 0 || first.isBefore(earliest) || from.plus(interval).isBefore(first)) {
            // Multiples of the golden ratio, of which each falls into one of the largest gaps that there are.
            firstAt = (firstAt + GOLDEN) % 1;
            first = from.plus(Duration.ofNanos((long) (interval.toNanos() * (0.1 + 0.9 * firstAt))));
            firstLeft = together;
        }
        firstLeft--;
        return first;
    }

    /** An instant moved by up to 10 % either way, so that leases taken together do not stay together. */
    NanoTime jittered(NanoTime from, Duration interval) {
        double tenth = interval.toNanos() / 10.0;
        return from.plus(interval.plusNanos((long) (tenth * (2 * chance.getAsDouble() - 1))));
    }
}
