package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.harness.Arguments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/** Puts contenders through faults: everything, or with {@code --quick} the harshest faults for Hapax with a ledger. */
public final class Faults {

    /** What a run is for. */
    private enum Mode {
        USUAL,
        UNTIL_BROKEN,
        UNTIL_ENOUGH,
        CAMPAIGN;

        static Mode of(Arguments arguments) {
            if (arguments.all().contains("--campaign")) {
                return CAMPAIGN;
            }
            if (arguments.value("occurrences").isPresent()) {
                return UNTIL_ENOUGH;
            }
            return arguments.value("seeds").isPresent() ? UNTIL_BROKEN : USUAL;
        }

        boolean goesOn() {
            return this == UNTIL_ENOUGH || this == CAMPAIGN;
        }
    }

    private static final String USUAL_SEED = "42";
    private static final int CAMPAIGN_SEEDS = 10;
    private static final int CAMPAIGN_OCCURRENCES = 25_000;
    private static final int CAMPAIGN_OTHERS = 2;
    private static final int MOST_BESIDE = 16;

    private static final String[] ARGUMENTS = {
        "quick",
        "campaign",
        "beside",
        "other-seeds",
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
        Mode mode = Mode.of(arguments);
        Path out = Files.createDirectories(Path.of(arguments.value("out").orElse(usualFolder(arguments, mode))));
        boolean strikes = !arguments.all().contains("--report");
        if (strikes
                && !mode.goesOn()
                && (mode == Mode.UNTIL_BROKEN || arguments.quick())
                && arguments.value("out").isEmpty()) {
            // Each time it is another seed, so the files of the last time would stay.
            forget(out);
        }
        if (strikes) {
            Report.remember(
                    "mvn -q -Pbench -Dbench=faults.Faults -Dbench.args=\"" + String.join(" ", arguments.all()) + "\"",
                    out);
        }
        boolean allDone = !strikes || strike(arguments, mode, out);
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
        outcomes.stream().flatMap(Outcome::again).forEach(System.out::println);
        outcomes.forEach(outcome -> System.out.println(outcome.line()));
        return broken.isEmpty() && differences.isEmpty() && allDone ? 0 : 1;
    }

    private static String usualFolder(Arguments arguments, Mode mode) {
        if (mode.goesOn()) {
            return "target/faults-campaign";
        }
        if (mode == Mode.UNTIL_BROKEN) {
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
    private static boolean strike(Arguments arguments, Mode mode, Path out) throws IOException, InterruptedException {
        long seed = seed(arguments, mode);
        Shim shim = Shim.build(out).orElse(null);
        if (shim == null) {
            System.err.println("no C compiler (cc) is there, so no clock is moved, and there is no quorum");
        }
        Planning planning = new Planning(arguments, shim != null);
        int seeds = arguments.number("seeds", mode == Mode.CAMPAIGN ? CAMPAIGN_SEEDS : 1, 1, MOST_SEEDS);
        List<Batch> batches = switch (mode) {
            case CAMPAIGN ->
                Batch.campaign(
                        seeds,
                        arguments.number("occurrences", CAMPAIGN_OCCURRENCES, 1, MOST_OCCURRENCES),
                        arguments.number("other-seeds", CAMPAIGN_OTHERS, 1, MOST_SEEDS));
            case UNTIL_ENOUGH ->
                List.of(planning.batch(seeds, arguments.number("occurrences", 1, 1, MOST_OCCURRENCES)));
            case USUAL, UNTIL_BROKEN -> List.of(planning.batch(seeds, 0));
        };
        List<Plan> plans = Batch.plans(batches, planning, seed);
        planning.requireSome(plans);
        Campaigns campaigns = new Campaigns(
                out, shim, Duration.ofMinutes(arguments.number("minutes", MOST_MINUTES, 1, MOST_MINUTES)), plans);
        int beside = arguments.number("beside", 1, 1, MOST_BESIDE);
        return switch (mode) {
            case CAMPAIGN, UNTIL_ENOUGH ->
                campaigns.enough(Batch.least(batches), i -> Batch.further(batches, planning, seed, i), beside);
            case UNTIL_BROKEN -> campaigns.untilBroken(beside);
            case USUAL -> campaigns.all();
        };
    }

    /** The quick ones take another one each time, and say which, so that CI sees more than one. */
    private static long seed(Arguments arguments, Mode mode) {
        boolean any = !mode.goesOn() && (arguments.quick() || mode == Mode.UNTIL_BROKEN);
        String usual = any ? Integer.toString(new Random().nextInt(MOST_SEEDS)) : USUAL_SEED;
        String text = arguments.value("seed").orElse(usual);
        System.out.println("seed: " + text);
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--seed has to be a whole number, was '" + text + "'", e);
        }
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
}
