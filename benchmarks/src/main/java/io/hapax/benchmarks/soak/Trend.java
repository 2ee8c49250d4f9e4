package io.hapax.benchmarks.soak;

import java.util.ArrayList;
import java.util.List;

/**
 * How something that is looked at again and again changes with time: the line with the least squares through what was seen, but for
 * the first fifth, in which caches fill and code is compiled. Not thread-safe.
 */
final class Trend {

    private static final int WARM_UP_PART = 5;
    private static final int LEAST = 4;

    private final String name;
    private final double allowedShare;
    private final double allowedAmount;
    private final List<double[]> seen = new ArrayList<>();

    /**
     * Creates a trend.
     *
     * @param name of what
     * @param allowedShare by what share of its mean it may grow in all
     * @param allowedAmount by how much it may grow in any case
     */
    Trend(String name, double allowedShare, double allowedAmount) {
        this.name = name;
        this.allowedShare = allowedShare;
        this.allowedAmount = allowedAmount;
    }

    void add(double seconds, double value) {
        seen.add(new double[] {seconds, value});
    }

    String name() {
        return name;
    }

    private List<double[]> settled() {
        return seen.subList(seen.size() / WARM_UP_PART, seen.size());
    }

    double mean() {
        return settled().stream().mapToDouble(point -> point[1]).average().orElse(0);
    }

    double first() {
        return settled().get(0)[1];
    }

    double last() {
        return seen.get(seen.size() - 1)[1];
    }

    /** By how much the line rises in a second. */
    double slope() {
        List<double[]> points = settled();
        double middle = points.stream().mapToDouble(point -> point[0]).average().orElse(0);
        double mean = mean();
        double together = 0;
        double spread = 0;
        for (double[] point : points) {
            together += (point[0] - middle) * (point[1] - mean);
            spread += (point[0] - middle) * (point[0] - middle);
        }
        return spread == 0 ? 0 : together / spread;
    }

    /** By how much the line rises from the first to the last point. */
    double growth() {
        List<double[]> points = settled();
        return slope() * (points.get(points.size() - 1)[0] - points.get(0)[0]);
    }

    double allowed() {
        return Math.max(allowedAmount, allowedShare * mean());
    }

    /** Whether it does not grow, as far as so few points can tell. */
    boolean isFlat() {
        return growth() <= allowed();
    }

    /** Whether it was seen often enough to say so. */
    boolean isKnown() {
        return settled().size() >= LEAST;
    }
}
