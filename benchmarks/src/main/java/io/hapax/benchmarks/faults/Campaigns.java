package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Extent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Carries out plans in a folder, as long as there is time. */
final class Campaigns {

    private static final int ATTEMPTS = 3;

    private final Path out;
    private final @Nullable Shim shim;
    private final long end;
    private final List<Plan> plans;
    private final Progress progress;
    private final AtomicLong longest = new AtomicLong();
    private final AtomicInteger givenUp = new AtomicInteger();

    Campaigns(Path out, @Nullable Shim shim, Duration time, List<Plan> plans) {
        this.out = out;
        this.shim = shim;
        this.end = System.nanoTime() + time.toNanos();
        this.plans = plans;
        this.progress = new Progress(
                plans.stream().mapToInt(plan -> plan.strikes().size()).sum());
    }

    private void end() {
        progress.end();
        if (givenUp.get() > 0) {
            System.out.println("given up: " + givenUp.get() + " of the histories that were started");
        }
    }

    /** Whether there is time for one more that takes no longer than the others. */
    private boolean isTimeLeft() {
        return System.nanoTime() + longest.get() - end < 0;
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
        end();
        return givenUp.get() == 0;
    }

    /** A plan during which promises were broken. */
    private record Broken(Plan plan, List<String> suspects) {}

    /**
     * Carries out as many as there is time for, some beside each other, until one breaks a promise, which is made smaller with nothing
     * beside it, and shown. Whether none did.
     *
     * @param beside how many at a time
     */
    boolean untilBroken(int beside) throws IOException, InterruptedException {
        AtomicInteger tried = new AtomicInteger();
        AtomicReference<@Nullable Broken> first = new AtomicReference<>();
        ExecutorService lanes = Executors.newFixedThreadPool(beside);
        try {
            List<Future<Boolean>> all = new ArrayList<>();
            for (Plan plan : plans) {
                all.add(lanes.submit(() -> {
                    if (first.get() != null || !isTimeLeft()) {
                        return false;
                    }
                    int unused = tried.incrementAndGet();
                    List<String> suspects = suspects(carryOut(plan, out));
                    return !suspects.isEmpty() && first.compareAndSet(null, new Broken(plan, suspects));
                }));
            }
            boolean unused = all(all);
        } finally {
            lanes.shutdownNow();
        }
        Broken broken = first.get();
        if (broken != null) {
            progress.note("seed " + broken.plan().seed() + " broke a promise during " + broken.suspects());
            Path smaller = Files.createDirectories(out.resolve("smaller"));
            Plan least = new Shrinking(
                            trial -> !suspects(carryOut(trial, smaller)).isEmpty(), this::isTimeLeft)
                    .shrink(broken.plan(), broken.suspects());
            progress.end();
            System.out.println("again: " + least.command());
            return false;
        }
        end();
        System.out.println("carried out: " + tried + " of " + plans.size() + " plans");
        return givenUp.get() == 0 && tried.get() > 0;
    }

    /** Waits for all of them. Whether each said so. */
    private static boolean all(List<Future<Boolean>> lanes) throws IOException, InterruptedException {
        boolean all = true;
        for (Future<Boolean> one : lanes) {
            try {
                all &= one.get();
            } catch (ExecutionException e) {
                throw new IOException("a plan could not be carried out", e.getCause());
            }
        }
        return all;
    }

    /**
     * Carries out all plans, some beside each other, and then those of further seeds until there were enough occurrences of each of
     * some contenders. What a former run has brought to its end counts, so that an interrupted one goes on. Whether it got so far.
     *
     * @param least how many occurrences each of the contenders has to have; others have to be carried out only
     * @param ofSeed the plans of further seeds for these contenders, counted from 0
     * @param beside how many at a time
     */
    boolean enough(Map<Contender, Integer> least, IntFunction<List<Plan>> ofSeed, int beside)
            throws IOException, InterruptedException {
        Map<Contender, Integer> counted = new EnumMap<>(Contender.class);
        // Of the others there is nothing to be had.
        Map<Contender, Integer> wanted = new EnumMap<>(Contender.class);
        plans.stream()
                .map(Plan::contender)
                .filter(least::containsKey)
                .forEach(contender -> wanted.put(contender, least.getOrDefault(contender, 0)));
        ExecutorService lanes = Executors.newFixedThreadPool(beside);
        try {
            boolean goesOn = resume(plans, wanted, counted, lanes);
            for (int i = 0; goesOn && !reached(wanted, counted); i++) {
                List<Plan> wanting = ofSeed.apply(i).stream()
                        .filter(plan ->
                                counted.getOrDefault(plan.contender(), 0) < wanted.getOrDefault(plan.contender(), 0))
                        .toList();
                goesOn = !wanting.isEmpty() && resume(wanting, wanted, counted, lanes);
            }
            end();
            return goesOn;
        } finally {
            lanes.shutdownNow();
        }
    }

    private static boolean reached(Map<Contender, Integer> least, Map<Contender, Integer> counted) {
        return least.entrySet().stream().allMatch(entry -> counted.getOrDefault(entry.getKey(), 0) >= entry.getValue());
    }

    /** Whether all of them are done now. */
    private boolean resume(
            List<Plan> some, Map<Contender, Integer> least, Map<Contender, Integer> counted, ExecutorService lanes)
            throws IOException, InterruptedException {
        List<Future<Boolean>> all = new ArrayList<>();
        for (Plan plan : some) {
            all.add(lanes.submit(() -> resume(plan, least, counted)));
        }
        boolean done = all(all);
        if (!done) {
            progress.note("not all was carried out; the same command goes on from here");
        }
        return done;
    }

    private boolean resume(Plan plan, Map<Contender, Integer> least, Map<Contender, Integer> counted)
            throws IOException, InterruptedException {
        Path history = Campaign.history(plan, out);
        Optional<Extent> whole = carriedOut(plan, history);
        // A server that did not start, or a worker, is no reason to give up the rest.
        for (int i = 0; i < ATTEMPTS && isTimeLeft() && whole.isEmpty(); i++) {
            if (i > 0 && Files.exists(history)) {
                Path kept = history.resolveSibling(history.getFileName() + ".given-up-" + i);
                progress.note("what was given up is kept in "
                        + Files.move(history, kept, StandardCopyOption.REPLACE_EXISTING));
            }
            whole = carriedOut(plan, carryOut(plan, out));
        }
        if (whole.isEmpty()) {
            return false;
        }
        int more = whole.get().occurrences();
        synchronized (counted) {
            int now = counted.merge(plan.contender(), more, Integer::sum);
            progress.note(plan.contender().label() + ", seed " + plan.seed() + ": " + now
                    + (least.containsKey(plan.contender()) ? " of " + least.get(plan.contender()) : "")
                    + " occurrences");
        }
        return true;
    }

    /** How far the history of a plan goes; empty unless it is of this plan and was brought to its end. */
    private static Optional<Extent> carriedOut(Plan plan, Path history) throws IOException {
        if (!Files.exists(history)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Extent.of(history))
                    .filter(Extent::complete)
                    .filter(extent ->
                            extent.plan().filter(plan.arguments()::equals).isPresent());
        } catch (IllegalArgumentException torn) {
            return Optional.empty();
        }
    }

    private Path carryOut(Plan plan, Path folder) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        Campaign campaign =
                new Campaign(plan, folder, shim, progress.start(plan.contender().title() + ", seed " + plan.seed()));
        try {
            campaign.run();
        } catch (IOException | SQLException | RuntimeException e) {
            // The others are worth their time all the same; a history that is not complete counts for nothing.
            progress.note(plan.contender().label() + " was given up: " + e);
            int unused = givenUp.incrementAndGet();
        }
        long took = System.nanoTime() - begin;
        long unused = longest.accumulateAndGet(took, Math::max);
        return Campaign.history(plan, folder);
    }

    /** The faults during which promises were broken, or what else is wrong with a history that was brought to its end. */
    private static List<String> suspects(Path history) {
        if (!Files.exists(history)) {
            return List.of();
        }
        Outcome.Part part = Outcome.Part.read(history);
        return part.verdict().complete()
                ? new Outcome(Contender.of(part.verdict().contender()), List.of(part)).suspects(part)
                : List.of();
    }
}
