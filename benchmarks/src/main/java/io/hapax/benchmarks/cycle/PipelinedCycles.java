package io.hapax.benchmarks.cycle;

import io.hapax.benchmarks.ProcessCpu;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.RespConnection;
import io.hapax.benchmarks.harness.Table;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The CPU that Redis needs for an acquire and a release, one request a call, pipelined so that sockets hardly count. Contenders take
 * turns, and the CPU is counted by the operating system, so that other processes do not matter much.
 */
public final class PipelinedCycles {

    private static final int PIPELINED = 200;
    private static final Map<String, Supplier<Commands>> CONTENDERS = new LinkedHashMap<>();

    static {
        CONTENDERS.put("one for many", () -> new HapaxCommands(true));
        CONTENDERS.put("hapax", () -> new HapaxCommands(false));
        CONTENDERS.put("set-nx", () -> Commands.SET);
    }

    private PipelinedCycles() {}

    /**
     * Measures and prints.
     *
     * @param args {@code --rounds=5}, {@code --cycles=20000}
     * @throws IOException if Redis does not answer
     */
    public static void main(String[] args) throws IOException {
        Arguments arguments = Arguments.of(args);
        int rounds = arguments.numbers("rounds", List.of(5)).get(0);
        int cycles = arguments.numbers("cycles", List.of(20_000)).get(0);
        Map<String, double[]> micros = new LinkedHashMap<>();
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            for (int round = 0; round < rounds; round++) {
                for (Map.Entry<String, Supplier<Commands>> one : CONTENDERS.entrySet()) {
                    redis.command("FLUSHALL");
                    double each = measured(redis, one.getValue().get(), cycles);
                    micros.computeIfAbsent(one.getKey(), name -> new double[rounds])[round] = each;
                }
            }
        }
        Table table = new Table("contender", "µs of Redis CPU a cycle", "smallest", "largest");
        micros.forEach((name, each) -> {
            Arrays.sort(each);
            table.row(name, each[rounds / 2], each[0], each[rounds - 1]);
        });
    }

    private static double measured(EmbeddedRedis redis, Commands commands, int cycles) throws IOException {
        try (RespConnection connection = new RespConnection("127.0.0.1", redis.port())) {
            List<String> shas = new ArrayList<>();
            for (String script : commands.scripts()) {
                shas.add((String) connection.call(List.of("SCRIPT", "LOAD", script)));
            }
            // The first grant of a namespace notes what those that follow go by.
            pipelined(connection, commands, shas, 1);
            pipelined(connection, commands, shas, PIPELINED);
            double before = ProcessCpu.ofTree(redis.pid());
            for (int done = 0; done < cycles; done += PIPELINED) {
                pipelined(connection, commands, shas, PIPELINED);
            }
            return 1e6 * (ProcessCpu.ofTree(redis.pid()) - before) / cycles;
        }
    }

    private static void pipelined(RespConnection connection, Commands commands, List<String> shas, int many)
            throws IOException {
        List<String> owners = new ArrayList<>();
        for (int n = 0; n < many; n++) {
            owners.add(Commands.owner());
            connection.add(SocketPeer.words(commands.take("key-" + n, owners.get(n)), shas));
        }
        connection.send();
        for (int n = 0; n < many; n++) {
            commands.granted(connection.answer());
        }
        for (int n = 0; n < many; n++) {
            connection.add(SocketPeer.words(commands.giveBack("key-" + n, owners.get(n)), shas));
        }
        connection.send();
        for (int n = 0; n < many; n++) {
            commands.givenBack(connection.answer());
        }
    }
}
