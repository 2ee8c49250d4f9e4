package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.World;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Does harm, and undoes it. */
final class Nemesis {

    private static final long HOUR = Duration.ofHours(1).toSeconds();
    private static final long DELAY_MILLIS = 100;
    private static final long STALLING_MILLIS = 12_000;
    private static final long LOST_MILLIS = 950;
    private static final long REACHING_SECONDS = 15;
    private static final String BLOCK =
            "local t = redis.call('TIME')[1] + 2 while redis.call('TIME')[1] + 0 < t do end";

    private final Contender contender;
    private final FleetServers servers;
    private final Fleet fleet;
    private final Broker broker;
    private final World world;
    private final long hold;
    private final Struck struck;
    private final Commits commits;
    private final Failovers failovers;

    /** Is notified of a blow at the moment in which it falls, and on whom. */
    interface Struck {
        void at(String victim);
    }

    /** Holds for so many milliseconds what has no length of its own. */
    Nemesis(
            Contender contender,
            FleetServers servers,
            Fleet fleet,
            Broker broker,
            World world,
            long hold,
            Struck struck) {
        this.contender = contender;
        this.servers = servers;
        this.fleet = fleet;
        this.broker = broker;
        this.world = world;
        this.hold = hold;
        this.struck = struck;
        this.commits = new Commits(servers, broker);
        this.failovers = new Failovers(servers);
    }

    /**
     * What chance has chosen.
     *
     * @param worker any of the workers
     * @param order the numbers of Redis servers, shuffled
     */
    record Chosen(String worker, List<Integer> order) {
        static Chosen by(Random chance, int redisServers) {
            String worker = Fleet.WORKERS.get(chance.nextInt(Fleet.WORKERS.size()));
            // Always of as many, so that chance goes on alike for all contenders.
            List<Integer> order = new ArrayList<>(List.of(0, 1, 2, 3, 4));
            Collections.shuffle(order, chance);
            order.removeIf(number -> number >= redisServers);
            return new Chosen(worker, order);
        }

        Chosen withWorker(String other) {
            return new Chosen(other, order);
        }
    }

    /** Returns when the cause of the fault is gone. */
    void strike(Fault fault, Chosen chosen) throws IOException, InterruptedException, SQLException {
        if (fault.scope() != Fault.Scope.WORKER) {
            struck.at(chosen.worker());
        }
        switch (fault.scope()) {
            case WORKER -> strikeWorker(fault, chosen.worker());
            case REDIS -> strikeRedis(fault, chosen.order().get(0));
            case NETWORK -> strikeNetwork(fault, chosen);
            case POSTGRES -> strikePostgres(fault, chosen.worker());
            case SENTINEL -> failovers.sentinel();
            case CLUSTER -> strikeCluster(fault, Fleet.WORKERS.indexOf(chosen.worker()));
            case STANDBY -> strikeStandby(fault);
            case DISK -> {
                servers.database().fillDisk();
                Thread.sleep(hold);
                servers.database().restart();
            }
            case QUORUM, QUORUM_OF_FIVE -> strikeQuorum(fault, chosen.order());
        }
    }

    private void strikeWorker(Fault fault, String anyone) throws IOException, InterruptedException {
        switch (fault) {
            case WORKER_KILL -> kill(victim());
            case WORKER_KILL_AFTER_COMMIT -> at(busiest(), "after-commit", this::kill);
            case WORKER_TERM -> replace(victim());
            case WORKER_STOP -> freeze(victim());
            case WORKER_STOP_BEFORE_EFFECT -> at(busiest(), "before-effect", this::freeze);
            case WORKER_STOP_BEFORE_COMMIT -> at(busiest(), "before-commit", this::freeze);
            case JVM_PAUSE -> {
                broker.order(victim(), "pause " + hold);
                Thread.sleep(hold + 1_000);
            }
            case ROLLING_DEPLOY -> rollOut(anyone);
            case WORKER_CLOCK_FORWARD -> workerClock(anyone, HOUR);
            case WORKER_CLOCK_BACK -> workerClock(anyone, -HOUR);
            default -> throw new IllegalArgumentException(fault + " is none of a worker");
        }
    }

    private void strikeRedis(Fault fault, int number) throws IOException, InterruptedException, SQLException {
        EmbeddedRedis redis = servers.redis().get(number);
        switch (fault) {
            case REDIS_EMPTY -> {
                redis.kill();
                Thread.sleep(300);
                redis.restartEmpty();
            }
            case REDIS_RESTART -> {
                redis.kill();
                Thread.sleep(1_000);
                redis.restart();
            }
            case REDIS_POWER_CUT -> powerCut(redis);
            case REDIS_POWER_CUT_ALWAYS -> powerCutAlways(redis);
            case REDIS_STOP -> frozen(List.of(redis), 2 * contender.patience().toMillis());
            case REDIS_CLOCK_FORWARD -> redisClock(number, HOUR);
            case REDIS_CLOCK_BACK -> redisClock(number, -HOUR);
            case REDIS_SCRIPT_FLUSH -> repeat(20, 100, () -> redis.command("SCRIPT", "FLUSH"));
            case REDIS_CLIENT_KILL ->
                repeat(10, 200, () -> redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
            case REDIS_MEMORY_FULL -> {
                redis.command("CONFIG", "SET", "maxmemory", "1");
                Thread.sleep(hold);
                redis.command("CONFIG", "SET", "maxmemory", "0");
            }
            case REDIS_SLOW_SCRIPT -> redis.command("EVAL", BLOCK, "0");
            default -> throw new IllegalArgumentException(fault + " is none of Redis");
        }
    }

    private void strikeNetwork(Fault fault, Chosen chosen) throws InterruptedException {
        String worker = chosen.worker();
        List<TcpProxy> lines = lines(worker);
        switch (fault) {
            case NET_CUT -> harm(lines, line -> line.set(TcpProxy.Mode.CUT));
            case NET_DELAY -> harm(lines, line -> line.delay(DELAY_MILLIS));
            case NET_REQUESTS_HELD -> harm(lines, line -> line.set(TcpProxy.Mode.HOLD_REQUESTS));
            case NET_ANSWERS_HELD -> harm(lines, line -> line.set(TcpProxy.Mode.HOLD_ANSWERS));
            case NET_ONE_STALLS ->
                stall(lines.get(chosen.order().isEmpty() ? 0 : chosen.order().get(0)));
            case NET_SPLIT -> {
                List<TcpProxy> all = new ArrayList<>(servers.linesToRedis(worker));
                all.add(servers.lineToDatabase(worker));
                harm(all, line -> line.set(TcpProxy.Mode.HOLD_BOTH));
            }
            default -> throw new IllegalArgumentException(fault + " is none of the network");
        }
    }

    private void strikePostgres(Fault fault, String worker) throws IOException, InterruptedException, SQLException {
        switch (fault) {
            case POSTGRES_RESTART -> {
                servers.database().kill();
                Thread.sleep(500);
                servers.database().restart();
            }
            case POSTGRES_CUT -> repeat(10, 200, commits::endSessions);
            case POSTGRES_LATE -> {
                servers.database().freeze();
                Thread.sleep(hold);
                servers.database().thaw();
                Thread.sleep(1_000);
                // The others go on meanwhile, and may have taken over.
                harm(List.of(servers.lineToDatabase(worker)), line -> line.set(TcpProxy.Mode.HOLD_REQUESTS));
            }
            case COMMIT_REPLY_LOST -> commits.loseReply();
            case COMMIT_CUT -> commits.cut();
            case ROLLBACKS -> {
                broker.order(worker, "rollback " + hold);
                Thread.sleep(hold);
            }
            case POOL_EXHAUSTED -> {
                broker.order(worker, "exhaust " + hold);
                Thread.sleep(hold);
            }
            default -> throw new IllegalArgumentException(fault + " is none of PostgreSQL");
        }
    }

    private void strikeQuorum(Fault fault, List<Integer> order) throws InterruptedException {
        List<EmbeddedRedis> shuffled = order.stream().map(servers.redis()::get).toList();
        switch (fault) {
            case QUORUM_ONE_OF_THREE -> emptied(shuffled.subList(0, 1));
            case QUORUM_TWO_OF_THREE -> frozen(shuffled.subList(1, 3), hold);
            case QUORUM_TWO_OF_FIVE -> emptied(shuffled.subList(0, 2));
            default -> throw new IllegalArgumentException(fault + " is none of a quorum");
        }
    }

    private void strikeCluster(Fault fault, int master) throws InterruptedException {
        switch (fault) {
            case CLUSTER_SLOTS_MOVE -> failovers.moveSlots(master, hold);
            case CLUSTER_FAILOVER -> failovers.cluster(master);
            default -> throw new IllegalArgumentException(fault + " is none of a Cluster");
        }
    }

    private void strikeStandby(Fault fault) throws IOException, InterruptedException, SQLException {
        switch (fault) {
            case POSTGRES_FAILOVER -> failovers.postgres();
            case STANDBY_STOP -> {
                servers.standby().freeze();
                Thread.sleep(hold);
                // They wait in their commits, which are done here, for the answer of the standby.
                commits.endSessions();
                Thread.sleep(500);
                servers.standby().thaw();
            }
            default -> throw new IllegalArgumentException(fault + " is none of a standby");
        }
    }

    private String busiest() {
        List<String> question = new ArrayList<>(List.of("busiest"));
        question.addAll(Fleet.WORKERS);
        return world.ask(question.toArray(String[]::new));
    }

    private String victim() {
        String worker = busiest();
        struck.at(worker);
        return worker;
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

    /** Strikes when a run of the worker has come to a place; a long job takes a while to get there. */
    private void at(String worker, String point, Strike strike) throws IOException, InterruptedException {
        broker.order(worker, "arm " + point);
        long start = System.nanoTime();
        while (!broker.hasReached(worker, point)) {
            if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(REACHING_SECONDS)) {
                broker.order(worker, "disarm");
                throw new IOException(worker + " never came to " + point);
            }
            Thread.sleep(1);
        }
        struck.at(worker);
        strike.at(worker);
    }

    /** To a smaller limit and back; the next worker dies in between, and a supervisor starts it as it is to be now. */
    private void rollOut(String first) throws IOException, InterruptedException {
        struck.at(first);
        int index = Fleet.WORKERS.indexOf(first);
        String second = Fleet.WORKERS.get((index + 1) % Fleet.WORKERS.size());
        String third = Fleet.WORKERS.get((index + 2) % Fleet.WORKERS.size());
        fleet.stateLimit(Fleet.SMALL_LIMIT);
        deploy(first);
        kill(second);
        fleet.awaitUp(second);
        deploy(third);
        Thread.sleep(hold);
        fleet.stateLimit(Fleet.LIMIT);
        for (String worker : Fleet.WORKERS) {
            deploy(worker);
        }
    }

    /** The next one is not replaced before this one is ready. */
    private void deploy(String worker) throws IOException, InterruptedException {
        fleet.terminate(worker);
        while (broker.isUp(worker)) {
            Thread.sleep(1);
        }
        fleet.start(worker);
        fleet.awaitUp(worker);
    }

    private void replace(String worker) throws IOException, InterruptedException {
        fleet.terminate(worker);
        fleet.start(worker);
    }

    private void workerClock(String worker, long seconds) throws IOException, InterruptedException {
        struck.at(worker);
        if (!fleet.moveClock(worker, seconds)) {
            throw new IOException("no C compiler, so no clock can be moved");
        }
        Thread.sleep(hold);
        fleet.moveClock(worker, 0);
        // Quartz sleeps until its next firing by the old clock: for an hour if the clock was set back. It would be
        // missing in
        // all faults to come.
        Thread.sleep(hold);
        fleet.restart(worker);
    }

    /** By default what was written is synced each second, so that as much is gone at the most. */
    private static void powerCut(EmbeddedRedis redis) throws IOException, InterruptedException {
        Disk disk = Disk.of(redis);
        disk.remember();
        Thread.sleep(LOST_MILLIS);
        redis.kill();
        disk.recall();
        redis.restart();
    }

    /** What it has answered is on the disk, and nothing that it has written in part counts. */
    private static void powerCutAlways(EmbeddedRedis redis) throws IOException, InterruptedException {
        redis.command("CONFIG", "SET", "appendfsync", "always");
        Thread.sleep(LOST_MILLIS);
        Disk disk = Disk.of(redis);
        redis.freeze();
        disk.remember();
        redis.kill();
        disk.recall();
        redis.restart();
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
    private List<TcpProxy> lines(String worker) {
        return servers.linesToRedis(worker).isEmpty()
                ? List.of(servers.lineToDatabase(worker))
                : servers.linesToRedis(worker);
    }

    /** Several connections, one after the other: chance decides what is under way on each. */
    private void stall(TcpProxy line) throws InterruptedException {
        for (long spent = 0; spent < STALLING_MILLIS; spent += hold) {
            harm(List.of(line), one -> one.set(TcpProxy.Mode.HOLD_ONE));
            Thread.sleep(500);
        }
    }

    private void harm(List<TcpProxy> lines, Consumer<TcpProxy> how) throws InterruptedException {
        lines.forEach(how);
        Thread.sleep(hold);
        lines.forEach(TcpProxy::heal);
    }
}
