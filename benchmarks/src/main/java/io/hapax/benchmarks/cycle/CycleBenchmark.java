package io.hapax.benchmarks.cycle;

import io.hapax.benchmarks.ProcessCpu;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.benchmarks.harness.CountingDatabase;
import io.hapax.benchmarks.harness.Failures;
import io.hapax.benchmarks.harness.RedisLine;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What an acquire and a release cost, beside the peers. Contenders take turns, A B C A B C, each time in a JVM of its own;
 * CPU of the JVM, without its compiler, and of the server is counted by the operating system. A sample during which other
 * processes used much of the machine is left out.
 */
public final class CycleBenchmark implements AutoCloseable {

    private static final List<String> HEAP = List.of("-Xms512m", "-Xmx512m");
    private static final List<Contenders> QUICK =
            List.of(Contenders.HAPAX, Contenders.SOCKET, Contenders.JEDIS, Contenders.LETTUCE, Contenders.RLOCK);

    private final Arguments arguments;
    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final double warmUp;
    private final double measured;
    private @Nullable CountingDatabase database;
    private long postmaster;

    private CycleBenchmark(Arguments arguments) {
        this.arguments = arguments;
        redis.command("ACL", "SETUSER", HapaxGuard.NARROW, "on", "nopass", "~*", "&*", "+@all", "-time");
        this.warmUp = seconds("warm-up", arguments.quick() ? 3 : 6);
        this.measured = seconds("measured", 2);
    }

    private double seconds(String name, double otherwise) {
        return arguments.value(name).map(Double::parseDouble).orElse(otherwise);
    }

    /**
     * Measures and prints.
     *
     * @param args {@code --quick}, {@code --csv=file}, {@code --charts=folder}, {@code --contenders=hapax,rlock},
     *     {@code --callers=1,64}, {@code --rounds=3}, {@code --warm-up=6}, {@code --measured=2} (seconds)
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        System.out.println(line(Arguments.of(args)));
    }

    /**
     * Measures and prints all but the last line.
     *
     * @param arguments as of {@link #main}
     * @return the line for machines
     * @throws Exception if something breaks
     */
    public static String line(Arguments arguments) throws Exception {
        try (CycleBenchmark benchmark = new CycleBenchmark(arguments)) {
            return benchmark.run();
        }
    }

    private String run() throws Exception {
        Results results = new Results();
        Failures failures = new Failures();
        List<Integer> callers =
                arguments.numbers("callers", arguments.quick() ? List.of(1, 64) : List.of(1, 4, 16, 64));
        int rounds = arguments.numbers("rounds", List.of(3)).get(0);
        for (int round = 1; round <= rounds; round++) {
            for (int many : callers) {
                for (Contenders contender : contenders(many)) {
                    int now = round;
                    failures.note(contender + " with " + many + " callers in round " + round, () -> {
                        Sample sample = sample(contender, many);
                        results.add(contender, many, sample);
                        progress(now, many, contender, sample);
                    });
                }
            }
        }
        Map<Contenders, Double> sent = new EnumMap<>(Contenders.class);
        for (Contenders contender : contenders(1)) {
            if (!contender.usesDatabase()) {
                failures.note("commands of " + contender, () -> sent.put(contender, sentCommands(contender)));
            }
        }
        report(results, sent);
        failures.report();
        return String.format(
                Locale.ROOT,
                "hapax-speed callers=64 cpu_vs_rlock=%.2f throughput_vs_rlock=%.2f cpu_vs_socket=%.2f"
                        + " callers1_cpu_vs_jedis=%.2f commands_per_cycle=%.2f",
                results.cpu(Contenders.HAPAX, 64) / results.cpu(Contenders.RLOCK, 64),
                results.throughput(Contenders.HAPAX, 64) / results.throughput(Contenders.RLOCK, 64),
                results.cpu(Contenders.HAPAX, 64) / results.cpu(Contenders.SOCKET, 64),
                results.cpu(Contenders.HAPAX, 1) / results.cpu(Contenders.JEDIS, 1),
                sent.getOrDefault(Contenders.HAPAX, Double.NaN));
    }

    private List<Contenders> contenders(int callers) {
        List<Contenders> chosen = arguments.value("contenders").isPresent()
                ? arguments.words("contenders", List.of()).stream()
                        .map(Contenders::of)
                        .toList()
                : arguments.quick() ? QUICK : Arrays.asList(Contenders.values());
        // A lone caller has nothing to gain from not waiting.
        return Stream.concat(
                        chosen.stream(),
                        arguments.quick() && callers > 1 ? Stream.of(Contenders.HAPAX_ASYNC) : Stream.empty())
                .filter(contender -> callers > 1 || !contender.async())
                .distinct()
                .toList();
    }

    private static void progress(int round, int callers, Contenders contender, Sample sample) {
        System.err.printf(
                Locale.ROOT,
                "round %d, %2d callers: %-18s %7.0f cycles/s %6.1f µs CPU, others used %.0f %%%n",
                round,
                callers,
                contender,
                sample.cyclesPerSecond(),
                sample.micros(),
                100 * sample.foreign());
    }

    private void report(Results results, Map<Contenders, Double> sent) throws IOException {
        System.out.println();
        var table = results.table(sent);
        System.out.println();
        results.ratios();
        System.out.println();
        if (arguments.csv().isPresent()) {
            table.write(arguments.csv().get());
        }
        Optional<String> charts = arguments.value("charts");
        if (charts.isPresent()) {
            results.charts(Files.createDirectories(Path.of(charts.get())));
        }
    }

    private ChildJvm child(Contenders contender, int callers, double warm, double measure)
            throws IOException, SQLException {
        return ChildJvm.start(
                CycleProcess.class,
                HEAP,
                contender.toString(),
                redis.url(),
                contender.usesDatabase() ? jdbc() : "-",
                Integer.toString(callers),
                Double.toString(warm),
                Double.toString(measure));
    }

    private Sample sample(Contenders contender, int callers) throws IOException, SQLException {
        try (ChildJvm child = child(contender, callers, warmUp, measured)) {
            Supplier<Double> server =
                    contender.usesDatabase() ? this::databaseCpu : () -> ProcessCpu.ofTree(redis.pid());
            if (database != null) {
                database.reset();
            }
            double serverBefore = server.get();
            double ours = ours(child);
            double machine = ProcessCpu.ofMachine();
            long begun = System.nanoTime();
            double[] said = Stream.of(child.ask("go").split(" ", -1))
                    .mapToDouble(Double::parseDouble)
                    .toArray();
            double seconds = (System.nanoTime() - begun) / 1e9;
            double foreign = ProcessCpu.ofMachine() - machine - (ours(child) - ours);
            double part = Math.max(0, foreign) / seconds / Runtime.getRuntime().availableProcessors();
            double serverSeconds = server.get() - serverBefore;
            return Sample.of(said, serverSeconds, part, statements(contender));
        } finally {
            redis.command("FLUSHALL");
        }
    }

    private double statements(Contenders contender) throws SQLException {
        return database == null || !contender.usesDatabase() ? Double.NaN : database.statements();
    }

    /** What clients send for a cycle, as MONITOR sees it; what scripts call inside is left out. */
    private double sentCommands(Contenders contender) throws IOException, SQLException {
        AtomicLong sent = new AtomicLong();
        try (ChildJvm child = child(contender, 1, 1, 0.5);
                RedisLine monitor = new RedisLine(redis.port())) {
            monitor.monitor(line -> sent.addAndGet(line.contains(" lua] ") ? 0 : 1));
            double cycles = Double.parseDouble(child.ask("go").split(" ", -1)[0]);
            return sent.get() / cycles;
        } finally {
            redis.command("FLUSHALL");
        }
    }

    /** The child, the servers, and this process. */
    private double ours(ChildJvm child) {
        return ProcessCpu.ofTree(child.pid())
                + ProcessCpu.ofTree(redis.pid())
                + databaseCpu()
                + ProcessCpu.ofThisProcess();
    }

    private double databaseCpu() {
        return database == null ? 0 : ProcessCpu.ofTree(postmaster);
    }

    private String jdbc() throws SQLException {
        if (database == null) {
            // As in production: what is committed is on the disk.
            database = CountingDatabase.start(Map.of("fsync", "on", "full_page_writes", "on"));
            postmaster = ProcessCpu.postmaster(database.database());
        }
        EmbeddedDatabase server = database.database();
        return server.jdbcUrl() + (server.jdbcUrl().contains("?") ? "&" : "?") + "user=" + server.user() + "&password="
                + server.password();
    }

    @Override
    public void close() {
        redis.close();
        if (database != null) {
            database.close();
        }
    }
}
