package io.hapax.console;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Finds how often a job runs by itself. Work that comes when somebody asks for it has no such interval, even if it comes in
 * bursts. Times in milliseconds.
 */
final class Rhythm {

    private static final int ENOUGH = 3;
    private static final long SHORTEST = 1_000;
    private static final Pattern PLANNED =
            Pattern.compile("[+-]?\\d{4,}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:[\\d.]+)?Z)?(/P[A-Z0-9.]+)?");

    private Rhythm() {}

    /**
     * Finds the usual time from one start to the next.
     *
     * @param runs that succeeded
     * @return 0 if there are too few to tell, or if they follow no interval
     */
    static long of(List<Report.Occurrence> runs) {
        Map<String, List<Report.Occurrence>> bySeries = new HashMap<>();
        for (Report.Occurrence run : runs) {
            String series = seriesOf(run.run());
            if (series != null) {
                bySeries.computeIfAbsent(series, first -> new ArrayList<>()).add(run);
            }
        }
        List<Report.Occurrence> most = bySeries.values().stream()
                .max(Comparator.comparingInt(List::size))
                .orElse(List.of());
        return most.isEmpty() ? 0 : interval(most);
    }

    /**
     * What a run key that a scheduler has planned starts with: behind an {@code @} it ends with the planned time, or with an interval.
     * Null for other run keys, which may have an {@code @} as well; empty where there is none.
     */
    static @Nullable String seriesOf(String run) {
        int at = run.lastIndexOf('@') + 1;
        return run.isEmpty()
                ? ""
                : at > 0 && PLANNED.matcher(run).region(at, run.length()).matches() ? run.substring(0, at) : null;
    }

    /** The same in few letters, the same for all workers; one name for all runs of which it is not known. */
    static String nameOf(String run) {
        String series = seriesOf(run);
        return series == null || series.isEmpty() ? "" : Integer.toString(series.hashCode() & Integer.MAX_VALUE, 36);
    }

    private static long interval(List<Report.Occurrence> runs) {
        List<Long> starts = runs.stream().map(Report.Occurrence::at).sorted().toList();
        List<Long> gaps = IntStream.range(1, starts.size())
                .mapToObj(n -> starts.get(n) - starts.get(n - 1))
                .sorted()
                .toList();
        long usual = median(gaps);
        long alike =
                gaps.stream().filter(gap -> 2 * Math.abs(gap - usual) <= usual).count();
        boolean isRegular = usual > 0 && 4 * alike >= 3L * gaps.size();
        return isRegular && (!runs.get(0).run().isEmpty() || isPaced(usual, runs)) ? usual : 0;
    }

    /** Without run keys: runs that wait for each other in a queue follow each other as regularly as they are long. */
    private static boolean isPaced(long usual, List<Report.Occurrence> runs) {
        long length = median(runs.stream().map(Report.Occurrence::took).sorted().toList());
        return usual >= Math.max(SHORTEST, length + length / 4);
    }

    static long median(List<Long> sorted) {
        return sorted.size() < ENOUGH ? 0 : sorted.get(sorted.size() / 2);
    }
}
