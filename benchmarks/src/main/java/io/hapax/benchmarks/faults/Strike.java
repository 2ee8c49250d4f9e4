package io.hapax.benchmarks.faults;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One fault, or several at once.
 *
 * @param faults of which at most one is of workers, one of the network, one of PostgreSQL, and one of Redis
 */
record Strike(List<Fault> faults) {

    private static final String AND = "+";

    Strike {
        if (faults.isEmpty() || !fitTogether(faults)) {
            throw new IllegalArgumentException(
                    faults.stream().map(Fault::label).toList() + " cannot strike at once: at most one fault each of"
                            + " workers, of the network, of PostgreSQL and of"
                            + " Redis, and postgres-late and commit-reply-lost"
                            + " without one of the network, which uses the same"
                            + " connections");
        }
        faults = List.copyOf(faults);
    }

    static Strike of(Fault fault) {
        return new Strike(List.of(fault));
    }

    static Strike of(String label) {
        return new Strike(Arrays.stream(label.split("\\+", -1)).map(Fault::of).toList());
    }

    /** What one of them breaks, no other repairs. */
    private static boolean fitTogether(List<Fault> faults) {
        Set<Fault.Scope> scopes = EnumSet.noneOf(Fault.Scope.class);
        boolean allDiffer = faults.stream().allMatch(fault -> scopes.add(target(fault)));
        long ofOneFleet = faults.stream()
                .map(Fault::topology)
                .filter(topology -> topology != Topology.USUAL)
                .distinct()
                .count();
        return allDiffer
                && ofOneFleet <= 1
                && !(faults.stream().anyMatch(Fault::holdsDatabaseLines) && scopes.contains(Fault.Scope.NETWORK));
    }

    private static Fault.Scope target(Fault fault) {
        return switch (fault.scope()) {
            case REDIS, SENTINEL, QUORUM, QUORUM_OF_FIVE, CLUSTER -> Fault.Scope.REDIS;
            case STANDBY, DISK -> Fault.Scope.POSTGRES;
            default -> fault.scope();
        };
    }

    /**
     * Draws strikes until each fault has had its turn.
     *
     * @param faults each of them strikes at least once
     * @param others may strike with them
     * @param atOnce how many at once, as far as they fit together
     * @param chance where they come from
     */
    static List<Strike> draw(List<Fault> faults, List<Fault> others, int atOnce, Random chance) {
        List<Fault> left = shuffled(faults, chance);
        List<Strike> drawn = new ArrayList<>();
        while (!left.isEmpty()) {
            List<Fault> chosen = new ArrayList<>(List.of(left.remove(0)));
            List<Fault> candidates = shuffled(left, chance);
            candidates.addAll(shuffled(others, chance));
            for (Fault candidate : candidates) {
                List<Fault> more = new ArrayList<>(chosen);
                more.add(candidate);
                if (more.size() <= atOnce && fitTogether(more)) {
                    chosen = more;
                }
            }
            left.removeAll(chosen);
            drawn.add(new Strike(chosen.stream().sorted().toList()));
        }
        return drawn;
    }

    private static List<Fault> shuffled(List<Fault> faults, Random chance) {
        List<Fault> shuffled = new ArrayList<>(faults);
        Collections.shuffle(shuffled, chance);
        return shuffled;
    }

    /** The same without some faults; of nothing if none is left. */
    Stream<Strike> without(Predicate<Fault> which) {
        List<Fault> left = faults.stream().filter(which.negate()).toList();
        return left.isEmpty() ? Stream.of() : Stream.of(new Strike(left));
    }

    boolean isCombined() {
        return faults.size() > 1;
    }

    String label() {
        return faults.stream().map(Fault::label).collect(Collectors.joining(AND));
    }

    /** In words if it is one; of several only the labels, as a line has room for no more. */
    String title() {
        return isCombined()
                ? faults.stream().map(Fault::label).collect(Collectors.joining(" + "))
                : faults.get(0).title();
    }

    boolean strikes(Contender contender) {
        return faults.stream().allMatch(fault -> fault.strikes(contender));
    }

    /** The servers that a contender needs; only faults of Redis need other than the usual ones. */
    Topology topology() {
        return faults.stream()
                .map(Fault::topology)
                .filter(topology -> topology != Topology.USUAL)
                .findAny()
                .orElse(Topology.USUAL);
    }

    boolean pausesWorkers() {
        return faults.stream().anyMatch(Fault::pausesWorkers);
    }

    boolean movesRedisClock() {
        return faults.stream().anyMatch(Fault::movesRedisClock);
    }
}
