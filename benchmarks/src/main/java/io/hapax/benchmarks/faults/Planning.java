package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.harness.Arguments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Makes plans of what was asked for, and of what can be done on this machine. */
final class Planning implements Batch.Planner {

    private static final List<Fault> HARSHEST = List.of(
            Fault.WORKER_KILL,
            Fault.WORKER_STOP_BEFORE_EFFECT,
            Fault.WORKER_STOP_BEFORE_COMMIT,
            Fault.WORKER_KILL_AFTER_COMMIT,
            Fault.JVM_PAUSE,
            Fault.REDIS_EMPTY,
            Fault.NET_ONE_STALLS,
            Fault.NET_SPLIT,
            Fault.POSTGRES_RESTART);

    /** One of each that {@link Strike} lets strike together. */
    private static final int MOST_AT_ONCE = 4;

    private static final int MOST_LENGTH = 1_000;

    private final Arguments arguments;
    private final boolean hasShim;

    Planning(Arguments arguments, boolean hasShim) {
        this.arguments = arguments;
        this.hasShim = hasShim;
    }

    /** The contenders that were asked for, or all. */
    Batch batch(int seeds, int occurrences) {
        return new Batch(
                contenders(arguments.quick() ? List.of(Contender.HAPAX_L3) : Contender.usual()),
                seeds,
                arguments.number("faults-at-once", 1, 1, MOST_AT_ONCE),
                occurrences);
    }

    private List<Contender> contenders(List<Contender> otherwise) {
        return arguments.words("contenders", labels(otherwise)).stream()
                .map(Contender::of)
                .toList();
    }

    /** If contenders were named, of those alone. */
    @Override
    public List<Plan> plan(List<Contender> contenders, int atOnce, long seed) {
        List<Contender> wanted = contenders(contenders);
        List<Strike> strikes = strikes();
        int length = arguments.number("length", Plan.USUAL_LENGTH, 1, MOST_LENGTH);
        List<Plan> plans = new ArrayList<>();
        for (Contender contender : contenders) {
            if (!wanted.contains(contender) || (!hasShim && contender.redisServers() > 1)) {
                continue;
            }
            for (Topology topology : Topology.values()) {
                List<Strike> striking = strikes.stream()
                        .filter(strike -> strike.topology() == topology && strike.strikes(contender))
                        .toList();
                if (!striking.isEmpty()) {
                    List<Strike> drawn = atOnce == 1 ? striking : together(striking, strikes, contender, atOnce, seed);
                    plans.add(new Plan(contender, topology, drawn, seed, length));
                }
            }
        }
        return plans;
    }

    private List<Strike> strikes() {
        return arguments
                .words(
                        "faults",
                        (arguments.quick() ? HARSHEST : Arrays.asList(Fault.values()))
                                .stream().map(Fault::label).toList())
                .stream()
                .map(Strike::of)
                .flatMap(strike -> strike.without(fault -> !hasShim && fault.movesClock()))
                .toList();
    }

    void requireSome(List<Plan> plans) {
        if (plans.isEmpty()) {
            throw new IllegalArgumentException("none of these faults can strike any of these contenders here: "
                    + arguments.value("contenders").orElse("all") + ", "
                    + strikes().stream().map(Strike::label).toList());
        }
    }

    /** Drawn together; faults that need no servers of their own may join those that do. */
    private static List<Strike> together(
            List<Strike> striking, List<Strike> all, Contender contender, int atOnce, long seed) {
        List<Fault> faults =
                striking.stream().flatMap(strike -> strike.faults().stream()).toList();
        List<Fault> others = all.stream()
                .flatMap(strike -> strike.faults().stream())
                .filter(fault -> fault.topology() == Topology.USUAL
                        && fault.scope() != Fault.Scope.REDIS
                        && fault.scope() != Fault.Scope.QUORUM
                        && fault.strikes(contender))
                .toList();
        return Strike.draw(faults, others, atOnce, new Random(seed));
    }

    private static List<String> labels(List<Contender> contenders) {
        return contenders.stream().map(Contender::label).toList();
    }
}
