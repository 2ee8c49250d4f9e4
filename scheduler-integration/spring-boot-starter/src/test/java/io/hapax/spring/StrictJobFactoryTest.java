package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Guarded;
import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.quartz.autoconfigure.QuartzAutoConfiguration;
import org.springframework.boot.quartz.autoconfigure.SchedulerFactoryBeanCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.quartz.SpringBeanJobFactory;

/** Spring's job factory, told to refuse a job without a property for an entry of its data, makes guarded jobs. */
@Tag("slow")
class StrictJobFactoryTest {

    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();
    private static final List<String> ORDERS = new CopyOnWriteArrayList<>();

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    /** A job with a property. */
    @Guarded
    public static class OrderJob implements Job {
        private String order = "";

        public void setOrder(String order) {
            this.order = order;
        }

        @Override
        public void execute(JobExecutionContext context) {
            ORDERS.add(order);
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration({
        HapaxAutoConfiguration.class,
        HapaxQuartzAutoConfiguration.class,
        QuartzAutoConfiguration.class
    })
    static class Application {

        @Bean
        SchedulerFactoryBeanCustomizer strict() {
            SpringBeanJobFactory factory = new SpringBeanJobFactory();
            factory.setIgnoredUnknownProperties("x");
            return scheduler -> scheduler.setJobFactory(factory);
        }

        @Bean
        JobDetail orders() {
            return JobBuilder.newJob(OrderJob.class)
                    .withIdentity("orders")
                    .usingJobData("order", "7")
                    .usingJobData("hapax.ttl", "20s")
                    .storeDurably()
                    .build();
        }

        @Bean
        Trigger once(JobDetail orders) {
            return TriggerBuilder.newTrigger()
                    .withIdentity("once")
                    .forJob(orders)
                    .startNow()
                    .build();
        }
    }

    @Test
    void a_job_is_made_as_without_a_guard() throws Exception {
        try (Contexts contexts = new Contexts()) {
            Scheduler scheduler = contexts.replica(REDIS, Application.class, "hapax.worker=one")
                    .getBean(Scheduler.class);
            await().atMost(Duration.ofSeconds(60)).until(() -> !ORDERS.isEmpty());
            assertThat(ORDERS).containsExactly("7");
            assertThat(scheduler.getContext().getKeys()).noneMatch(key -> key.contains("hapax"));
        }
    }
}
