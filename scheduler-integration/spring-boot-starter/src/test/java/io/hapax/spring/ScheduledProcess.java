package io.hapax.spring;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.OnConflict;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.scheduling.Trigger;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/**
 * The application of {@link ScheduledFaultsTest}, and the replica of it that is killed and frozen. What it does it writes to
 * PostgreSQL: {@code started} at once, {@code effect} with the run's transaction, {@code over} when a firing has ended.
 */
public final class ScheduledProcess {

    static final String SCHEMA = """
            CREATE TABLE started (task text NOT NULL, run_key text NOT NULL, planned timestamptz NOT NULL, worker text NOT NULL,
              held boolean NOT NULL);
            CREATE TABLE effect (task text NOT NULL, run_key text NOT NULL, worker text NOT NULL);
            CREATE TABLE over (task text NOT NULL, worker text NOT NULL);
            """;

    /** Far beyond any ttl, and nobody's test runs when one such interval ends. */
    private static final long FIFTY_YEARS = 50L * 365 * 86_400_000;

    private static final int THREADS = 14;

    /** What runs stay in until it changes: "far" is only that method, "all" each of them, "none" neither. */
    private static volatile String held = "none";

    private ScheduledProcess() {}

    /** Lets a replica wait with a firing. */
    interface Turn {

        /** @param planned when it was planned; null at a fixed rate */
        void await(String task, @Nullable Instant planned);
    }

    /** Asks for its turn before each firing, and notes the end of each. */
    static final class OrderlyScheduler extends ThreadPoolTaskScheduler {

        private static final long serialVersionUID = 1L;
        private final transient Turn turn;
        private final transient Notes notes;

        OrderlyScheduler(Turn turn, Notes notes) {
            this.turn = turn;
            this.notes = notes;
            setPoolSize(THREADS);
            // Failures are looked at in the tables.
            setErrorHandler(failure -> {});
        }

        @Override
        public @Nullable ScheduledFuture<?> schedule(Runnable task, Trigger trigger) {
            Instant[] planned = new Instant[1];
            return super.schedule(() -> fire(task, planned[0]), context -> planned[0] = trigger.nextExecution(context));
        }

        @Override
        public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, Duration period) {
            return super.scheduleAtFixedRate(() -> fire(task, null), period);
        }

        /** A firing that is tried again, whose turn has come. */
        @Override
        public ScheduledFuture<?> schedule(Runnable task, Instant startTime) {
            return super.schedule(() -> execute(task, name(task)), startTime);
        }

        private void fire(Runnable task, @Nullable Instant planned) {
            String name = name(task);
            turn.await(name, planned);
            execute(task, name);
        }

        private static String name(Runnable task) {
            String text = task.toString();
            return text.substring(text.lastIndexOf('.') + 1);
        }

        private void execute(Runnable task, String name) {
            try {
                task.run();
            } finally {
                notes.write("INSERT INTO over VALUES (?, ?)", name, notes.worker);
            }
        }
    }

    /** Writes at once, whatever happens to the run's transaction. */
    record Notes(String database, String worker) {

        void write(String statement, Object... values) {
            try (Connection connection = DriverManager.getConnection(database);
                    PreparedStatement insert = connection.prepareStatement(statement)) {
                for (int n = 0; n < values.length; n++) {
                    insert.setObject(n + 1, values[n]);
                }
                insert.executeUpdate();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Each has one effect for each planned firing, in the transaction that completes it. */
    public static class Work {

        private final JdbcTemplate jdbc;
        private final Notes notes;

        Work(JdbcTemplate jdbc, Notes notes) {
            this.jdbc = jdbc;
            this.notes = notes;
        }

        /** Is taken over, as it says so. */
        @Scheduled(cron = "* * * * * *")
        @Guarded(onConflict = OnConflict.RESCHEDULE)
        @Transactional
        public void cronAgain() {
            work("cronAgain");
        }

        /** Likewise. */
        @Scheduled(fixedRate = 1_000)
        @Guarded(onConflict = OnConflict.RESCHEDULE)
        @Transactional
        public void rateAgain() {
            work("rateAgain");
        }

        /** Is taken over, since the next one is far away. */
        @Scheduled(fixedRate = FIFTY_YEARS)
        @Guarded
        @Transactional
        public void far() {
            work("far");
        }

        /** Is not taken over, since the next one is near. */
        @Scheduled(fixedRate = 1_000)
        @Guarded
        @Transactional
        public void near() {
            work("near");
        }

        /** Is not taken over, as it says so. */
        @Scheduled(cron = "* * * * * *")
        @Guarded(onConflict = OnConflict.SKIP)
        @Transactional
        public void cronSkip() {
            work("cronSkip");
        }

        private void work(String task) {
            String key = CurrentRun.get().identity().run().orElseThrow().value();
            boolean holds = isHeld(task);
            notes.write(
                    "INSERT INTO started VALUES (?, ?, CAST(? AS timestamptz), ?, ?)",
                    task,
                    key,
                    ScheduledFaultsTest.planned(key).toString(),
                    notes.worker(),
                    holds);
            while (holds && isHeld(task)) {
                // Deaf to the loss of its lease, as much code is.
                boolean unused = Thread.interrupted();
                LockSupport.parkNanos(5_000_000);
            }
            jdbc.update("INSERT INTO effect VALUES (?, ?, ?)", task, key, notes.worker());
        }

        private static boolean isHeld(String task) {
            return held.equals("all") || held.equals(task);
        }
    }

    /** Both replicas. */
    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    @EnableTransactionManagement(proxyTargetClass = true)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {

        @Bean(destroyMethod = "close")
        HikariDataSource dataSource(Environment environment) {
            HikariDataSource pool = new HikariDataSource();
            pool.setJdbcUrl(environment.getRequiredProperty("database"));
            pool.setMaximumPoolSize(THREADS);
            return pool;
        }

        @Bean
        Notes notes(Environment environment) {
            return new Notes(
                    environment.getRequiredProperty("database"), environment.getRequiredProperty("hapax.worker"));
        }

        @Bean
        JdbcTemplate jdbc(DataSource source) {
            return new JdbcTemplate(source);
        }

        @Bean
        PlatformTransactionManager transactionManager(DataSource source) {
            return new JdbcTransactionManager(source);
        }

        @Bean
        OrderlyScheduler taskScheduler(Turn turn, Notes notes) {
            return new OrderlyScheduler(turn, notes);
        }

        @Bean
        Work work(JdbcTemplate jdbc, Notes notes) {
            return new Work(jdbc, notes);
        }
    }

    /** The replica that comes first. */
    @Configuration(proxyBeanMethods = false)
    static class First extends Application {

        @Bean
        Turn turn() {
            return (task, planned) -> {};
        }
    }

    /** Arguments: settings. Its standard input says what is held, and ends with the test. */
    public static void main(String[] settings) {
        held = "far";
        Thread listener = new Thread(ScheduledProcess::obey, "listener");
        listener.setDaemon(true);
        listener.start();
        var unused = new SpringApplicationBuilder(First.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .logStartupInfo(false)
                .run(settings);
    }

    private static void obey() {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                held = line;
            }
        } catch (IOException gone) {
            // The test has ended.
        }
        Runtime.getRuntime().halt(2);
    }
}
