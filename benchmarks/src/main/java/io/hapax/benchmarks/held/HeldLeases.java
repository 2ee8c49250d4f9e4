package io.hapax.benchmarks.held;

import io.hapax.benchmarks.ProcessCpu;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.Chart;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.benchmarks.harness.Failures;
import io.hapax.benchmarks.harness.RedisLine;
import io.hapax.benchmarks.harness.Samples;
import io.hapax.benchmarks.harness.Table;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What holding leases costs, beside Redisson's RLock and its watchdog: calls and keys of renewal from
 * {@code INFO commandstats}, the longest call from {@code INFO latencystats}, CPU from the operating system. Each sample
 * has a JVM and a Redis of its own.
 *
 * <p>{@code latencystats} keeps every call in a histogram of 1 % precision inside Redis, so the longest one can neither
 * be missed, as in the slow log, whose ring is short, nor fall below a threshold, as with {@code LATENCY}. It is wall
 * time: where the processors are busy, the longest call is the one during which Redis had none. How long Redis waited
 * for one stands beside it.
 */
public final class HeldLeases {

    private static final List<String> VARIANTS = List.of("hapax", "rlock");
    private static final int SHORT_RUNS = 100_000;
    private static final int SHORT_RUNS_OF_RLOCK = 15_000;
    private static final int PING_EVERY_MILLIS = 10;
    private static final Pattern LONGEST = Pattern.compile("usec_evalsha:p50=([^,]+),p99=([^,]+),p100=([\\d.]+)");

    /** A longer wait measures nothing else. */
    private static final int MOST_SETTLE = 3600;

    private final Arguments arguments;
    private final int seconds;
    private final int settle;
    private final Table table = new Table(
            "leases",
            "variant",
            "renewal calls/s",
            "keys/call",
            "calls in the busiest second",
            "call p50 ms",
            "call p99 ms",
            "longest call ms",
            "Redis waited for a CPU ms/s",
            "PING of others p99 ms",
            "PING max ms",
            "client CPU ms/s",
            "Redis CPU ms/s",
            "heap B/lease",
            "threads",
            "taken in s",
            "refused by mistake");
    private final List<String> courses = new ArrayList<>();

    private HeldLeases(Arguments arguments) {
        this.arguments = arguments;
        this.seconds = arguments
                .numbers("seconds", List.of(arguments.quick() ? 20 : 60))
                .get(0);
        this.settle = arguments.number("settle", 0, 0, MOST_SETTLE);
    }

    /** What happened while somebody else did nothing but hold. */
    private record Window(
            double seconds,
            List<Long> callsEachSecond,
            long keys,
            double clientCpu,
            double redisCpu,
            double redisWait,
            Samples pings) {
        long calls() {
            return callsEachSecond.stream().mapToLong(Long::longValue).sum();
        }

        double callsPerSecond() {
            return calls() / seconds;
        }
    }

    /** What one child JVM reported about the leases that it holds. */
    private record Sample(
            Window idle,
            Window held,
            double callMillis,
            double p99Millis,
            double longestMillis,
            List<String> inside,
            List<String> taking) {

        double clientCpu() {
            return net(held.clientCpu / held.seconds, idle.clientCpu / idle.seconds);
        }

        double redisCpu() {
            return net(held.redisCpu / held.seconds, idle.redisCpu / idle.seconds);
        }

        private static double net(double with, double without) {
            return 1000 * Math.max(0, with - without);
        }
    }

    /**
     * Measures.
     *
     * @param args {@code --quick}, {@code --csv=file}, {@code --leases=1000,10000}, {@code --seconds=60},
     *     {@code --settle=0} seconds between the last grant and the first that counts, {@code --rounds=1}, {@code --variants=hapax,rlock}, {@code --charts=folder}
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        new HeldLeases(Arguments.of(args)).run();
    }

    /**
     * Measures how often a process calls Redis for the leases that it holds.
     *
     * @param leases how many
     * @param seconds for how long to look on, at least one interval of renewal
     * @return calls per second
     * @throws Exception if something breaks
     */
    public static double renewalCallsPerSecond(int leases, int seconds) throws Exception {
        HeldLeases measurement = new HeldLeases(new Arguments(List.of("--quick", "--seconds=" + seconds)));
        Sample sample = measurement.sample("hapax", leases);
        measurement.row("hapax", leases, sample);
        return sample.held.callsPerSecond();
    }

    private void run() throws Exception {
        List<String> variants = arguments.someOf("variants", VARIANTS);
        List<Integer> sizes =
                arguments.numbers("leases", arguments.quick() ? List.of(1000, 10_000) : List.of(1000, 10_000, 50_000));
        int rounds = arguments.numbers("rounds", List.of(1)).get(0);
        AtomicReference<@Nullable Sample> last = new AtomicReference<>();
        Failures failures = new Failures();
        Map<String, Map<Integer, Double>> calls = new LinkedHashMap<>();
        for (int leases : sizes) {
            for (int round = 0; round < rounds; round++) {
                for (String variant : variants) {
                    failures.note(variant + " with " + leases + " leases", () -> {
                        Sample sample = sample(variant, leases);
                        row(variant, leases, sample);
                        calls.computeIfAbsent(variant, any -> new HashMap<>())
                                .put(leases, sample.held.callsPerSecond());
                        if (variant.equals("hapax")) {
                            last.set(sample);
                        }
                    });
                }
            }
        }
        courses();
        if (arguments.value("charts").isPresent()) {
            Chart chart = new Chart("Renewal calls per second", "leases held");
            calls.forEach(chart::line);
            chart.write(
                    Files.createDirectories(Path.of(arguments.value("charts").get()))
                            .resolve("held-renewals.svg"));
        }
        Map<String, Double> churned = churn(variants, failures);
        if (arguments.csv().isPresent()) {
            table.write(arguments.csv().get());
        }
        Sample most = last.get();
        if (most != null) {
            System.out.printf(
                    Locale.ROOT,
                    "hapax-held leases=%d renew_calls_per_s=%.1f longest_call_ms=%.2f heap_per_lease=%s renew_threads=%s"
                            + " after_churn_per_10s=%.2f rlock_after_churn_per_10s=%.0f%n",
                    sizes.get(sizes.size() - 1),
                    most.held.callsPerSecond(),
                    most.longestMillis,
                    most.inside.get(0),
                    most.inside.get(2),
                    churned.getOrDefault("hapax", Double.NaN),
                    churned.getOrDefault("rlock", Double.NaN));
        }
        failures.report();
    }

    private void row(String variant, int leases, Sample sample) {
        Window held = sample.held;
        table.row(
                leases,
                variant,
                held.callsPerSecond(),
                held.keys / (double) Math.max(1, held.calls()),
                held.callsEachSecond.stream().mapToLong(Long::longValue).max().orElse(0),
                sample.callMillis,
                sample.p99Millis,
                sample.longestMillis,
                1000 * held.redisWait / held.seconds,
                held.pings.quantile(0.99),
                held.pings.quantile(1),
                sample.clientCpu(),
                sample.redisCpu(),
                sample.inside.get(0),
                sample.inside.get(1),
                Double.parseDouble(sample.taking.get(0)) / 1000,
                sample.taking.get(1));
        courses.add("| " + leases + " | " + variant + " | "
                + held.callsEachSecond.stream().map(String::valueOf).collect(Collectors.joining(" ")) + " |");
    }

    /** Renewals over time: whether leases taken together stay together. */
    private void courses() {
        System.out.println("\n| leases | variant | renewal calls in each second since all were held |");
        System.out.println("| --- | --- | --- |");
        courses.forEach(System.out::println);
        System.out.println();
    }

    private Sample sample(String variant, int leases) throws IOException, InterruptedException {
        try (EmbeddedRedis redis = redis();
                ChildJvm child = child(variant, redis, leases)) {
            Thread.sleep(4000);
            Window idle = watch(redis, child, arguments.quick() ? 5 : 15);
            List<String> taking = List.of(child.ask("hold").split(" ", 2));
            Thread.sleep(TimeUnit.SECONDS.toMillis(settle));
            Window held = watch(redis, child, seconds);
            Matcher longest = LONGEST.matcher(redis.command("INFO", "latencystats"));
            if (!longest.find() || held.keys < leases) {
                throw new IllegalStateException(variant + " renewed " + held.keys + " times with " + leases + " held");
            }
            List<String> inside = List.of(child.ask("heap").split(" ", 3));
            return new Sample(
                    idle,
                    held,
                    Double.parseDouble(longest.group(1)) / 1000,
                    Double.parseDouble(longest.group(2)) / 1000,
                    Double.parseDouble(longest.group(3)) / 1000,
                    inside,
                    taking);
        }
    }

    private static EmbeddedRedis redis() {
        EmbeddedRedis redis = EmbeddedRedis.start();
        redis.command("CONFIG", "SET", "latency-tracking-info-percentiles", "50 99 100");
        return redis;
    }

    private static ChildJvm child(String variant, EmbeddedRedis redis, int leases) throws IOException {
        return ChildJvm.start(
                HeldVariant.class, List.of("-Xms512m", "-Xmx512m"), variant, redis.url(), Integer.toString(leases));
    }

    /** Looks on for some seconds, and once a second at the counters; pings as another user of this Redis would. */
    private static Window watch(EmbeddedRedis redis, ChildJvm child, int seconds)
            throws IOException, InterruptedException {
        List<Long> calls = new ArrayList<>();
        Samples pings = new Samples();
        redis.command("CONFIG", "RESETSTAT");
        double client = clientCpu(child);
        double server = ProcessCpu.ofTree(redis.pid());
        double waited = ProcessCpu.waitedBy(redis.pid());
        long begun = System.nanoTime();
        long seen = 0;
        try (RedisLine other = new RedisLine(redis.port())) {
            for (int second = 1; second <= seconds; second++) {
                while (System.nanoTime() - begun < second * 1_000_000_000L) {
                    pings.add(other.pingMillis());
                    Thread.sleep(PING_EVERY_MILLIS);
                }
                long now = redis.commandStats().getOrDefault("evalsha", 0L);
                calls.add(now - seen);
                seen = now;
            }
        }
        return new Window(
                (System.nanoTime() - begun) / 1e9,
                calls,
                redis.commandStats().getOrDefault("pexpire", 0L),
                clientCpu(child) - client,
                ProcessCpu.ofTree(redis.pid()) - server,
                ProcessCpu.waitedBy(redis.pid()) - waited,
                pings);
    }

    /** Without what the compilers of the JVM take, which is a matter of its age. */
    private static double clientCpu(ChildJvm child) {
        return ProcessCpu.ofTree(child.pid()) - ProcessCpu.ofCompiler(child.pid());
    }

    /** Many short runs, then one held lease: it ought to be renewed once in ten seconds. */
    private Map<String, Double> churn(List<String> variants, Failures failures) throws InterruptedException {
        Map<String, Double> calls = new LinkedHashMap<>();
        System.out.println("| short runs before | variant | taken in s | renewal calls in 10 s for one held lease |");
        System.out.println("| --- | --- | --- | --- |");
        for (String variant : variants) {
            int runs = (variant.equals("hapax") ? SHORT_RUNS : SHORT_RUNS_OF_RLOCK) / (arguments.quick() ? 5 : 1);
            failures.note(variant + " after " + runs + " short runs", () -> {
                try (EmbeddedRedis redis = redis();
                        ChildJvm child = child(variant, redis, 1)) {
                    double taken = Double.parseDouble(child.ask("churn " + runs)) / 1000;
                    String unused = child.ask("hold");
                    Window window = watch(redis, child, arguments.quick() ? 20 : 40);
                    double per10 = 10 * window.callsPerSecond();
                    calls.put(variant, per10);
                    System.out.printf(
                            Locale.ROOT, "| %d | %s | %.1f | %s |%n", runs, variant, taken, Table.text(per10));
                }
            });
        }
        System.out.println();
        return calls;
    }
}
