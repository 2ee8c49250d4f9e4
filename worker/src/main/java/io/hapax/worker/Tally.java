package io.hapax.worker;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What became of one kind of job.
 *
 * @param occurrences how many occurrences there should be
 * @param runs how many runs started
 * @param duplicates effects beyond the first of an occurrence
 * @param overlaps pairs of runs that worked on the same thing at the same time
 * @param lost occurrences without an effect
 */
record Tally(int occurrences, int runs, int duplicates, int overlaps, int lost) {

    static final Tally NONE = new Tally(0, 0, 0, 0, 0);

    /** A step that was on its way when a process was frozen may arrive late; going on to work may not. */
    private static final int PROGRESS = 2;

    /** Counts one kind of job, given what should have happened. */
    static Tally of(Collection<ObservedRun> runs, Set<String> expected) {
        Map<String, Long> effects = runs.stream()
                .filter(run -> run.effectAt() != null)
                .collect(Collectors.groupingBy(ObservedRun::occurrence, Collectors.counting()));
        int duplicates =
                (int) effects.values().stream().mapToLong(count -> count - 1).sum();
        int lost = (int) expected.stream()
                .filter(occurrence -> !effects.containsKey(occurrence))
                .count();
        return new Tally(expected.size(), runs.size(), duplicates, overlaps(runs), lost);
    }

    private static int overlaps(Collection<ObservedRun> runs) {
        int pairs = 0;
        for (List<ObservedRun> group :
                runs.stream().collect(Collectors.groupingBy(ObservedRun::group)).values()) {
            List<ObservedRun> all = new ArrayList<>(group);
            for (int i = 0; i < all.size(); i++) {
                for (int j = i + 1; j < all.size(); j++) {
                    pairs += overlap(all.get(i), all.get(j)) ? 1 : 0;
                }
            }
        }
        return pairs;
    }

    /** Whether the earlier run went on to work after the later one had started, and before that one ended. */
    private static boolean overlap(ObservedRun one, ObservedRun two) {
        boolean inOrder = !one.begin().isAfter(two.begin());
        ObservedRun earlier = inOrder ? one : two;
        ObservedRun later = inOrder ? two : one;
        boolean tookEffect = earlier.effectAt() != null
                && earlier.effectAt().isAfter(later.begin())
                && earlier.effectAt().isBefore(later.end());
        return earlier.progressBetween(later.begin(), later.end()) >= PROGRESS || tookEffect;
    }

    /** Whether everything that should have happened took effect once, and nothing at the same time. */
    boolean isClean() {
        return occurrences > 0 && duplicates == 0 && overlaps == 0 && lost == 0;
    }

    Tally plus(Tally other) {
        return new Tally(
                occurrences + other.occurrences,
                runs + other.runs,
                duplicates + other.duplicates,
                overlaps + other.overlaps,
                lost + other.lost);
    }
}
