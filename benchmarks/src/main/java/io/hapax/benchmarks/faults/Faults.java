package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.harness.Arguments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Puts contenders through faults: everything, or with {@code --quick} the harshest faults for Hapax with a ledger. */
public final class Faults {

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

    private Faults() {}

    /**
     * Strikes, observes, checks and reports; ends with code 1 if Hapax broke a promise.
     *
     * @param args {@code --quick}, {@code --contenders=rlock,hapax-l3}, {@code --faults=worker-stop,redis-empty},
     *     {@code --seed=42}, {@code --out=folder} (default {@code target/faults}, and {@code target/faults-quick}), {@code --report} to make the report of the
     *     histories that are there
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        try {
            System.exit(run(Arguments.of(args).only("quick", "contenders", "faults", "seed", "out", "report")));
        } catch (IllegalArgumentException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(2);
        }
    }

    private static int run(Arguments arguments) throws IOException, InterruptedException {
        String folder = arguments.value("out").orElse(arguments.quick() ? "target/faults-quick" : "target/faults");
        Path out = Files.createDirectories(Path.of(folder));
        int givenUp = arguments.all().contains("--report") ? 0 : strike(arguments, out);
        List<Outcome> outcomes = Outcome.read(out);
        System.out.println("report: " + Report.write(outcomes, out).toAbsolutePath());
        List<String> broken =
                outcomes.stream().flatMap(outcome -> outcome.broken().stream()).toList();
        broken.forEach(what -> System.out.println("promise broken: " + what));
        outcomes.forEach(outcome -> System.out.println(outcome.line()));
        return broken.isEmpty() && givenUp == 0 ? 0 : 1;
    }

    /** How many could not be brought to the end. */
    private static int strike(Arguments arguments, Path out) throws IOException, InterruptedException {
        long seed = seed(arguments.value("seed").orElse("42"));
        Shim shim = Shim.build(out).orElse(null);
        if (shim == null) {
            System.err.println("no C compiler (cc) is there, so no clock is moved, and there is no quorum");
        }
        List<Planned> plan = plan(arguments, shim != null);
        Progress progress = new Progress(
                plan.stream().mapToInt(planned -> planned.faults().size()).sum());
        int givenUp = 0;
        for (Planned planned : plan) {
            progress.contender(planned.contender().title());
            try {
                new Campaign(planned.contender(), planned.topology(), planned.faults(), seed, out, shim, progress)
                        .run();
            } catch (IOException | SQLException | RuntimeException e) {
                // The others are worth their time all the same; a history that is not complete counts for nothing.
                progress.note(planned.contender().label() + " was given up: " + e);
                givenUp++;
            }
        }
        progress.end();
        return givenUp;
    }

    private static long seed(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--seed has to be a whole number, was '" + text + "'", e);
        }
    }

    private static List<Planned> plan(Arguments arguments, boolean hasShim) {
        List<Contender> contenders = arguments
                .words(
                        "contenders",
                        labels(arguments.quick() ? List.of(Contender.HAPAX_L3) : List.of(Contender.values())))
                .stream()
                .map(Contender::of)
                .filter(contender -> hasShim || contender.redisServers() <= 1)
                .toList();
        List<Fault> faults = arguments.words("faults", faultLabels(arguments.quick())).stream()
                .map(Fault::of)
                .filter(fault -> hasShim || !fault.movesClock())
                .toList();
        List<Planned> plan = new ArrayList<>();
        for (Contender contender : contenders) {
            for (Topology topology : Topology.values()) {
                List<Fault> striking = faults.stream()
                        .filter(fault -> fault.topology() == topology && fault.strikes(contender))
                        .toList();
                if (!striking.isEmpty()) {
                    plan.add(new Planned(contender, topology, striking));
                }
            }
        }
        if (plan.isEmpty()) {
            throw new IllegalArgumentException(
                    "none of these faults can strike any of these contenders here: " + labels(contenders) + ", "
                            + faults.stream().map(Fault::label).toList());
        }
        return plan;
    }

    /** Where and when this was measured. */
    static String machine() {
        return String.format(
                Locale.ROOT,
                "Run on %s, on %d cores, %s, Java %s.",
                LocalDate.ofInstant(InstantSource.system().instant(), ZoneOffset.UTC),
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.name"),
                System.getProperty("java.version"));
    }

    private record Planned(Contender contender, Topology topology, List<Fault> faults) {}

    private static List<String> labels(List<Contender> contenders) {
        return contenders.stream().map(Contender::label).toList();
    }

    private static List<String> faultLabels(boolean quick) {
        return (quick ? HARSHEST : Arrays.asList(Fault.values()))
                .stream().map(Fault::label).toList();
    }
}
