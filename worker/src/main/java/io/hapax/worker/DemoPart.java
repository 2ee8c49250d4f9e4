package io.hapax.worker;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.storage.StorageProvider;

/** One part of the demo: a fleet of three works, one of it is killed and one is frozen for longer than a lease lives. */
final class DemoPart {

    static final Duration TTL = Duration.ofSeconds(3);
    static final Duration WORK = Duration.ofSeconds(14);
    static final List<String> WORKERS = List.of("alice", "bob", "carol");
    static final int KILLED = 1;
    static final int FROZEN = 2;
    static final Duration KILL_AT = Duration.ofSeconds(2);
    static final Duration FREEZE_AT = Duration.ofSeconds(3);
    /** By then the Quartz cluster has missed it and has given its run to another node. */
    static final Duration THAW_AT = Duration.ofSeconds(13);

    private static final Duration LONGEST_CATCH_UP = Duration.ofSeconds(6);
    private static final Duration LONGEST_DRAIN = Duration.ofSeconds(14);
    private static final Duration LONGEST_START = Duration.ofMinutes(2);
    private static final Duration ORDER_EVERY = Duration.ofMillis(500);

    /**
     * Where a part takes place.
     *
     * @param redisUrl its Redis
     * @param jdbcUrl a schema of its own
     * @param namespace its own, too
     * @param logs a folder for the workers' logs
     */
    record Place(String redisUrl, String jdbcUrl, String namespace, Path logs) {}

    /**
     * What a part brought to light.
     *
     * @param tallies what became of each kind of job
     * @param killed what became of the killed replica's runs
     * @param frozen what became of the frozen replica's runs
     */
    record Result(Map<Kind, Tally> tallies, Takeover killed, Takeover frozen) {}

    private final String name;
    private final boolean guarded;
    private final Place place;
    private final Observations observations;
    private final DemoProgress progress;
    private final Set<String> orders = new TreeSet<>();
    private final Set<String> transfers = new TreeSet<>();
    private Instant begin = Instant.MAX;
    private Instant end = Instant.MAX;
    private Instant killedAt = Instant.MAX;
    private Instant frozenAt = Instant.MAX;

    DemoPart(String name, boolean guarded, Place place, Observations observations, DemoProgress progress) {
        this.name = name;
        this.guarded = guarded;
        this.place = place;
        this.observations = observations;
        this.progress = progress;
    }

    /** Runs the part and returns what became of each kind of job. */
    Result run(List<Replica> children) throws InterruptedException {
        List<Replica> fleet = new ArrayList<>();
        for (String each : WORKERS) {
            Replica replica = Replica.start(
                    each,
                    place.logs(),
                    options(),
                    Map.of("REDIS_URL", place.redisUrl(), "DATABASE_URL", place.jdbcUrl()));
            fleet.add(replica);
            children.add(replica);
        }
        try (HikariDataSource database = DemoCommand.pool(place.jdbcUrl());
                StorageProvider storage = JobRunrStorage.on(database)) {
            JobScheduler queue = new JobScheduler(storage);
            waitUntil(
                    "starting three workers",
                    LONGEST_START,
                    true,
                    () -> fleet.stream().allMatch(Replica::isUp));
            begin = observations.now();
            work(fleet, queue);
            end = observations.now();
            // A cluster whose node died stands still until it is missed; then it catches up.
            waitUntil("letting the cluster catch up", LONGEST_CATCH_UP, false, this::hasBegunAll);
            fleet.forEach(Replica::drain);
            waitUntil("waiting for the last runs", LONGEST_DRAIN, false, this::isComplete);
        } finally {
            fleet.forEach(Replica::terminate);
        }
        for (Replica replica : fleet) {
            if (!replica.awaitEnd(10)) {
                replica.kill();
            }
        }
        return result();
    }

    private Result result() {
        List<ObservedRun> runs = observations.of(name);
        return new Result(
                Observations.tallies(runs, expected()),
                Takeover.from(runs, WORKERS.get(KILLED), killedAt),
                Takeover.from(runs, WORKERS.get(FROZEN), frozenAt));
    }

    private Observations.Expected expected() {
        return new Observations.Expected(Map.of(Kind.ORDER, orders, Kind.TRANSFER, transfers), begin, end);
    }

    private Map<Kind, Tally> tallies() {
        return Observations.tallies(observations.of(name), expected());
    }

    private boolean hasBegunAll() {
        return expected().areBegun(observations.of(name));
    }

    private List<String> options() {
        return List.of(
                "--namespace",
                place.namespace(),
                "--guard",
                guarded ? "on" : "off",
                "--first-start",
                observations.now().toString(),
                "--ttl",
                TTL.toSeconds() + "s",
                "--jobrunr-poll",
                "1s",
                "--checkin",
                "1s",
                "--shutdown-grace",
                "6s",
                "--record",
                name);
    }

    private void work(List<Replica> fleet, JobScheduler queue) throws InterruptedException {
        for (int account = 1; account <= 2; account++) {
            for (int number = 1; number <= 2; number++) {
                transfer(queue, account, number);
            }
        }
        Deque<Event> script = new ArrayDeque<>(List.of(
                new Event(KILL_AT, () -> kill(fleet.get(KILLED))),
                new Event(FREEZE_AT, () -> freeze(fleet.get(FROZEN))),
                new Event(THAW_AT, () -> thaw(fleet.get(FROZEN)))));
        long start = System.nanoTime();
        int ordered = 0;
        for (Duration now = Duration.ZERO; now.compareTo(WORK) < 0; now = since(start)) {
            if (now.compareTo(ORDER_EVERY.multipliedBy(ordered)) >= 0) {
                order(queue, ++ordered);
            }
            if (!script.isEmpty() && now.compareTo(script.getFirst().at()) >= 0) {
                script.removeFirst().action().run();
            }
            progress.show(name, "working", now, WORK, observations.of(name));
            Thread.sleep(100);
        }
    }

    private record Event(Duration at, Runnable action) {}

    private void kill(Replica replica) {
        // Before the signal, since what it lets unfinished started before; by the clock of the runs.
        killedAt = observations.now();
        replica.kill();
        progress.say("  ! " + name + ": " + replica.name() + " is killed (kill -9)");
    }

    private void freeze(Replica replica) {
        frozenAt = observations.now();
        replica.freeze();
        progress.say("  ! " + name + ": " + replica.name() + " is frozen (SIGSTOP) for "
                + THAW_AT.minus(FREEZE_AT).toSeconds() + " s"
                + (guarded ? "; a lease lives " + TTL.toSeconds() + " s" : ""));
    }

    private void thaw(Replica replica) {
        replica.thaw();
        progress.say("  ! " + name + ": " + replica.name() + " goes on (SIGCONT)");
    }

    private void order(JobScheduler queue, int number) {
        orders.add("order-" + number);
        queue.<SampleJobs.Queue>enqueue(jobs -> jobs.order(number));
        queue.<SampleJobs.Queue>enqueue(jobs -> jobs.order(number));
    }

    private void transfer(JobScheduler queue, int account, int number) {
        transfers.add(account + "-" + number);
        queue.<SampleJobs.Queue>enqueue(jobs -> jobs.transfer(account, number));
    }

    private boolean isComplete() {
        return tallies().values().stream().allMatch(tally -> tally.lost() == 0);
    }

    private void waitUntil(String what, Duration atMost, boolean required, BooleanSupplier condition)
            throws InterruptedException {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (since(start).compareTo(atMost) > 0) {
                if (required) {
                    throw new IllegalStateException(what + " took longer than " + atMost.toSeconds() + " s");
                }
                return;
            }
            progress.show(name, what, since(start), atMost, observations.of(name));
            Thread.sleep(200);
        }
    }

    private static Duration since(long start) {
        return Duration.ofNanos(System.nanoTime() - start);
    }
}
