package io.hapax.benchmarks.adapters;

import io.hapax.benchmarks.cycle.SocketPeer;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.benchmarks.harness.CountingDatabase;
import io.hapax.benchmarks.harness.Failures;
import io.hapax.benchmarks.harness.Samples;
import io.hapax.benchmarks.harness.Table;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedRedis;
import java.io.File;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the guard adds to a job that does nothing, beside the least that a lock adds ({@link SocketPeer#setNx}): time, allocation, CPU, SQL
 * statements (by {@code pg_stat_statements}) and commands of Redis (by {@code commandstats}; the guard sends nothing but EVALSHA and
 * EVAL). The processes take turns; only guarded ones have the adapters on their class path.
 */
public final class AdapterOverhead {

    private static final List<String> ENGINES = List.of("quartz-ram", "quartz-jdbc", "jobrunr");
    private static final List<String> VARIANTS = List.of("plain", "set-nx", "guarded");
    private static final Pattern ADAPTERS =
            Pattern.compile("hapax-(quartz|jobrunr)-[^/]*\\.jar|/(quartz|jobrunr)/target/classes");

    private final Arguments arguments;
    private final CountingDatabase server;
    private final Map<String, Cost> costs = new LinkedHashMap<>();
    private int databases;

    private AdapterOverhead(Arguments arguments, CountingDatabase server) {
        this.arguments = arguments;
        this.server = server;
    }

    /** What a job cost, in all rounds. */
    private record Cost(
            Samples micros,
            Samples bytes,
            Samples cpuMicros,
            Samples statements,
            Samples commands,
            Map<String, Samples> each) {
        Cost() {
            this(new Samples(), new Samples(), new Samples(), new Samples(), new Samples(), new LinkedHashMap<>());
        }

        /** Without JobRunr's look for further jobs (a transaction and a query), which is a matter of time. */
        double ownStatements() {
            double polls = each.entrySet().stream()
                    .filter(entry -> entry.getKey().contains("SKIP LOCKED"))
                    .mapToDouble(entry -> entry.getValue().median())
                    .sum();
            return statements.median() - 2 * polls;
        }
    }

    /**
     * Measures.
     *
     * @param args {@code --quick}, {@code --csv=file}, {@code --rounds=5}, {@code --engines=quartz-ram,jobrunr}
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        Arguments arguments = Arguments.of(args);
        try (CountingDatabase server = CountingDatabase.start()) {
            new AdapterOverhead(arguments, server).run();
        }
    }

    private void run() throws Exception {
        int rounds =
                arguments.numbers("rounds", List.of(arguments.quick() ? 1 : 5)).get(0);
        Failures failures = new Failures();
        for (int round = 0; round < rounds; round++) {
            for (String engine : arguments.someOf("engines", ENGINES)) {
                for (String variant : VARIANTS) {
                    failures.note(
                            engine + " " + variant,
                            () -> sample(
                                    engine,
                                    variant,
                                    costs.computeIfAbsent(engine + " " + variant, name -> new Cost())));
                }
            }
        }
        costs.values().removeIf(cost -> cost.commands.count() == 0);
        Table table = new Table(
                "engine",
                "µs per job",
                "throughput / plain",
                "client µs CPU per job",
                "bytes per job",
                "SQL per job",
                "SQL per job without polls",
                "Redis commands per job");
        costs.forEach((name, cost) -> table.row(
                name,
                cost.micros.text(),
                cost(name.substring(0, name.indexOf(' ')) + " plain").micros.median() / cost.micros.median(),
                cost.cpuMicros.text(),
                cost.bytes.text(),
                cost.statements.text(),
                cost.ownStatements(),
                cost.commands.text()));
        System.out.println("\n| engine | plain per job | guarded per job | statements that differ by 0.005 or more |");
        System.out.println("| --- | --- | --- | --- |");
        differences("quartz-jdbc");
        differences("jobrunr");
        System.out.println();
        if (arguments.csv().isPresent()) {
            table.write(arguments.csv().get());
        }
        if (costs.size() == ENGINES.size() * VARIANTS.size()) {
            System.out.printf(
                    Locale.ROOT,
                    "hapax-adapters quartz_ram_overhead_us=%.0f quartz_jdbc_sql_added=%.2f jobrunr_sql_added=%.2f"
                            + " redis_commands_per_job=%.2f%n",
                    cost("quartz-ram guarded").micros.median()
                            - cost("quartz-ram plain").micros.median(),
                    added("quartz-jdbc"),
                    added("jobrunr"),
                    costs.entrySet().stream()
                            .filter(entry -> entry.getKey().endsWith("guarded"))
                            .mapToDouble(entry -> entry.getValue().commands.median())
                            .max()
                            .orElseThrow());
        }
        failures.report();
    }

    private Cost cost(String name) {
        return costs.getOrDefault(name, new Cost());
    }

    private double added(String engine) {
        return cost(engine + " guarded").ownStatements()
                - cost(engine + " plain").ownStatements();
    }

    private void sample(String engine, String variant, Cost cost) throws IOException, SQLException {
        int jobs = (engine.equals("quartz-ram") ? 10_000 : 1500) / (arguments.quick() ? 3 : 1);
        int warmedUp = 0;
        DatabaseAddress own = server.database().createDatabase("adapters_" + ++databases);
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                ChildJvm child = ChildJvm.startOn(
                        variant.equals("guarded") ? System.getProperty("java.class.path") : withoutAdapters(),
                        AdapterVariant.class,
                        List.of("-Xms512m", "-Xmx512m"),
                        engine,
                        variant,
                        engine.equals("jobrunr") ? "8" : "1",
                        redis.url(),
                        own.jdbcUrl(),
                        own.user(),
                        own.password())) {
            child.tell("enqueue " + jobs);
            child.expect("done");
            for (int lot = 0; lot < (arguments.quick() ? 1 : 3); lot++) {
                warmedUp += child.ask("run").length();
                child.tell("enqueue " + jobs);
                child.expect("done");
            }
            server.reset();
            redis.command("CONFIG", "RESETSTAT");
            double[] answer = Arrays.stream(child.ask("run").split(" ", 3))
                    .mapToDouble(Double::parseDouble)
                    .toArray();
            Map<String, Long> commands = redis.commandStats();
            cost.micros.add(answer[0] / 1000 / (jobs - 1));
            cost.bytes.add(answer[1] / jobs);
            cost.cpuMicros.add(answer[2] * 1e6 / jobs);
            Map<String, Long> statements = statements(own.database());
            cost.statements.add(
                    statements.values().stream().mapToLong(Long::longValue).sum() / (double) jobs);
            statements.forEach((text, calls) ->
                    cost.each.computeIfAbsent(text, unseen -> new Samples()).add(calls / (double) jobs));
            // The guard's scripts call SET, too.
            Set<String> sent = variant.equals("set-nx") ? Set.of("evalsha", "set") : Set.of("evalsha", "eval");
            cost.commands.add(sent.stream()
                            .mapToLong(name -> commands.getOrDefault(name, 0L))
                            .sum()
                    / (double) jobs);
            if (warmedUp == 0 || cost.micros.median() <= 0) {
                throw new IllegalStateException(engine + " " + variant + " did not run");
            }
        }
    }

    private static String withoutAdapters() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> !ADAPTERS.matcher(entry).find())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private Map<String, Long> statements(String of) throws SQLException {
        Map<String, Long> calls = new LinkedHashMap<>();
        try (Connection connection = server.database().dataSource().getConnection();
                PreparedStatement sql = connection.prepareStatement(
                        "SELECT query, calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
                                + " WHERE d.datname = ? ORDER BY calls DESC")) {
            sql.setString(1, of);
            try (ResultSet row = sql.executeQuery()) {
                while (row.next()) {
                    calls.merge(row.getString(1).replaceAll("\\s+", " "), row.getLong(2), Long::sum);
                }
            }
        }
        return calls;
    }

    /** Those that one variant sends more often than the other: a scheduler polls more often while jobs take longer. */
    private void differences(String engine) {
        Map<String, Samples> plain = cost(engine + " plain").each;
        Map<String, Samples> guarded = cost(engine + " guarded").each;
        Set<String> all = new TreeSet<>(plain.keySet());
        all.addAll(guarded.keySet());
        for (String text : all) {
            double without = perJob(plain.get(text));
            double with = perJob(guarded.get(text));
            if (Math.abs(with - without) >= 0.005) {
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %.3f | %.3f | %s |%n",
                        engine,
                        without,
                        with,
                        text.substring(0, Math.min(100, text.length())).replace("|", "\\|"));
            }
        }
    }

    private static double perJob(@Nullable Samples calls) {
        return calls == null ? 0 : calls.median();
    }
}
