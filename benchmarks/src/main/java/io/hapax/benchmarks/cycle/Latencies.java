package io.hapax.benchmarks.cycle;

/** Counts durations in buckets of about 3 %. Not thread-safe. */
final class Latencies {

    private static final int PER_DOUBLING = 32;

    private final long[] counts = new long[64 * PER_DOUBLING];
    private long total;

    void add(long nanos) {
        counts[bucket(Math.max(1, nanos))]++;
        total++;
    }

    void addAll(Latencies other) {
        for (int n = 0; n < counts.length; n++) {
            counts[n] += other.counts[n];
        }
        total += other.total;
    }

    long total() {
        return total;
    }

    /** The duration that a part of all did not exceed, in microseconds. */
    double micros(double part) {
        long left = (long) Math.ceil(part * total);
        for (int n = 0; n < counts.length; n++) {
            left -= counts[n];
            if (left <= 0) {
                return upper(n) / 1000.0;
            }
        }
        return Double.NaN;
    }

    private static int bucket(long nanos) {
        int doubling = 63 - Long.numberOfLeadingZeros(nanos);
        long within = doubling < 5 ? 0 : (nanos >>> (doubling - 5)) - PER_DOUBLING;
        return doubling * PER_DOUBLING + (int) within;
    }

    private static double upper(int bucket) {
        int doubling = bucket / PER_DOUBLING;
        return Math.scalb(1 + (bucket % PER_DOUBLING + 1.0) / PER_DOUBLING, doubling);
    }
}
