package io.hapax.quartz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.impl.jdbcjobstore.JobStoreTX;

/** The shared job store of a cluster's nodes: Quartz's tables in a database of their own. */
final class Cluster {

    private static final AtomicInteger DATABASES = new AtomicInteger();

    private final AtomicInteger nodes = new AtomicInteger();
    private final DatabaseAddress database;

    private Cluster(DatabaseAddress database) {
        this.database = database;
    }

    static Cluster create() throws SQLException, IOException {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("quartz_" + ProcessHandle.current().pid() + "_" + DATABASES.incrementAndGet());
        try (InputStream script = JobStoreTX.class.getResourceAsStream("tables_postgres.sql");
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(new String(Objects.requireNonNull(script).readAllBytes(), UTF_8));
        }
        return new Cluster(database);
    }

    /** One more node, not started. */
    Scheduler node(Fleet fleet) throws SchedulerException {
        return node(fleet, Duration.ofMinutes(1));
    }

    /** @param misfireThreshold how late is too late */
    Scheduler node(Fleet fleet, Duration misfireThreshold) throws SchedulerException {
        int number = nodes.incrementAndGet();
        String source = database.database() + "_" + number;
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceId", "AUTO");
        properties.setProperty("org.quartz.jobStore.class", JobStoreTX.class.getName());
        properties.setProperty("org.quartz.jobStore.driverDelegateClass", StallingDelegate.class.getName());
        properties.setProperty("org.quartz.jobStore.dataSource", source);
        properties.setProperty("org.quartz.jobStore.useProperties", "true");
        properties.setProperty("org.quartz.jobStore.isClustered", "true");
        properties.setProperty("org.quartz.jobStore.clusterCheckinInterval", "500");
        properties.setProperty("org.quartz.jobStore.misfireThreshold", String.valueOf(misfireThreshold.toMillis()));
        String prefix = "org.quartz.dataSource." + source + ".";
        properties.setProperty(prefix + "provider", "hikaricp");
        properties.setProperty(prefix + "driver", "org.postgresql.Driver");
        properties.setProperty(prefix + "URL", database.jdbcUrl());
        properties.setProperty(prefix + "user", database.user());
        properties.setProperty(prefix + "password", database.password());
        properties.setProperty(prefix + "maxConnections", "6");
        return fleet.replica("node " + number, properties);
    }

    /** As if the last check-in of a node were long ago. */
    void ageCheckInOf(String instanceId) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement statement = connection.prepareStatement(
                        "UPDATE qrtz_scheduler_state SET last_checkin_time = 1 WHERE instance_name = ?")) {
            statement.setString(1, instanceId);
            assertThat(statement.executeUpdate()).isEqualTo(1);
        }
    }

    /** Whether a node has taken a trigger for itself. */
    boolean hasAcquired(Scheduler node) throws SQLException, SchedulerException {
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT count(*) FROM qrtz_fired_triggers WHERE state = 'ACQUIRED' AND instance_name = ?")) {
            statement.setString(1, node.getSchedulerInstanceId());
            try (ResultSet count = statement.executeQuery()) {
                count.next();
                return count.getInt(1) > 0;
            }
        }
    }

    /** How many triggers the nodes have taken for themselves. */
    int acquired() throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet count =
                        statement.executeQuery("SELECT count(*) FROM qrtz_triggers WHERE trigger_state = 'ACQUIRED'")) {
            count.next();
            return count.getInt(1);
        }
    }
}
