package io.hapax.benchmarks.cycle;

import io.hapax.benchmarks.ProcessCpu;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs contenders in turns, each time in a JVM of its own, and collects what they cost. CPU of the JVM and of Redis is
 * counted by the operating system; a sample during which other processes used much of the machine is marked.
 */
public final class CycleBenchmark implements AutoCloseable {

    private final EmbeddedRedis redis;
    private final double warmUp;
    private final double measured;
    private @Nullable EmbeddedDatabase database;
    private long postmaster;

    CycleBenchmark(double warmUp, double measured) {
        this.redis = EmbeddedRedis.start();
        this.warmUp = warmUp;
        this.measured = measured;
    }

    /** Lets contenders take turns: A B C A B C. */
    Results run(List<Contenders> contenders, List<Integer> callers, int rounds)
            throws IOException, SQLException, InterruptedException {
        Results results = new Results();
        for (int round = 1; round <= rounds; round++) {
            for (int many : callers) {
                for (Contenders contender : contenders) {
                    Sample sample = sample(contender, many);
                    results.add(contender, many, sample);
                    System.err.printf(
                            "round %d callers %d %-18s %8.0f cycles/s %7.1f us (%.1f + %.1f), foreign %.0f %%%n",
                            round,
                            many,
                            contender,
                            sample.cyclesPerSecond(),
                            sample.micros(),
                            sample.clientMicros(),
                            sample.serverMicros(),
                            100 * sample.foreign());
                }
            }
        }
        return results;
    }

    private Sample sample(Contenders contender, int callers) throws IOException, SQLException, InterruptedException {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xms512m",
                        "-Xmx512m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        CycleProcess.class.getName(),
                        contender.toString(),
                        redis.url(),
                        contender.usesDatabase() ? jdbc() : "-",
                        Integer.toString(callers),
                        Double.toString(warmUp),
                        Double.toString(measured))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
            expect(contender, output.readLine());
            return measured(contender, child, output);
        } finally {
            child.destroyForcibly().waitFor();
            redis.command("FLUSHALL");
        }
    }

    private Sample measured(Contenders contender, Process child, BufferedReader output) throws IOException {
        Supplier<Double> server = contender.usesDatabase() ? this::databaseCpu : () -> ProcessCpu.ofTree(redis.pid());
        double serverBefore = server.get();
        double ours = ours(child);
        double machine = ProcessCpu.ofMachine();
        long begun = System.nanoTime();
        child.getOutputStream().write('\n');
        child.getOutputStream().flush();
        String[] said = String.valueOf(output.readLine()).split(" ", -1);
        double seconds = (System.nanoTime() - begun) / 1e9;
        double foreign = ProcessCpu.ofMachine() - machine - (ours(child) - ours);
        double serverCpu = server.get() - serverBefore;
        double cycles = Double.parseDouble(said[0]);
        double[] numbers = new double[said.length];
        for (int n = 0; n < said.length; n++) {
            numbers[n] = Double.parseDouble(said[n]);
        }
        return new Sample(
                cycles / numbers[1],
                numbers[2] * 1e6 / cycles,
                serverCpu * 1e6 / cycles,
                numbers[3] * 1e6 / cycles,
                numbers[4],
                numbers[5],
                numbers[6],
                numbers[7],
                numbers[8],
                Math.max(0, foreign) / seconds / Runtime.getRuntime().availableProcessors());
    }

    /** The child, the servers, and this process. */
    private double ours(Process child) {
        return ProcessCpu.ofTree(child.pid())
                + ProcessCpu.ofTree(redis.pid())
                + (database == null ? 0 : databaseCpu())
                + ProcessCpu.ofThisProcess();
    }

    private double databaseCpu() {
        return database == null ? 0 : ProcessCpu.ofTree(postmaster);
    }

    private String jdbc() throws SQLException {
        if (database == null) {
            database = EmbeddedDatabase.start(Map.of("max_connections", "100"));
            postmaster = ProcessCpu.postmaster(database);
        }
        return database.jdbcUrl() + (database.jdbcUrl().contains("?") ? "&" : "?") + "user=" + database.user()
                + "&password=" + database.password();
    }

    private static void expect(Contenders contender, @Nullable String found) {
        if (!"ready".equals(found)) {
            throw new IllegalStateException(contender + " said '" + found + "' instead of 'ready'");
        }
    }

    @Override
    public void close() {
        redis.close();
        if (database != null) {
            database.close();
        }
    }

    /** For a look at some contenders: names and numbers of callers, separated by commas, rounds, seconds. */
    public static void main(String[] args) throws Exception {
        List<Contenders> contenders = new ArrayList<>();
        for (String name : args[0].split(",", -1)) {
            contenders.add(Contenders.of(name));
        }
        List<Integer> callers = new ArrayList<>();
        for (String many : args[1].split(",", -1)) {
            callers.add(Integer.valueOf(many));
        }
        try (CycleBenchmark benchmark = new CycleBenchmark(Double.parseDouble(args[3]), Double.parseDouble(args[4]))) {
            System.out.print(benchmark
                    .run(contenders, callers, Integer.parseInt(args[2]))
                    .markdown());
        }
    }
}
