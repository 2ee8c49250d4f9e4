package io.hapax.worker;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.storage.StorageProvider;

/** One part of the demo: a fleet of three works, one of it is killed and one is frozen on the way. */
final class DemoPart {

    static final Duration TTL = Duration.ofSeconds(3);
    private static final Duration WORK = Duration.ofSeconds(20);
    private static final Duration KILL_AT = Duration.ofSeconds(5);
    private static final Duration FREEZE_AT = Duration.ofSeconds(7);
    private static final Duration FROZEN_FOR = Duration.ofSeconds(10);
    private static final Duration LONGEST_DRAIN = Duration.ofSeconds(14);
    private static final Duration LONGEST_START = Duration.ofSeconds(30);
    private static final Duration ORDER_EVERY = Duration.ofMillis(500);

    private final String name;
    private final boolean guarded;
    private final String redisUrl;
    private final String jdbcUrl;
    private final Path logs;
    private final Observations observations;
    private final DemoProgress progress;
    private final Set<String> orders = new TreeSet<>();
    private final Set<String> transfers = new TreeSet<>();

    DemoPart(
            String name,
            boolean guarded,
            String redisUrl,
            String jdbcUrl,
            Path logs,
            Observations observations,
            DemoProgress progress) {
        this.name = name;
        this.guarded = guarded;
        this.redisUrl = redisUrl;
        this.jdbcUrl = jdbcUrl;
        this.logs = logs;
        this.observations = observations;
        this.progress = progress;
    }

    /** Runs the part and returns what became of each kind of job. */
    Map<Kind, Tally> run(List<Replica> children) throws InterruptedException {
        List<Replica> fleet = new ArrayList<>();
        for (String each : List.of("alice", "bob", "carol")) {
            Replica replica = Replica.start(each + "-" + name, logs, options());
            fleet.add(replica);
            children.add(replica);
        }
        try (HikariDataSource database = DemoCommand.pool(jdbcUrl);
                StorageProvider storage = JobRunrStorage.on(database)) {
            JobScheduler queue = new JobScheduler(storage);
            waitUntil(
                    "starting three workers",
                    LONGEST_START,
                    true,
                    () -> fleet.stream().allMatch(Replica::isUp));
            work(fleet, queue);
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
        return tallies();
    }

    private Map<Kind, Tally> tallies() {
        return Observations.tallies(observations.of(name), Map.of(Kind.ORDER, orders, Kind.TRANSFER, transfers));
    }

    private List<String> options() {
        return List.of(
                "--redis",
                redisUrl,
                "--database",
                jdbcUrl,
                "--namespace",
                "demo",
                "--guard",
                guarded ? "on" : "off",
                "--fresh",
                "on",
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
        Replica killed = fleet.get(1);
        Replica frozen = fleet.get(2);
        for (int account = 1; account <= 2; account++) {
            for (int number = 1; number <= 2; number++) {
                transfer(queue, account, number);
            }
        }
        long start = System.nanoTime();
        int ordered = 0;
        boolean hasKilled = false;
        boolean hasFrozen = false;
        boolean hasThawed = false;
        for (Duration now = Duration.ZERO; now.compareTo(WORK) < 0; now = since(start)) {
            if (now.compareTo(ORDER_EVERY.multipliedBy(ordered)) >= 0) {
                order(queue, ++ordered);
            }
            if (!hasKilled && now.compareTo(KILL_AT) >= 0) {
                killed.kill();
                hasKilled = true;
                progress.note(name + ": kill -9 of " + killed.name());
            }
            if (!hasFrozen && now.compareTo(FREEZE_AT) >= 0) {
                frozen.freeze();
                hasFrozen = true;
                progress.note(name + ": " + frozen.name() + " frozen (SIGSTOP) for " + FROZEN_FOR.toSeconds()
                        + " s; a lease lives " + TTL.toSeconds() + " s");
            }
            if (!hasThawed && now.compareTo(FREEZE_AT.plus(FROZEN_FOR)) >= 0) {
                frozen.thaw();
                hasThawed = true;
                progress.note(name + ": " + frozen.name() + " goes on (SIGCONT)");
            }
            progress.show(name, "working", now, WORK, observations.of(name));
            Thread.sleep(100);
        }
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
