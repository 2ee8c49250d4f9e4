package io.hapax.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What became of the runs that a worker had started and never brought to an effect, since it was killed or frozen.
 *
 * @param unfinished how many there were
 * @param successors who brought their occurrences to an effect
 * @param soonest how long after the worker stopped the first of them started; zero if there was none
 */
record Takeover(int unfinished, Set<String> successors, Duration soonest) {

    static Takeover from(Collection<ObservedRun> runs, String worker, Instant stoppedAt) {
        List<ObservedRun> unfinished = runs.stream()
                .filter(run -> run.worker().equals(worker)
                        && run.effectAt() == null
                        && !run.begin().isAfter(stoppedAt))
                .toList();
        Set<String> successors = new TreeSet<>();
        Instant soonest = Instant.MAX;
        for (ObservedRun left : unfinished) {
            Optional<ObservedRun> next = successor(runs, left);
            next.ifPresent(run -> successors.add(run.worker()));
            soonest = next.map(ObservedRun::begin).filter(soonest::isAfter).orElse(soonest);
        }
        Duration delay = soonest.equals(Instant.MAX) ? Duration.ZERO : Duration.between(stoppedAt, soonest);
        return new Takeover(unfinished.size(), successors, delay);
    }

    private static Optional<ObservedRun> successor(Collection<ObservedRun> runs, ObservedRun left) {
        return runs.stream()
                .filter(run -> run.kind() == left.kind() && run.occurrence().equals(left.occurrence()))
                .filter(run -> !run.worker().equals(left.worker()) && run.effectAt() != null)
                .min(Comparator.comparing(ObservedRun::begin));
    }

    @Override
    public String toString() {
        if (unfinished == 0) {
            return "it had no active run";
        }
        String runs = unfinished == 1 ? "its active run was" : "its " + unfinished + " active runs were";
        return successors.isEmpty()
                ? runs + " taken over by nobody"
                : String.format(
                        Locale.ROOT,
                        "%s taken over by %s, %s%.1f s later",
                        runs,
                        String.join(" and ", successors),
                        unfinished == 1 ? "" : "the first ",
                        soonest.toMillis() / 1000.0);
    }
}
