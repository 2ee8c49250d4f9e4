package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Checker;
import io.hapax.benchmarks.faults.history.Findings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Carries out one plan after the other, in a folder, as long as there is time. */
final class Campaigns {

    private final Path out;
    private final @Nullable Shim shim;
    private final long end;
    private final List<Plan> plans;
    private final Map<Contender, Integer> occurrences = new EnumMap<>(Contender.class);
    private final Progress progress;
    private long longest;
    private int givenUp;

    Campaigns(Path out, @Nullable Shim shim, Duration time, List<Plan> plans) {
        this.out = out;
        this.shim = shim;
        this.end = System.nanoTime() + time.toNanos();
        this.plans = plans;
        this.progress = new Progress(
                plans.stream().mapToInt(plan -> plan.strikes().size()).sum());
    }

    /** Whether there is time for one more that takes no longer than the others. */
    private boolean isTimeLeft() {
        return System.nanoTime() + longest - end < 0;
    }

    /** Whether all were brought to the end. */
    boolean all() throws IOException, InterruptedException {
        for (Plan plan : plans) {
            if (isTimeLeft()) {
                Path unused = carryOut(plan, out);
            } else {
                progress.note("no time is left for " + plan.contender().label() + ", seed " + plan.seed());
            }
        }
        progress.end();
        return givenUp == 0;
    }

    /** As many as there is time for, until one breaks a promise, which is made smaller, and shown. Whether none did. */
    boolean untilBroken() throws IOException, InterruptedException {
        int tried = 0;
        for (Plan plan : plans) {
            if (!isTimeLeft()) {
                break;
            }
            tried++;
            List<String> suspects = suspects(carryOut(plan, out));
            if (!suspects.isEmpty()) {
                progress.note("seed " + plan.seed() + " broke a promise during " + suspects);
                Path smaller = Files.createDirectories(out.resolve("smaller"));
                Plan least = new Shrinking(
                                trial -> !suspects(carryOut(trial, smaller)).isEmpty(), this::isTimeLeft)
                        .shrink(plan, suspects);
                progress.end();
                System.out.println("again: " + least.command());
                return false;
            }
        }
        progress.end();
        System.out.println("carried out: " + tried + " of " + plans.size() + " plans");
        return givenUp == 0 && tried > 0;
    }

    /**
     * Carries out the plans of one seed after the other until there were enough seeds and each contender had enough occurrences.
     * What a former run has brought to its end counts, so that an interrupted one goes on. Whether it got so far.
     */
    boolean enough(IntFunction<List<Plan>> ofSeed, int seeds, int least) throws IOException, InterruptedException {
        for (int i = 0; i < seeds || occurrences.values().stream().anyMatch(count -> count < least); i++) {
            for (Plan plan : ofSeed.apply(i)) {
                if (!isTimeLeft()) {
                    progress.note("no time is left; the same command goes on from here");
                    return false;
                }
                Path history = new Campaign(plan, out, shim, progress).history();
                if (!isCarriedOut(plan, history)) {
                    Path unused = carryOut(plan, out);
                }
                occurrences.merge(plan.contender(), occurrences(history), Integer::sum);
                progress.note(plan.contender().label() + ", seed " + plan.seed() + ": "
                        + occurrences.get(plan.contender()) + " of " + least + " occurrences");
            }
            if (givenUp > 0) {
                return false;
            }
        }
        progress.end();
        return true;
    }

    private static boolean isCarriedOut(Plan plan, Path history) throws IOException {
        if (!Files.exists(history)) {
            return false;
        }
        try {
            Outcome.Part part = Outcome.Part.read(history);
            return part.verdict().complete()
                    && part.plan().filter(plan.arguments()::equals).isPresent();
        } catch (IllegalArgumentException torn) {
            return false;
        }
    }

    private static int occurrences(Path history) {
        Checker.Verdict verdict = Outcome.Part.read(history).verdict();
        return verdict.complete()
                ? verdict.findings().stream().mapToInt(Findings::occurrences).sum()
                : 0;
    }

    private Path carryOut(Plan plan, Path folder) throws IOException, InterruptedException {
        progress.contender(plan.contender().title() + ", seed " + plan.seed());
        long begin = System.nanoTime();
        Campaign campaign = new Campaign(plan, folder, shim, progress);
        try {
            campaign.run();
        } catch (IOException | SQLException | RuntimeException e) {
            // The others are worth their time all the same; a history that is not complete counts for nothing.
            progress.note(plan.contender().label() + " was given up: " + e);
            givenUp++;
        }
        longest = Math.max(longest, System.nanoTime() - begin);
        return campaign.history();
    }

    /** The faults during which promises were broken, or what else is wrong with a history that was brought to its end. */
    private static List<String> suspects(Path history) {
        if (!Files.exists(history)) {
            return List.of();
        }
        Outcome.Part part = Outcome.Part.read(history);
        if (!part.verdict().complete()) {
            return List.of();
        }
        Outcome outcome = new Outcome(Contender.of(part.verdict().contender()), List.of(part));
        List<String> labels = new ArrayList<>(part.verdict().findings().stream()
                .filter(found -> !outcome.broken(found).isEmpty())
                .map(found -> found.fault())
                .distinct()
                .toList());
        Stream.concat(outcome.differences().stream(), outcome.left() > 0 ? Stream.of("keys left") : Stream.of())
                .forEach(labels::add);
        return labels;
    }
}
