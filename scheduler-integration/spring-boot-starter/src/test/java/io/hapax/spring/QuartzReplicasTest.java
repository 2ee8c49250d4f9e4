package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.CurrentRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.OwnThread;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** A Spring Boot application with Quartz becomes guarded by one dependency and one property. */
@Tag("slow")
class QuartzReplicasTest {

    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();
    private static final List<Instant> FIRINGS = new CopyOnWriteArrayList<>();
    private static final List<String> WORKERS = new CopyOnWriteArrayList<>();

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    /** A bean of the application, wired into its job. */
    public static class Mailer {
        void send(Instant planned) {
            FIRINGS.add(planned);
            WORKERS.add(String.valueOf(CurrentRun.get().lease().orElseThrow().worker()));
        }
    }

    /** A job that Spring wires. */
    public static class MailJob implements Job {
        @Autowired
        private Mailer mailer;

        @Override
        public void execute(JobExecutionContext context) {
            mailer.send(context.getScheduledFireTime().toInstant());
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration(
            excludeName = {
                "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
                "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
                "org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration",
                "io.hapax.spring.HapaxJobRunrAutoConfiguration"
            })
    static class Application {

        @Bean
        Mailer mailer() {
            return new Mailer();
        }

        @Bean
        JobDetail mails() {
            return JobBuilder.newJob(MailJob.class)
                    .withIdentity("mails")
                    .storeDurably()
                    .build();
        }

        @Bean
        Trigger eachSecond(JobDetail mails) {
            return TriggerBuilder.newTrigger()
                    .withIdentity("each-second")
                    .forJob(mails)
                    .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                    .build();
        }
    }

    /** Everything that the class path offers. */
    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration(
            excludeName = {
                "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
                "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
                "org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration",
                "io.hapax.spring.HapaxJobRunrAutoConfiguration"
            })
    static class WholeApplication {}

    @Test
    void two_replicas_with_jobs_in_memory_run_each_firing_once() throws Exception {
        try (Contexts contexts = new Contexts()) {
            contexts.replica(REDIS, Application.class, "hapax.worker=one");
            contexts.replica(REDIS, Application.class, "hapax.worker=two");
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> FIRINGS.stream().distinct().count() >= 4);
            await().until(() -> WORKERS.stream().distinct().count() >= 1);
        }
        Map<Instant, Long> counts =
                FIRINGS.stream().collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        assertThat(counts.values()).allMatch(count -> count == 1);
        assertThat(WORKERS).isSubsetOf("one", "two");
    }

    @Test
    void a_scheduler_of_the_whole_auto_configuration_is_guarded_and_ends_before_the_guard() throws Exception {
        Scheduler scheduler;
        JobGuard guard;
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext context =
                    contexts.replica(REDIS, WholeApplication.class, "hapax.defaults.on-conflict=wait");
            scheduler = context.getBean(Scheduler.class);
            guard = context.getBean(JobGuard.class);
            assertThat(HapaxPlugin.of(scheduler)).isNotNull();
            assertThat(guard.defaults().onConflict().name()).isEqualTo("WAIT");
            assertThat(context.getBeanFactory().getDependentBeans(HapaxAutoConfiguration.SHUTDOWN))
                    .contains("quartzScheduler");
        }
        assertThat(scheduler.isShutdown()).isTrue();
        Admission late = guard.admit(RunRequest.lock("late"));
        assertThat(((Admission.Refused) late).refusal().reason()).isEqualTo("this guard is shut down");
    }

    /** Something that a job needs until it has ended. */
    static final class Pool implements AutoCloseable {
        private volatile boolean open = true;

        @Override
        public void close() {
            open = false;
        }
    }

    @Test
    void runs_may_end_in_their_grace_before_any_bean_is_destroyed() throws Exception {
        CountDownLatch began = new CountDownLatch(1);
        CompletableFuture<Boolean> poolWasOpen;
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext context = contexts.replica(REDIS, WithPool.class);
            JobGuard guard = context.getBean(JobGuard.class);
            Pool pool = context.getBean(Pool.class);
            poolWasOpen = OwnThread.supply(() -> {
                try {
                    // Looked at within the run: when that has ended, the pool may be closed at once.
                    return guard.run(RunRequest.lock("grace"), run -> {
                                began.countDown();
                                Thread.sleep(700);
                                return pool.open;
                            })
                            .fold(ran -> Boolean.TRUE.equals(ran.value()), refusal -> false);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            began.await();
        }
        assertThat(poolWasOpen.get()).isTrue();
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class WithPool {
        @Bean
        Pool pool() {
            return new Pool();
        }
    }
}
