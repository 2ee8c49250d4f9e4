package io.hapax.benchmarks.faults.work;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.Witness;
import io.hapax.benchmarks.faults.history.World;
import io.hapax.benchmarks.harness.Background;
import io.hapax.benchmarks.harness.QuartzTables;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A replica of a fleet: does what its contender lets it do, and what the nemesis orders. */
public final class FaultWorker {

    private static final Logger LOG = LoggerFactory.getLogger(FaultWorker.class);
    private static final int THREADS = 6;
    private static final int CONNECTIONS = 12;
    private static final long STARTING = TimeUnit.MINUTES.toNanos(3);

    private final Orders orders;
    private final World world;
    private final String name;
    private final HikariDataSource database;
    private final SyncPoints points;
    private final Guarding guarding;
    private volatile long rollbackUntil = System.nanoTime();
    private final ExecutorService deliveries = Executors.newFixedThreadPool(THREADS);

    private FaultWorker(Settings settings) throws Exception {
        this.name = settings.worker();
        this.world = World.connect(settings.observer(), name);
        this.orders = Orders.connect(settings.orders(), name);
        this.database = pool(settings.jdbc());
        this.points = new SyncPoints(point -> orders.say("reached " + point));
        this.guarding = guarding(settings, new Work(world, database, name, points, this::rollsBack));
    }

    /**
     * What its JVM needs so that it can be let stand still.
     *
     * @param directives the file that tells its compilers what to do; it is written
     * @return options of the JVM
     * @throws IOException if it cannot be written
     */
    public static List<String> jvmOptions(Path directives) throws IOException {
        return SafepointPause.jvmOptions(directives);
    }

    /**
     * Works until it is killed or asked to stop.
     *
     * @param args words of the form name=value
     * @throws Exception if it cannot be started
     */
    public static void main(String[] args) throws Exception {
        try {
            work(args);
        } catch (Exception e) {
            LOG.error("the worker ends", e);
            // Else what has been started so far keeps the process.
            Runtime.getRuntime().halt(1);
        }
    }

    private static void work(String[] args) throws Exception {
        SafepointPause.warmUp();
        Settings settings = Settings.of(args);
        // On a line of its own: others wait on theirs for answers.
        World testimony = World.connect(settings.observer(), settings.worker());
        Witness.start(micros -> testimony.tell(EventType.STARVED, settings.worker(), micros));
        FaultWorker worker = new FaultWorker(settings);
        Runtime.getRuntime().addShutdownHook(new Thread(worker::close, "end"));
        worker.guarding.start();
        worker.world.tell(EventType.UP, worker.name);
        worker.orders.say("up");
        worker.orders.listen(worker::obey);
        Runtime.getRuntime().halt(0);
    }

    /**
     * Creates the tables of all contenders.
     *
     * @param database where
     * @throws SQLException if it fails
     * @throws IOException if a schema cannot be read
     */
    public static void createTables(javax.sql.DataSource database) throws SQLException, IOException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(Work.SCHEMA);
            statement.execute(ShedLockGuarding.SCHEMA);
            QuartzTables.create(connection);
        }
        JobRunrAlone.createTables(database);
    }

    private Guarding guarding(Settings settings, Work work) throws Exception {
        long start = System.nanoTime();
        for (int attempt = 1; ; attempt++) {
            try {
                return switch (settings.contender()) {
                    case "none" -> new NoGuard(settings, work);
                    case "shedlock-jdbc" -> ShedLockGuarding.onDatabase(settings, database, work);
                    case "hapax-shedlock" -> ShedLockGuarding.onHapax(settings, database, work);
                    case "rlock" -> new RLockGuarding(settings, work);
                    case "quartz-jdbc", "quartz-jdbc-within-lock" -> new QuartzCluster(settings, database, work);
                    case "hapax-mixed" -> new HapaxMixed(settings, database, work);
                    case "hapax-spring" -> new HapaxSpring(settings, database, work);
                    case "jobrunr" -> new JobRunrAlone(database, work);
                    default -> new HapaxGuarding(settings, database, work);
                };
            } catch (RuntimeException e) {
                // Its servers may be ill at this moment; a supervisor would start it again.
                if (System.nanoTime() - start > STARTING) {
                    throw e;
                }
                LOG.warn("attempt {} to start failed: {}", attempt, e.toString());
                LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
            }
        }
    }

    private static HikariDataSource pool(String url) {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(url);
        pool.setMaximumPoolSize(CONNECTIONS);
        pool.setMinimumIdle(4);
        pool.setConnectionTimeout(2_000);
        pool.setInitializationFailTimeout(-1);
        // A connection whose other side is gone without a word must not hang for ever.
        pool.addDataSourceProperty("socketTimeout", "5");
        pool.addDataSourceProperty("connectTimeout", "2");
        return pool;
    }

    private void obey(String[] order) {
        switch (order[0]) {
            case "deliver" -> deliveries.execute(() -> deliver(order[1], order[2]));
            case "arm" -> points.arm(order[1]);
            case "disarm" -> points.disarm();
            case "pause" -> Background.run("pause", () -> standStill(Long.parseLong(order[1])));
            case "rollback" ->
                rollbackUntil = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(order[1]));
            case "exhaust" -> Background.run("exhaust", () -> exhaust(Long.parseLong(order[1])));
            default -> LOG.error("no such order: {}", String.join(" ", order));
        }
    }

    private boolean rollsBack() {
        return System.nanoTime() - rollbackUntil < 0;
    }

    private void deliver(String id, String key) {
        Guarding.Answer answer = Guarding.Answer.LATER;
        try {
            answer = guarding.attempt(Occurrence.of(id, key));
        } catch (Exception e) {
            LOG.debug("{} failed: {}", id, e.toString());
        }
        orders.say((answer == Guarding.Answer.SETTLED ? "settled " : "later ") + id);
    }

    private void standStill(long millis) {
        world.tell(EventType.STOP, name);
        try {
            SafepointPause.pause(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            world.tell(EventType.CONTINUE, name);
        }
    }

    /** Takes all connections of the pool, as a leak does. */
    private void exhaust(long millis) {
        List<Connection> taken = new ArrayList<>();
        try {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
            while (System.nanoTime() - end < 0) {
                if (taken.size() < CONNECTIONS) {
                    try {
                        taken.add(database.getConnection());
                    } catch (SQLException othersHaveThem) {
                        LOG.debug("not yet: {}", othersHaveThem.toString());
                    }
                } else {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
                }
            }
        } finally {
            taken.forEach(FaultWorker::giveBack);
        }
    }

    private static void giveBack(Connection connection) {
        try {
            connection.close();
        } catch (SQLException broken) {
            LOG.debug("broken: {}", broken.toString());
        }
    }

    private void close() {
        deliveries.shutdown();
        try {
            guarding.close();
            boolean unused = deliveries.awaitTermination(5, TimeUnit.SECONDS);
        } catch (Exception e) {
            LOG.warn("not ended cleanly: {}", e.toString());
        }
        database.close();
    }
}
