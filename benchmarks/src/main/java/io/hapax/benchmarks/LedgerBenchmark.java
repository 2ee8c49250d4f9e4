package io.hapax.benchmarks;

import io.hapax.testkit.EmbeddedDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * What a run costs with the ledger (claim and completion), beside one INSERT by the plain driver: statements counted by
 * {@code pg_stat_statements}, CPU of the client and of PostgreSQL counted by the operating system. The variants take
 * turns; medians and their spread are printed, and the ratio of the medians.
 */
final class LedgerBenchmark {

    private static final int ROUNDS = 5;
    private static final List<Integer> CALLERS = List.of(1, 8, 64);
    private static final List<String> VARIANTS = List.of("insert", "ledger");

    private final EmbeddedDatabase database;
    private final long postmaster;

    private LedgerBenchmark(EmbeddedDatabase database) throws SQLException {
        this.database = database;
        execute("CREATE EXTENSION pg_stat_statements");
        execute("CREATE TABLE plain_run (id text PRIMARY KEY, worker text NOT NULL)");
        this.postmaster = ProcessCpu.postmaster(database);
    }

    /** What one round of a variant cost. */
    private record Sample(double runsPerSecond, double clientMicros, double serverMicros, double statements) {
        double micros() {
            return clientMicros + serverMicros;
        }
    }

    /** Arguments: numbers of callers, by default 1, 8 and 64. */
    public static void main(String[] args) throws Exception {
        Locale.setDefault(Locale.ROOT);
        Map<String, String> settings = Map.of(
                "shared_preload_libraries", "pg_stat_statements",
                "pg_stat_statements.track", "top",
                "max_connections", "100");
        try (EmbeddedDatabase database = EmbeddedDatabase.start(settings)) {
            new LedgerBenchmark(database)
                    .run(
                            args.length == 0
                                    ? CALLERS
                                    : Stream.of(args).map(Integer::valueOf).toList());
        }
    }

    private void run(List<Integer> all) throws Exception {
        System.out.println(
                "| callers | variant | runs/s | client µs CPU/run | PostgreSQL µs CPU/run | statements/run |");
        System.out.println("| ---: | --- | ---: | ---: | ---: | ---: |");
        String last = "";
        for (int callers : all) {
            List<Sample> insert = new ArrayList<>();
            List<Sample> ledger = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                for (String variant : VARIANTS) {
                    (variant.equals("insert") ? insert : ledger).add(sample(variant, callers));
                }
            }
            row(callers, "INSERT", insert);
            row(callers, "ledger", ledger);
            last = String.format(
                    "hapax-ledger callers=%d statements_per_run=%.3f cpu_vs_insert=%.2f throughput_vs_insert=%.2f",
                    callers,
                    median(ledger, Sample::statements),
                    median(ledger, Sample::micros) / median(insert, Sample::micros),
                    median(ledger, Sample::runsPerSecond) / median(insert, Sample::runsPerSecond));
        }
        System.out.println(last);
    }

    private static void row(int callers, String variant, List<Sample> samples) {
        System.out.printf(
                "| %d | %s | %s | %s | %s | %.3f |%n",
                callers,
                variant,
                text(samples, Sample::runsPerSecond),
                text(samples, Sample::clientMicros),
                text(samples, Sample::serverMicros),
                median(samples, Sample::statements));
    }

    private static String text(List<Sample> samples, ToDoubleFunction<Sample> of) {
        double[] sorted = samples.stream().mapToDouble(of).sorted().toArray();
        return String.format("%.0f (%.0f–%.0f)", median(samples, of), sorted[0], sorted[sorted.length - 1]);
    }

    private static double median(List<Sample> samples, ToDoubleFunction<Sample> of) {
        double[] sorted = samples.stream().mapToDouble(of).toArray();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private Sample sample(String variant, int callers) throws IOException, SQLException, InterruptedException {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LedgerVariant.class.getName(),
                        variant,
                        database.jdbcUrl(),
                        database.user(),
                        database.password(),
                        Integer.toString(callers))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
            expect("ready", output.readLine());
            execute("SELECT pg_stat_statements_reset()");
            double serverBefore = ProcessCpu.ofTree(postmaster);
            long begun = System.nanoTime();
            child.getOutputStream().write('\n');
            child.getOutputStream().flush();
            String[] result = String.valueOf(output.readLine()).split(" ", 2);
            double seconds = (System.nanoTime() - begun) / 1e9;
            double server = ProcessCpu.ofTree(postmaster) - serverBefore;
            double runs = Double.parseDouble(result[0]);
            double statements = number("SELECT sum(calls) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat%'");
            return new Sample(
                    runs / seconds, Double.parseDouble(result[1]) * 1e6 / runs, server * 1e6 / runs, statements / runs);
        } finally {
            child.destroyForcibly().waitFor();
            execute("TRUNCATE plain_run");
            execute("CHECKPOINT");
        }
    }

    private static void expect(String wanted, String found) {
        if (!wanted.equals(found)) {
            throw new IllegalStateException("the variant said '" + found + "' instead of '" + wanted + "'");
        }
    }

    private void execute(String statement) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement sql = connection.createStatement()) {
            sql.execute(statement);
        }
    }

    private double number(String query) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(query)) {
            row.next();
            return row.getDouble(1);
        }
    }
}
