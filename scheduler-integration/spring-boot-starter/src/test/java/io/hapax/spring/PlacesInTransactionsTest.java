package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Jobs that are put into the queue of a JDBC store within a transaction of the application. */
@Tag("slow")
class PlacesInTransactionsTest {

    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();
    private static final AtomicInteger RUNS = new AtomicInteger();

    private final Contexts contexts = new Contexts();
    private final DatabaseAddress database =
            EmbeddedDatabase.shared().createDatabase("places_" + Long.toUnsignedString(System.nanoTime()));
    private final ConfigurableApplicationContext context = contexts.replica(
            REDIS,
            Application.class,
            "spring.datasource.url=" + database.jdbcUrl(),
            "spring.datasource.username=" + database.user(),
            "spring.datasource.password=" + database.password(),
            "spring.quartz.job-store-type=jdbc",
            "spring.quartz.jdbc.initialize-schema=always",
            "spring.quartz.properties.org.quartz.jobStore.driverDelegateClass="
                    + "org.quartz.impl.jdbcjobstore.PostgreSQLDelegate",
            "spring.quartz.auto-startup=false");
    private final Scheduler scheduler = context.getBean(Scheduler.class);
    private final TransactionTemplate transaction =
            new TransactionTemplate(context.getBean(PlatformTransactionManager.class));

    @AfterEach
    void close() {
        contexts.close();
        RUNS.set(0);
    }

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    /** One import at a time. */
    @Guarded(key = "import/%{id}", mode = LockMode.UNTIL_EXECUTED)
    public static class ImportJob implements Job {
        @Override
        public void execute(JobExecutionContext context) {
            RUNS.incrementAndGet();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration(
            excludeName = {
                "org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration",
                "org.jobrunr.spring.autoconfigure.storage.JobRunrSqlStorageAutoConfiguration",
                "io.hapax.spring.HapaxJobRunrAutoConfiguration"
            })
    static class Application {}

    private boolean schedule(String name) {
        try {
            return HapaxPlugin.of(scheduler)
                    .scheduleUnique(
                            JobBuilder.newJob(ImportJob.class)
                                    .withIdentity(name)
                                    .usingJobData("id", "7")
                                    .build(),
                            TriggerBuilder.newTrigger()
                                    .withIdentity(name)
                                    .startNow()
                                    .build())
                    .isEmpty();
        } catch (SchedulerException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Where Redis or PostgreSQL were slow once, the job is tried again after a third of the ttl, which is 10 s. */
    private void assertRunsOnce() throws SchedulerException {
        scheduler.start();
        await().atMost(Duration.ofSeconds(40)).until(() -> RUNS.get() == 1);
    }

    @Test
    void a_job_whose_transaction_rolls_back_has_no_place() throws Exception {
        transaction.executeWithoutResult(status -> {
            assertThat(schedule("first")).isTrue();
            status.setRollbackOnly();
        });
        assertThat(schedule("second")).isTrue();
        assertRunsOnce();
    }

    @Test
    void a_job_whose_transaction_commits_has_a_place() throws Exception {
        transaction.executeWithoutResult(status -> {
            assertThat(schedule("first")).isTrue();
            assertThat(schedule("beside")).isFalse();
        });
        assertThat(schedule("second")).isFalse();
        assertRunsOnce();
    }
}
