package io.hapax.worker;

import io.hapax.worker.WorkerSettings.QuartzStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.impl.StdSchedulerFactory;
import org.quartz.utils.ConnectionProvider;
import org.quartz.utils.DBConnectionManager;

/** The two ways in which teams run Quartz on several replicas. */
final class QuartzSchedulers {

    private static final String SCHEMA = "/org/quartz/impl/jdbcjobstore/tables_postgres.sql";
    private static final String DATA_SOURCE = "worker";

    private QuartzSchedulers() {}

    static List<Scheduler> of(WorkerSettings settings, @Nullable DataSource database) throws SchedulerException {
        QuartzStore store = settings.quartz();
        List<Scheduler> schedulers = new ArrayList<>();
        if (store == QuartzStore.RAM || store == QuartzStore.BOTH) {
            schedulers.add(ownRamStore(settings.name(), settings.threads()));
        }
        // Settings that want the cluster have a database.
        if (database != null && (store == QuartzStore.JDBC || store == QuartzStore.BOTH)) {
            schedulers.add(jdbcCluster(database, settings.checkin(), settings.threads()));
        }
        return schedulers;
    }

    /** A scheduler that knows nothing of the other replicas. Its name is the same on all of them. */
    private static Scheduler ownRamStore(String instance, int threads) throws SchedulerException {
        Properties properties = common("replica", instance, threads);
        properties.setProperty("org.quartz.jobStore.class", "org.quartz.simpl.RAMJobStore");
        return new StdSchedulerFactory(properties).getScheduler();
    }

    /** A scheduler that shares its triggers with the other replicas through tables in PostgreSQL. */
    private static Scheduler jdbcCluster(DataSource database, Duration checkin, int threads) throws SchedulerException {
        createTables(database);
        DBConnectionManager.getInstance().addConnectionProvider(DATA_SOURCE, new Pooled(database));
        Properties properties = common("cluster", "AUTO", threads);
        String store = "org.quartz.jobStore.";
        properties.setProperty(store + "class", "org.quartz.impl.jdbcjobstore.JobStoreTX");
        properties.setProperty(store + "driverDelegateClass", "org.quartz.impl.jdbcjobstore.PostgreSQLDelegate");
        properties.setProperty(store + "dataSource", DATA_SOURCE);
        properties.setProperty(store + "useProperties", "true");
        properties.setProperty(store + "isClustered", "true");
        properties.setProperty(store + "acquireTriggersWithinLock", "true");
        properties.setProperty(store + "clusterCheckinInterval", Long.toString(checkin.toMillis()));
        return new StdSchedulerFactory(properties).getScheduler();
    }

    private static Properties common(String name, String instance, int threads) {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", name);
        properties.setProperty("org.quartz.scheduler.instanceId", instance);
        properties.setProperty("org.quartz.scheduler.skipUpdateCheck", "true");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        properties.setProperty("org.quartz.threadPool.threadCount", Integer.toString(threads));
        return properties;
    }

    /** Quartz ships its schema with DROP statements at the top: only the rest is used, and only once. */
    private static void createTables(DataSource database) {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT pg_advisory_xact_lock(4711)");
            if (!exists(statement)) {
                statement.execute(schemaWithoutDrops());
            }
            connection.commit();
            connection.setAutoCommit(true);
        } catch (SQLException | IOException e) {
            throw new IllegalStateException("the tables of Quartz could not be created: " + e.getMessage(), e);
        }
    }

    private static boolean exists(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT to_regclass('qrtz_locks') IS NOT NULL")) {
            return row.next() && row.getBoolean(1);
        }
    }

    private static String schemaWithoutDrops() throws IOException {
        try (InputStream in = Scheduler.class.getResourceAsStream(SCHEMA)) {
            if (in == null) {
                throw new IOException(SCHEMA + " is not on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("DROP ") && !line.strip().equalsIgnoreCase("COMMIT;"))
                    .collect(Collectors.joining("\n"));
        }
    }

    /** Lets Quartz use the worker's pool. */
    private record Pooled(DataSource database) implements ConnectionProvider {
        @Override
        public Connection getConnection() throws SQLException {
            return database.getConnection();
        }

        @Override
        public void shutdown() {}

        @Override
        public void initialize() {}
    }
}
