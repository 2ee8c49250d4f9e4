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
 * @param length how long the faults last that have no length of their own, in percent of what is usual
 */
record Plan(Contender contender, Topology topology, List<Strike> strikes, long seed, int length) {

    static final int USUAL_LENGTH = 100;

    Plan {
        strikes = List.copyOf(strikes);
    }

    Plan with(List<Strike> others) {
        return new Plan(contender, topology, others, seed, length);
    }

    Plan withLength(int percent) {
        return new Plan(contender, topology, strikes, seed, percent);
    }

    /** The arguments that do the same again, as far as chance lets it. */
    String arguments() {
        return "--contenders=" + contender.label() + " --faults="
                + strikes.stream().map(Strike::label).collect(Collectors.joining(",")) + " --seed=" + seed
                + (length == USUAL_LENGTH ? "" : " --length=" + length);
    }

    /** The whole command. */
    String command() {
        return command(arguments());
    }

    /** The whole command with some arguments. */
    static String command(String arguments) {
        return "mvn -q -Pbench -Dbench=faults.Faults -Dbench.args=\"" + arguments + "\"";
    }
}
