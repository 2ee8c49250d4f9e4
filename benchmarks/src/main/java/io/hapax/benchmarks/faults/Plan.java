package io.hapax.benchmarks.faults;

import java.util.List;
import java.util.stream.Collectors;

/**
 * What one contender with one set of servers is put through.
 *
 * @param contender who
 * @param topology with which servers
 * @param strikes which faults, in any order: the seed decides
 * @param seed where chance comes from
 */
record Plan(Contender contender, Topology topology, List<Strike> strikes, long seed) {

    Plan {
        strikes = List.copyOf(strikes);
    }

    Plan with(List<Strike> others) {
        return new Plan(contender, topology, others, seed);
    }

    /** The command that does the same again, as far as chance lets it. */
    String command() {
        return "mvn -q -Pbench -Dbench=faults.Faults -Dbench.args=\"--contenders=" + contender.label() + " --faults="
                + strikes.stream().map(Strike::label).collect(Collectors.joining(",")) + " --seed=" + seed + "\"";
    }
}
