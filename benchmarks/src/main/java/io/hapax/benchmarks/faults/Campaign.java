package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.Observer;
import io.hapax.benchmarks.faults.history.World;
import io.hapax.benchmarks.faults.work.FaultWorker;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One contender with one set of servers goes through faults, one after the other, while it works; what is seen stays in a file. */
final class Campaign {

    private static final long WARM_UP_MILLIS = 4_000;
    private static final long LEAST_REST_MILLIS = 2_500;
    private static final long MOST_REST_MILLIS = 15_000;
    /** Hapax puts firings off for a minute at the most, and a fifth; the peers do not repeat what they have skipped. */
    private static final long LAST_REST_MILLIS = 90_000;

    private static final String WORK = "item|long";

    private final Plan plan;
    private final Contender contender;
    private final Topology topology;
    private final List<Strike> strikes;
    private final long seed;
    private final Path folder;
    private final @Nullable Shim shim;
    private final Progress.Lane progress;

    Campaign(Plan plan, Path folder, @Nullable Shim shim, Progress.Lane progress) {
        this.plan = plan;
        this.contender = plan.contender();
        this.topology = plan.topology();
        this.strikes = new ArrayList<>(plan.strikes());
        this.seed = plan.seed();
        this.folder = folder;
        // Several may be carried out in this folder at a time.
        this.shim = shim == null ? null : shim.of(name(plan));
        this.progress = progress;
        Collections.shuffle(strikes, new Random(seed));
    }

    /** Where the history of a plan is, or will be. */
    static Path history(Plan plan, Path folder) {
        return folder.resolve(name(plan) + ".history");
    }

    private static String name(Plan plan) {
        return String.join(
                "-",
                plan.contender().label(),
                plan.topology().name().toLowerCase(Locale.ROOT),
                Long.toString(plan.seed()));
    }

    void run() throws IOException, InterruptedException, SQLException {
        Path history = history(plan, folder);
        Files.deleteIfExists(history);
        try (ChildJvm observer = ChildJvm.start(
                        Observer.class,
                        List.of("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                        history.toString());
                FleetServers servers = FleetServers.start(contender, topology, Fleet.WORKERS, shim);
                Broker broker = Broker.start()) {
            int port = Integer.parseInt(observer.read());
            FaultWorker.createTables(servers.database().dataSource());
            try (World world = World.connect(port, "nemesis");
                    World queue = World.connect(port, "queue");
                    Fleet fleet = new Fleet(
                            contender, servers, broker, world, port, shim, folder.resolve(name(plan)), hasPlaces())) {
                world.tell(EventType.PLAN, plan.arguments());
                watch(world, servers);
                fleet.start();
                Feeder feeder = new Feeder(contender.tickSeconds(), broker, queue);
                feeder.start();
                Thread.sleep(WARM_UP_MILLIS);
                torment(servers, fleet, broker, world, feeder);
                feeder.stop();
                progress.show("the last work is done");
                settle(
                        world,
                        WORK + "|tick",
                        Integer.MAX_VALUE,
                        contender.isOurs() ? LAST_REST_MILLIS : MOST_REST_MILLIS + patience());
                fleet.stop();
                if (!fleet.deaths().isEmpty()) {
                    progress.note("workers of " + contender.label() + " that ended by themselves, how often: "
                            + fleet.deaths());
                }
                takeStock(servers, world);
                world.tell(EventType.OVER, contender.label());
                // The observer answers this after it has processed all messages before it.
                String unused = world.ask("pending", WORK, "0", "0");
            }
        }
    }

    /** Only where limits are changed is there work for several at once. */
    private boolean hasPlaces() {
        return strikes.stream().anyMatch(strike -> strike.faults().contains(Fault.ROLLING_DEPLOY));
    }

    private void watch(World world, FleetServers servers) {
        if (!contender.isOurs()) {
            return;
        }
        for (EmbeddedRedis server : servers.leaseServers()) {
            String name = servers.nameOf(server);
            world.tell(EventType.SERVER, name, servers.majority());
            String unused = world.ask("monitor", name, Integer.toString(server.port()));
        }
    }

    private void torment(FleetServers servers, Fleet fleet, Broker broker, World world, Feeder feeder)
            throws IOException, InterruptedException, SQLException {
        Siege siege = new Siege(contender, servers, fleet, broker, world, plan.length());
        boolean movableClock = servers.canMoveRedisClock();
        for (Strike planned : strikes) {
            Strike strike = planned.without(fault -> fault.movesRedisClock() && !movableClock)
                    .findAny()
                    .orElse(null);
            if (strike == null || strike.faults().size() < planned.faults().size()) {
                progress.note("the clock of Redis is not moved for " + contender.label()
                        + ": REDIS_SERVER has to name a redis-server that is linked dynamically");
            }
            if (strike == null) {
                continue;
            }
            progress.begin(strike.label(), feeder.occurrences());
            long begin = System.nanoTime();
            try {
                siege.strike(strike, seed);
            } catch (IOException | UncheckedIOException | IllegalStateException e) {
                progress.note(
                        strike.label() + " of " + contender.label() + " could not be carried out: " + e.getMessage());
            }
            progress.show("recovering, " + feeder.occurrences() + " occurrences");
            fleet.revive();
            Thread.sleep(LEAST_REST_MILLIS);
            long since = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
            settle(world, WORK, since, MOST_REST_MILLIS + 2 * patience());
            fleet.revive();
        }
    }

    private long patience() {
        return contender.patience().toMillis();
    }

    /** Waits until what was due since then and until now has taken effect, but not for ever: some contenders lose work. */
    private static void settle(World world, String kinds, long sinceMillis, long atMostMillis)
            throws InterruptedException {
        long start = System.nanoTime();
        long waited = 0;
        while (waited < atMostMillis) {
            String pending = world.ask("pending", kinds, Long.toString(sinceMillis + waited), Long.toString(waited));
            if (pending.equals("0")) {
                return;
            }
            Thread.sleep(100);
            waited = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        }
    }

    /** The rows in PostgreSQL, and what was left behind. */
    private void takeStock(FleetServers servers, World world) throws SQLException, InterruptedException {
        try (Connection connection = servers.database().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            try (ResultSet rows = statement.executeQuery("SELECT run, occurrence FROM effect ORDER BY id")) {
                while (rows.next()) {
                    world.tell(EventType.EFFECT, rows.getString(1), "row", rows.getString(2), "ok");
                }
            }
        }
        if (contender.redisServers() > 0) {
            // Leases of workers that died lapse by themselves.
            Thread.sleep(patience() + 500);
            left(servers, world);
        }
    }

    /** Of Hapax, also behind ShedLock, leases and whatever lives for ever but for the meta keys; of others, all keys. */
    private void left(FleetServers servers, World world) {
        long left = 0;
        for (EmbeddedRedis server : servers.masters()) {
            left += server.command("KEYS", "*")
                    .lines()
                    .filter(key -> !key.isBlank() && isLeftBehind(server, key))
                    .count();
        }
        world.tell(EventType.LEFT, "keys in Redis", left);
    }

    private boolean isLeftBehind(EmbeddedRedis server, String key) {
        if (!contender.isOurs() && contender != Contender.HAPAX_SHEDLOCK) {
            return true;
        }
        boolean lease = key.contains("}:l:") || key.contains("}:r:") || key.contains("}:s:");
        boolean forEver = server.command("PTTL", key).equals("-1") && !key.endsWith("}:m");
        return lease || forEver;
    }
}
