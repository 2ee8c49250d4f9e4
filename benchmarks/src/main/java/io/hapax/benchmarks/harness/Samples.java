package io.hapax.benchmarks.harness;

import java.util.ArrayList;
import java.util.List;

/** Numbers of one kind, of which the median and the spread are reported. Not thread-safe. */
public final class Samples {

    private final List<Double> values = new ArrayList<>();

    /** Starts without numbers. */
    public Samples() {}

    /**
     * Takes a number.
     *
     * @param value the number
     */
    public void add(double value) {
        values.add(value);
    }

    /**
     * Counts the numbers.
     *
     * @return how many
     */
    public int count() {
        return values.size();
    }

    /**
     * Returns the value below which a share of the numbers lies.
     *
     * @param share 0.5 for the median, 1 for the largest
     * @return the number of the nearest rank
     * @throws IllegalStateException if there are no numbers
     */
    public double quantile(double share) {
        if (values.isEmpty()) {
            throw new IllegalStateException("nothing was measured");
        }
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int rank = (int) Math.ceil(share * sorted.length);
        return sorted[Math.max(0, Math.min(sorted.length, rank) - 1)];
    }

    /**
     * Returns the median.
     *
     * @return the median
     */
    public double median() {
        return quantile(0.5);
    }

    /**
     * Writes the median, and in brackets the smallest and the largest.
     *
     * @return the text
     */
    public String text() {
        return count() == 1
                ? Table.text(median())
                : Table.text(median()) + " (" + Table.text(quantile(0)) + "–" + Table.text(quantile(1)) + ")";
    }
}
