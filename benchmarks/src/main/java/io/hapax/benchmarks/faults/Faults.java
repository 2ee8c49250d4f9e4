package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.harness.Arguments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

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

    /** One of each that {@link Strike} lets strike together. */
    private static final int MOST_AT_ONCE = 4;

    private static final String[] ARGUMENTS = {
        "quick",
        "contenders",
        "faults",
        "faults-at-once",
        "seed",
        "seeds",
        "minutes",
        "occurrences",
        "length",
        "keep",
        "out",
        "report"
    };

    private static final int MOST_SEEDS = 1_000_000;
    private static final int MOST_MINUTES = 100_000;
    private static final int MOST_LENGTH = 1_000;
    private static final int MOST_OCCURRENCES = 10_000_000;

    private Faults() {}

    /**
     * Strikes, observes, checks and reports; ends with code 1 if Hapax broke a promise.
     *
     * @param args {@code --quick}, {@code --contenders=rlock,hapax-l3}, {@code --faults=worker-stop,worker-kill+redis-empty}
     *     (joined ones strike together), {@code --faults-at-once=2}, {@code --seed=42} (default with
     *     {@code --quick} and {@code --seeds}: any), {@code --seeds=20} to try so many seeds until one breaks a promise, {@code
     *     --minutes=60} for so long at the most, {@code --occurrences=25000} to go on, with one seed after the other, until each
     *     contender had so many, and where the last run was interrupted, {@code --length=50} for faults that last half as long, {@code --keep=folder} for one more copy of the report, {@code --out=folder} (default {@code target/faults}, {@code
     *     target/faults-quick} and {@code target/faults-seeds}), {@code --report} to make the report of the histories that are
     *     there
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        try {
            System.exit(run(Arguments.of(args).only(ARGUMENTS)));
        } catch (IllegalArgumentException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(2);
        }
    }

    private static int run(Arguments arguments) throws IOException, InterruptedException {
        boolean untilEnough = arguments.value("occurrences").isPresent();
        boolean untilBroken = !untilEnough && arguments.value("seeds").isPresent();
        Path out = Files.createDirectories(Path.of(arguments.value("out").orElse(usualFolder(arguments))));
        boolean strikes = !arguments.all().contains("--report");
        if (strikes
                && (untilBroken || arguments.quick())
                && arguments.value("out").isEmpty()) {
            // Each time it is another seed, so the files of the last time would stay.
            forget(out);
        }
        if (strikes) {
            Report.remember(
                    "mvn -q -Pbench -Dbench=faults.Faults -Dbench.args=\"" + String.join(" ", arguments.all()) + "\"",
                    out);
        }
        boolean allDone = !strikes || strike(arguments, untilBroken, untilEnough, out);
        List<Outcome> outcomes = Outcome.read(out);
        System.out.println("report: " + Report.write(outcomes, out).toAbsolutePath());
        Optional<Path> kept = arguments.value("keep").map(Path::of);
        if (kept.isPresent()) {
            Report.keep(outcomes, out, Files.createDirectories(kept.get()));
        }
        List<String> broken =
                outcomes.stream().flatMap(outcome -> outcome.broken().stream()).toList();
        broken.forEach(what -> System.out.println("promise broken: " + what));
        List<String> differences = outcomes.stream()
                .flatMap(outcome -> outcome.differences().stream())
                .toList();
        differences.forEach(what -> System.out.println("the checkers disagree: " + what));
        outcomes.forEach(outcome -> System.out.println(outcome.line()));
        return broken.isEmpty() && differences.isEmpty() && allDone ? 0 : 1;
    }

    private static String usualFolder(Arguments arguments) {
        if (arguments.value("occurrences").isPresent()) {
            return "target/faults-campaign";
        }
        if (arguments.value("seeds").isPresent()) {
            return "target/faults-seeds";
        }
        return arguments.quick() ? "target/faults-quick" : "target/faults";
    }

    private static void forget(Path out) throws IOException {
        try (Stream<Path> files = Files.list(out)) {
            for (Path file :
                    files.filter(each -> each.toString().endsWith(".history")).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Whether nothing had to be given up, and, of several seeds, no promise was broken. */
    private static boolean strike(Arguments arguments, boolean untilBroken, boolean untilEnough, Path out)
            throws IOException, InterruptedException {
        long seed = seed(arguments);
        Shim shim = Shim.build(out).orElse(null);
        if (shim == null) {
            System.err.println("no C compiler (cc) is there, so no clock is moved, and there is no quorum");
        }
        List<Plan> plans = new ArrayList<>();
        int seeds = arguments.number("seeds", 1, 1, MOST_SEEDS);
        for (int i = 0; i < seeds; i++) {
            plans.addAll(plan(arguments, seed + i, shim != null));
        }
        Campaigns campaigns = new Campaigns(
                out, shim, Duration.ofMinutes(arguments.number("minutes", MOST_MINUTES, 1, MOST_MINUTES)), plans);
        if (untilEnough) {
            return campaigns.enough(
                    i -> plan(arguments, seed + i, shim != null),
                    seeds,
                    arguments.number("occurrences", 1, 1, MOST_OCCURRENCES));
        }
        return untilBroken ? campaigns.untilBroken() : campaigns.all();
    }

    /** The quick ones take another one each time, and say which, so that CI sees more than one. */
    private static long seed(Arguments arguments) {
        boolean any = arguments.quick()
                || (arguments.value("seeds").isPresent()
                        && arguments.value("occurrences").isEmpty());
        String usual = any ? Integer.toString(new Random().nextInt(MOST_SEEDS)) : "42";
        String text = arguments.value("seed").orElse(usual);
        System.out.println("seed: " + text);
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--seed has to be a whole number, was '" + text + "'", e);
        }
    }

    private static List<Plan> plan(Arguments arguments, long seed, boolean hasShim) {
        List<Contender> contenders = arguments
                .words(
                        "contenders",
                        labels(arguments.quick() ? List.of(Contender.HAPAX_L3) : List.of(Contender.values())))
                .stream()
                .map(Contender::of)
                .filter(contender -> hasShim || contender.redisServers() <= 1)
                .toList();
        List<Strike> strikes = arguments.words("faults", faultLabels(arguments.quick())).stream()
                .map(Strike::of)
                .flatMap(strike -> strike.without(fault -> !hasShim && fault.movesClock()))
                .toList();
        int length = arguments.number("length", Plan.USUAL_LENGTH, 1, MOST_LENGTH);
        List<Plan> plans = new ArrayList<>();
        for (Contender contender : contenders) {
            for (Topology topology : Topology.values()) {
                List<Strike> striking = strikes.stream()
                        .filter(strike -> strike.topology() == topology && strike.strikes(contender))
                        .toList();
                if (!striking.isEmpty()) {
                    List<Strike> drawn = atOnce(striking, strikes, contender, arguments, seed);
                    plans.add(new Plan(contender, topology, drawn, seed, length));
                }
            }
        }
        if (plans.isEmpty()) {
            throw new IllegalArgumentException(
                    "none of these faults can strike any of these contenders here: " + labels(contenders) + ", "
                            + strikes.stream().map(Strike::label).toList());
        }
        return plans;
    }

    /** As they are, or drawn together; faults that need no servers of their own may join those that do. */
    private static List<Strike> atOnce(
            List<Strike> striking, List<Strike> all, Contender contender, Arguments arguments, long seed) {
        int atOnce = arguments.number("faults-at-once", 1, 1, MOST_AT_ONCE);
        if (atOnce == 1) {
            return striking;
        }
        List<Fault> faults =
                striking.stream().flatMap(strike -> strike.faults().stream()).toList();
        List<Fault> others = all.stream()
                .flatMap(strike -> strike.faults().stream())
                .filter(fault -> fault.topology() == Topology.USUAL
                        && fault.scope() != Fault.Scope.REDIS
                        && fault.scope() != Fault.Scope.QUORUM
                        && fault.strikes(contender))
                .toList();
        return Strike.draw(faults, others, atOnce, new Random(seed));
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

    private static List<String> labels(List<Contender> contenders) {
        return contenders.stream().map(Contender::label).toList();
    }

    private static List<String> faultLabels(boolean quick) {
        return (quick ? HARSHEST : Arrays.asList(Fault.values()))
                .stream().map(Fault::label).toList();
    }
}
