package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.World;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Does harm, and undoes it. Chance comes from a seed and the name of the fault, so it is the same for every contender. */
final class Nemesis {

    private static final long HOUR = Duration.ofHours(1).toSeconds();
    private static final long DELAY_MILLIS = 100;
    private static final String BLOCK =
            "local t = redis.call('TIME')[1] + 2 while redis.call('TIME')[1] + 0 < t do end";

    private final Contender contender;
    private final FleetServers servers;
    private final Fleet fleet;
    private final Broker broker;
    private final World world;
    private final long hold;

    Nemesis(Contender contender, FleetServers servers, Fleet fleet, Broker broker, World world) {
        this.contender = contender;
        this.servers = servers;
        this.fleet = fleet;
        this.broker = broker;
        this.world = world;
        this.hold = contender.patience().toMillis() * 3 / 2;
    }

    /** Returns when the cause of the fault is gone. */
    void strike(Fault fault, long seed) throws IOException, InterruptedException, SQLException {
        Random chance = new Random(seed * 31 + fault.label().hashCode());
        Thread.sleep(chance.nextInt(1_000));
        String anyone = Fleet.WORKERS.get(chance.nextInt(Fleet.WORKERS.size()));
        List<Integer> order = new ArrayList<>(List.of(0, 1, 2, 3, 4));
        Collections.shuffle(order, chance);
        List<EmbeddedRedis> redis = servers.redis();
        int any =
                order.stream().filter(index -> index < redis.size()).findFirst().orElse(0);
        world.tell(EventType.FAULT, fault.label(), contender.label(), seed, anyone);
        switch (fault) {
            case WORKER_KILL -> kill(busiest());
            case WORKER_KILL_AFTER_COMMIT -> at(busiest(), "after-commit", this::killQuietly);
            case WORKER_TERM -> {
                String worker = busiest();
                fleet.terminate(worker);
                fleet.start(worker);
            }
            case WORKER_STOP -> freeze(busiest());
            case WORKER_STOP_BEFORE_EFFECT -> at(busiest(), "before-effect", this::freezeQuietly);
            case WORKER_STOP_BEFORE_COMMIT -> at(busiest(), "before-commit", this::freezeQuietly);
            case JVM_PAUSE -> {
                broker.order(busiest(), "pause " + hold);
                Thread.sleep(hold + 1_000);
            }
            case WORKER_CLOCK_FORWARD -> workerClock(anyone, HOUR);
            case WORKER_CLOCK_BACK -> workerClock(anyone, -HOUR);
            case REDIS_EMPTY -> {
                redis.get(any).kill();
                Thread.sleep(300);
                redis.get(any).restartEmpty();
            }
            case REDIS_RESTART -> {
                redis.get(any).kill();
                Thread.sleep(1_000);
                redis.get(any).restart();
            }
            case REDIS_STOP ->
                frozen(List.of(redis.get(any)), 2 * contender.patience().toMillis());
            case REDIS_CLOCK_FORWARD -> redisClock(any, HOUR);
            case REDIS_CLOCK_BACK -> redisClock(any, -HOUR);
            case REDIS_SCRIPT_FLUSH -> repeat(20, 100, () -> redis.get(any).command("SCRIPT", "FLUSH"));
            case REDIS_CLIENT_KILL ->
                repeat(10, 200, () -> redis.get(any).command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
            case REDIS_MEMORY_FULL -> {
                redis.get(any).command("CONFIG", "SET", "maxmemory", "1");
                Thread.sleep(hold);
                redis.get(any).command("CONFIG", "SET", "maxmemory", "0");
            }
            case REDIS_SLOW_SCRIPT -> redis.get(any).command("EVAL", BLOCK, "0");
            case NET_CUT -> lines(anyone, line -> line.set(TcpProxy.Mode.CUT), line -> line.set(TcpProxy.Mode.PASS));
            case NET_DELAY -> lines(anyone, line -> line.delay(DELAY_MILLIS), line -> line.delay(0));
            case NET_REQUESTS_HELD ->
                lines(anyone, line -> line.set(TcpProxy.Mode.HOLD_REQUESTS), line -> line.set(TcpProxy.Mode.PASS));
            case NET_ANSWERS_HELD ->
                lines(anyone, line -> line.set(TcpProxy.Mode.HOLD_ANSWERS), line -> line.set(TcpProxy.Mode.PASS));
            case NET_SPLIT -> split(anyone);
            case POSTGRES_RESTART -> {
                servers.database().kill();
                Thread.sleep(500);
                servers.database().restart();
            }
            case POSTGRES_CUT -> repeat(10, 200, this::endSessions);
            case POOL_EXHAUSTED -> {
                broker.order(anyone, "exhaust " + hold);
                Thread.sleep(hold);
            }
            case SENTINEL_FAILOVER -> failOver();
            case QUORUM_ONE_OF_THREE -> emptied(List.of(redis.get(any)));
            case QUORUM_TWO_OF_THREE ->
                frozen(redis.stream().filter(server -> server != redis.get(any)).toList(), hold);
            case QUORUM_TWO_OF_FIVE -> emptied(List.of(redis.get(order.get(0)), redis.get(order.get(1))));
        }
        world.tell(EventType.HEALED, fault.label());
    }

    private String busiest() {
        List<String> question = new ArrayList<>(List.of("busiest"));
        question.addAll(Fleet.WORKERS);
        return world.ask(question.toArray(String[]::new));
    }

    private void kill(String worker) throws IOException, InterruptedException {
        fleet.kill(worker);
        Thread.sleep(contender.patience().toMillis() + 2_000);
        fleet.start(worker);
    }

    private void freeze(String worker) throws IOException, InterruptedException {
        fleet.freeze(worker);
        Thread.sleep(hold);
        fleet.thaw(worker);
    }

    private interface Strike {
        void at(String worker) throws IOException, InterruptedException;
    }

    private void killQuietly(String worker) throws IOException, InterruptedException {
        kill(worker);
    }

    private void freezeQuietly(String worker) throws IOException, InterruptedException {
        freeze(worker);
    }

    /** Strikes when a run of the worker has come to a place; a long job takes a while to get there. */
    private void at(String worker, String point, Strike strike) throws IOException, InterruptedException {
        broker.order(worker, "arm " + point);
        long start = System.nanoTime();
        while (!broker.hasReached(worker, point)) {
            if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(15)) {
                throw new IOException(worker + " never came to " + point);
            }
            Thread.sleep(1);
        }
        strike.at(worker);
    }

    private void workerClock(String worker, long seconds) throws IOException, InterruptedException {
        if (!fleet.moveClock(worker, seconds)) {
            throw new IOException("no C compiler, so no clock can be moved");
        }
        Thread.sleep(hold);
        fleet.moveClock(worker, 0);
        // Quartz sleeps until its next firing by the old clock, that is for an hour if the clock was set back, and
        // would be
        // missing in all faults to come.
        Thread.sleep(hold);
        fleet.restart(worker);
    }

    private void redisClock(int server, long seconds) throws IOException, InterruptedException {
        servers.moveRedisClock(server, seconds);
        Thread.sleep(hold);
        servers.moveRedisClock(server, 0);
    }

    private static void frozen(List<EmbeddedRedis> redis, long millis) throws InterruptedException {
        redis.forEach(EmbeddedRedis::freeze);
        Thread.sleep(millis);
        redis.forEach(EmbeddedRedis::thaw);
    }

    private void emptied(List<EmbeddedRedis> redis) throws InterruptedException {
        redis.forEach(EmbeddedRedis::kill);
        Thread.sleep(hold);
        redis.forEach(EmbeddedRedis::restartEmpty);
    }

    private interface Blow {
        void strike() throws SQLException;
    }

    private static void repeat(int times, long millis, Blow blow) throws InterruptedException, SQLException {
        for (int i = 0; i < times; i++) {
            blow.strike();
            Thread.sleep(millis);
        }
    }

    /** The lines to what keeps the runs apart: Redis, or PostgreSQL for those that have no Redis. */
    private void lines(String worker, Consumer<TcpProxy> harm, Consumer<TcpProxy> heal) throws InterruptedException {
        List<TcpProxy> lines = servers.linesToRedis(worker).isEmpty()
                ? List.of(servers.lineToDatabase(worker))
                : servers.linesToRedis(worker);
        lines.forEach(harm);
        Thread.sleep(hold);
        lines.forEach(heal);
    }

    private void split(String worker) throws InterruptedException {
        List<TcpProxy> lines = new ArrayList<>(servers.linesToRedis(worker));
        lines.add(servers.lineToDatabase(worker));
        lines.forEach(line -> line.set(TcpProxy.Mode.HOLD_BOTH));
        Thread.sleep(hold);
        lines.forEach(line -> line.set(TcpProxy.Mode.PASS));
    }

    private void endSessions() throws SQLException {
        try (Connection connection = servers.database().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
        }
    }

    /** The replica misses what is written in the last second. */
    private void failOver() throws InterruptedException {
        EmbeddedRedis old = servers.sentinel().master();
        servers.sentinel().cutReplication();
        Thread.sleep(1_000);
        old.kill();
        EmbeddedRedis unused = servers.sentinel().awaitPromotion(old);
    }
}
