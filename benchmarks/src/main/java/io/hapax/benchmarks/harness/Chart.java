package io.hapax.benchmarks.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * A chart with a line for each series, as SVG that is readable on light and dark pages. Points stand side by side at equal
 * distances, whatever their numbers; heights are logarithmic, so that ratios look alike everywhere. Not thread-safe.
 */
public final class Chart {

    private static final int WIDTH = 720;
    private static final int HEIGHT = 400;
    private static final int LEFT = 70;
    private static final int RIGHT = 170;
    private static final int TOP = 50;
    private static final int BOTTOM = 50;
    private static final int LABEL_HEIGHT = 15;
    private static final List<String> COLOURS =
            List.of("#d6409f", "#3b82f6", "#10a37f", "#e8890c", "#8b5cf6", "#64748b", "#c2410c", "#0891b2", "#84a30a");

    private final String title;
    private final String across;
    private final List<Series> all = new ArrayList<>();

    /**
     * Starts a chart.
     *
     * @param title what stands above it
     * @param across what the points mean
     */
    public Chart(String title, String across) {
        this.title = title;
        this.across = across;
    }

    private record Series(String name, Map<Integer, Double> points) {}

    /**
     * Adds a line.
     *
     * @param name its name
     * @param points heights above 0 by number; others are left out
     */
    public void line(String name, Map<Integer, Double> points) {
        Map<Integer, Double> shown = new TreeMap<>(points);
        shown.values().removeIf(value -> !(value > 0));
        if (!shown.isEmpty()) {
            all.add(new Series(name, shown));
        }
    }

    /**
     * Draws what was added.
     *
     * @param file the file, which is replaced
     * @throws IOException if it cannot be written
     */
    public void write(Path file) throws IOException {
        Files.writeString(file, svg());
    }

    String svg() {
        List<Integer> columns = all.stream()
                .flatMap(series -> series.points().keySet().stream())
                .distinct()
                .sorted()
                .toList();
        double low = floor(all.stream()
                .flatMap(series -> series.points().values().stream())
                .mapToDouble(Double::doubleValue)
                .min()
                .orElse(1));
        double high = all.stream()
                        .flatMap(series -> series.points().values().stream())
                        .mapToDouble(Double::doubleValue)
                        .max()
                        .orElse(10)
                * 1.1;
        StringBuilder svg = new StringBuilder(head());
        for (double tick = low; tick <= high; tick = above(tick)) {
            double y = height(tick, low, high);
            svg.append(format("<line class='grid' x1='%d' x2='%d' y1='%.1f' y2='%.1f'/>%n", LEFT, WIDTH - RIGHT, y, y));
            svg.append(format("<text x='%d' y='%.1f' text-anchor='end'>%s</text>%n", LEFT - 8, y + 4, number(tick)));
        }
        for (int column = 0; column < columns.size(); column++) {
            svg.append(format(
                    "<text x='%.1f' y='%d' text-anchor='middle'>%d</text>%n",
                    place(column, columns.size()), HEIGHT - BOTTOM + 20, columns.get(column)));
        }
        svg.append(format(
                "<text x='%d' y='%d' text-anchor='middle'>%s</text>%n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, across));
        lines(svg, columns, low, high);
        return svg.append("</svg>\n").toString();
    }

    private String head() {
        return format("""
                <svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' role='img' aria-label='%s'>
                <style>
                text { font: 12px system-ui, sans-serif; fill: #24292f }
                .title { font-size: 15px; font-weight: 600 }
                .grid { stroke: #8884; stroke-width: 1 }
                polyline { fill: none; stroke-width: 2 }
                @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
                </style>
                <text class='title' x='%d' y='26'>%s</text>
                """, WIDTH, HEIGHT, title, LEFT, title);
    }

    private void lines(StringBuilder svg, List<Integer> columns, double low, double high) {
        double lastLabel = Double.NEGATIVE_INFINITY;
        List<Series> byEnd = all.stream()
                .sorted((a, b) -> Double.compare(height(end(a), low, high), height(end(b), low, high)))
                .toList();
        for (Series series : byEnd) {
            int index = all.indexOf(series);
            String colour = COLOURS.get(index % COLOURS.size());
            StringBuilder points = new StringBuilder();
            series.points().forEach((x, y) -> {
                double across = place(columns.indexOf(x), columns.size());
                points.append(format("%.1f,%.1f ", across, height(y, low, high)));
                svg.append(format(
                        "<circle cx='%.1f' cy='%.1f' r='%d' fill='%s'><title>%s, %d: %s</title></circle>%n",
                        across, height(y, low, high), index == 0 ? 5 : 3, colour, series.name(), x, number(y)));
            });
            svg.append(format(
                    "<polyline stroke='%s'%s points='%s'/>%n",
                    colour,
                    index == 0 ? " style='stroke-width:4'" : "",
                    points.toString().trim()));
            // Labels keep apart from each other.
            lastLabel = Math.max(lastLabel + LABEL_HEIGHT, height(end(series), low, high));
            svg.append(format(
                    "<text x='%d' y='%.1f' style='fill:%s%s'>%s</text>%n",
                    WIDTH - RIGHT + 10, lastLabel + 4, colour, index == 0 ? ";font-weight:700" : "", series.name()));
        }
    }

    private static double end(Series series) {
        return series.points().values().stream().reduce((first, last) -> last).orElse(1.0);
    }

    private static double place(int column, int columns) {
        double step = (WIDTH - LEFT - RIGHT) / (double) Math.max(1, columns);
        return LEFT + step * (column + 0.5);
    }

    private static double height(double value, double low, double high) {
        double part = Math.log(value / low) / Math.log(high / low);
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
    }

    /** 1, 2 and 5 times a power of ten. */
    private static double floor(double value) {
        double power = Math.pow(10, Math.floor(Math.log10(value)));
        return value >= 5 * power ? 5 * power : value >= 2 * power ? 2 * power : power;
    }

    private static double above(double tick) {
        double power = Math.pow(10, Math.floor(Math.log10(tick * 1.0001)));
        return tick < 1.5 * power ? 2 * power : tick < 3 * power ? 5 * power : 10 * power;
    }

    private static String number(double value) {
        return value >= 10_000
                ? format("%.0fk", value / 1000)
                : value >= 1000 ? format("%.1fk", value / 1000) : format(value >= 10 ? "%.0f" : "%.1f", value);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
