package io.hapax.benchmarks.faults;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Contenders that a campaign puts through equally much.
 *
 * @param contenders who
 * @param seeds how many seeds, one after the other
 * @param atOnce how many faults strike at once
 * @param occurrences how many each of them has to have at the least, with further seeds if need be
 */
record Batch(List<Contender> contenders, int seeds, int atOnce, int occurrences) {

    Batch {
        contenders = List.copyOf(contenders);
    }

    /** Makes the plans of contenders for a seed, so many faults at once. */
    interface Planner {
        List<Plan> plan(List<Contender> contenders, int atOnce, long seed);
    }

    /** What is claimed most of is tried hardest; for all others faults come one at a time, so that one can compare them. */
    static List<Batch> campaign(int seeds, int occurrences, int otherSeeds) {
        return List.of(
                new Batch(List.of(Contender.HAPAX_L3), seeds, 2, occurrences),
                new Batch(
                        List.of(
                                Contender.HAPAX_L1,
                                Contender.HAPAX_L2,
                                Contender.HAPAX_MIXED,
                                Contender.HAPAX_SPRING,
                                Contender.HAPAX_SHEDLOCK,
                                Contender.SHEDLOCK_JDBC,
                                Contender.RLOCK,
                                Contender.QUARTZ_JDBC,
                                Contender.JOBRUNR,
                                Contender.NONE),
                        otherSeeds,
                        1,
                        0));
    }

    /** The plans of all batches: the first seed of each, then the second of each, so that there is something of all early. */
    static List<Plan> plans(List<Batch> batches, Planner planner, long seed) {
        int most = batches.stream().mapToInt(Batch::seeds).max().orElse(0);
        return IntStream.range(0, most)
                .boxed()
                .flatMap(i -> batches.stream()
                        .filter(batch -> i < batch.seeds())
                        .flatMap(batch -> planner.plan(batch.contenders(), batch.atOnce(), seed + i).stream()))
                .toList();
    }

    /** The plans of a seed beyond those of {@link #plans}. */
    static List<Plan> further(List<Batch> batches, Planner planner, long seed, int number) {
        return batches.stream()
                .filter(batch -> batch.occurrences() > 0)
                .flatMap(batch ->
                        planner.plan(batch.contenders(), batch.atOnce(), seed + batch.seeds() + number).stream())
                .toList();
    }

    /** How many occurrences each contender has to have, where that is asked for. */
    static Map<Contender, Integer> least(List<Batch> batches) {
        Map<Contender, Integer> least = new EnumMap<>(Contender.class);
        batches.stream()
                .filter(batch -> batch.occurrences() > 0)
                .forEach(batch -> batch.contenders().forEach(contender -> least.put(contender, batch.occurrences())));
        return least;
    }
}
