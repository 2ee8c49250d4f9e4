package io.hapax.benchmarks.handover;

import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.benchmarks.harness.Failures;
import io.hapax.benchmarks.harness.RedisLine;
import io.hapax.benchmarks.harness.Samples;
import io.hapax.benchmarks.harness.Table;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How long a key that is given back in one JVM takes to reach a waiter in another one, from the start of the release to
 * the return of the waiter's call. {@code System.nanoTime()} is CLOCK_MONOTONIC on Linux, one clock for all processes.
 *
 * <p>Cold are the first times, hot are those after many runs without contention, and compiled are those after many hand-overs as well, each
 * after a millisecond, so that Java has compiled what only a hand-over runs.
 *
 * <p>Commands are counted in a pass of their own, which is not timed, by {@code MONITOR}: it tells what a client sent
 * from what a script called, and {@code commandstats} does not.
 */
public final class HandOver {

    private static final List<String> VARIANTS =
            List.of("bare", "hapax", "rlock", "rfenced", "spring-pubsub", "spring-spin");
    private static final Duration LONGEST_WARM_UP = Duration.ofSeconds(20);
    /** A line of MONITOR; what a script calls comes from 'lua'. */
    private static final Pattern COMMAND = Pattern.compile("\\+[\\d.]+ \\[\\d+ (\\S+)] \"([^\"]+)\".*");

    private final Arguments arguments;
    private final Random random = new Random(42);
    private final Map<String, Result> results = new LinkedHashMap<>();

    private HandOver(Arguments arguments) {
        this.arguments = arguments;
    }

    /** What was measured of a variant, in all rounds. */
    private record Result(
            Samples cold, Samples hot, Samples compiled, Map<String, Integer> commands, AtomicInteger counted) {
        Result() {
            this(new Samples(), new Samples(), new Samples(), new ConcurrentSkipListMap<>(), new AtomicInteger());
        }

        double commandsEach() {
            return commands.values().stream().mapToInt(Integer::intValue).sum() / counted.doubleValue();
        }

        String commandText() {
            return commands.entrySet().stream()
                    .map(entry -> Table.text(entry.getValue() / counted.doubleValue()) + " " + entry.getKey())
                    .collect(Collectors.joining(", "));
        }
    }

    /**
     * Measures.
     *
     * @param args {@code --quick}, {@code --csv=file}, {@code --rounds=2}, {@code --variants=hapax,rlock}
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        new HandOver(Arguments.of(args)).run();
    }

    private void run() throws Exception {
        int rounds =
                arguments.numbers("rounds", List.of(arguments.quick() ? 1 : 2)).get(0);
        List<String> variants = arguments.someOf("variants", VARIANTS);
        Failures failures = new Failures();
        for (int round = 0; round < rounds; round++) {
            for (String variant : variants) {
                failures.note(variant, () -> measure(variant, results.computeIfAbsent(variant, name -> new Result())));
            }
        }
        results.values().removeIf(result -> result.counted.get() == 0);
        Table table = new Table(
                "variant",
                "cold n",
                "cold p50 ms",
                "cold p90 ms",
                "cold max ms",
                "hot n",
                "hot p50 ms",
                "hot p90 ms",
                "hot max ms",
                "compiled n",
                "compiled p50 ms",
                "compiled p90 ms",
                "compiled max ms",
                "commands per hand-over",
                "which");
        results.forEach((variant, result) -> table.row(
                variant,
                result.cold.count(),
                result.cold.median(),
                result.cold.quantile(0.9),
                result.cold.quantile(1),
                result.hot.count(),
                result.hot.median(),
                result.hot.quantile(0.9),
                result.hot.quantile(1),
                result.compiled.count(),
                result.compiled.median(),
                result.compiled.quantile(0.9),
                result.compiled.quantile(1),
                result.commandsEach(),
                result.commandText()));
        if (arguments.csv().isPresent()) {
            table.write(arguments.csv().get());
        }
        Result hapax = results.get("hapax");
        Result rlock = results.get("rlock");
        if (hapax != null && rlock != null) {
            System.out.printf(
                    Locale.ROOT,
                    "hapax-handover p50_ms=%.2f rlock_p50_ms=%.2f commands=%.2f rlock_commands=%.2f%n",
                    hapax.hot.median(),
                    rlock.hot.median(),
                    hapax.commandsEach(),
                    rlock.commandsEach());
        }
        failures.report();
    }

    private void measure(String variant, Result result) throws IOException, InterruptedException {
        int share = arguments.quick() ? 3 : 1;
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                ChildJvm one = child(variant, redis);
                ChildJvm other = child(variant, redis)) {
            String unused = one.ask("take");
            pass(one, other, 60 / share, result.cold);
            unused = one.ask("give");
            warmUp(one, other, 6000 / share);
            unused = one.ask("take");
            pass(one, other, 80 / share, result.hot);
            // Before many holds follow, of which a peer's watchdog renews some later: that would be counted.
            count(redis, one, other, 30 / share, result);
            tightly(one, other, 2000 / share);
            pass(one, other, 80 / share, result.compiled);
        }
    }

    private static ChildJvm child(String variant, EmbeddedRedis redis) throws IOException {
        return ChildJvm.start(HandOverVariant.class, List.of("-Xms256m", "-Xmx256m"), variant, redis.url());
    }

    private static void warmUp(ChildJvm one, ChildJvm other, int cycles) throws IOException {
        one.tell("cycles " + cycles);
        other.tell("cycles " + cycles);
        String unused = one.read() + other.read();
    }

    /** Hands the key to and fro; an even number of times, so that the first one has it again. */
    private void pass(ChildJvm one, ChildJvm other, int times, Samples millis)
            throws IOException, InterruptedException {
        for (int n = 0; n < times - times % 2; n++) {
            millis.add(handOver(n % 2 == 0 ? one : other, n % 2 == 0 ? other : one, 60 + random.nextInt(100)));
        }
    }

    /** Does so a millisecond after the waiter has asked; less often if it takes long. */
    private static void tightly(ChildJvm one, ChildJvm other, int times) throws IOException, InterruptedException {
        long end = System.nanoTime() + LONGEST_WARM_UP.toNanos();
        for (int n = 0; n < times / 2 && System.nanoTime() < end; n++) {
            double unused = handOver(one, other, 1) + handOver(other, one, 1);
        }
    }

    /** Returns milliseconds from the start of the release to the return of the waiter's call. */
    private static double handOver(ChildJvm holder, ChildJvm waiter, long waitingMillis)
            throws IOException, InterruptedException {
        waiter.tell("take");
        Thread.sleep(waitingMillis);
        long given = Long.parseLong(holder.ask("give"));
        long taken = Long.parseLong(waiter.read());
        if (taken < given) {
            throw new IllegalStateException("the waiter had the key before it was given back");
        }
        return (taken - given) / 1e6;
    }

    private void count(EmbeddedRedis redis, ChildJvm one, ChildJvm other, int times, Result result)
            throws IOException, InterruptedException {
        try (RedisLine monitor = new RedisLine(redis.port())) {
            monitor.monitor(line -> {
                Matcher matcher = COMMAND.matcher(line);
                if (matcher.matches() && !matcher.group(1).equals("lua")) {
                    String command = matcher.group(2).toLowerCase(Locale.ROOT);
                    if (!command.equals("ping")) {
                        result.commands.merge(command, 1, Integer::sum);
                    }
                }
            });
            Samples untimed = new Samples();
            pass(one, other, times, untimed);
            // Lines of the last commands may be on their way.
            Thread.sleep(300);
            int unused = result.counted.addAndGet(untimed.count());
        }
    }
}
