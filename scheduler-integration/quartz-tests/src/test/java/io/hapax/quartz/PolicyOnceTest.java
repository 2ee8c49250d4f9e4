package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.quartz.JobBuilder.newJob;
import static org.quartz.SimpleScheduleBuilder.simpleSchedule;
import static org.quartz.TriggerBuilder.newTrigger;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.impl.StdSchedulerFactory;

class PolicyOnceTest {

    private static final List<String> RUNS = new CopyOnWriteArrayList<>();

    /** Named by an annotation on a superclass. */
    @Guarded(key = "customer/%{customer}")
    public abstract static class Customers implements Job {
        @Override
        public void execute(JobExecutionContext context) {
            RUNS.add(context.getTrigger().getKey().getName());
        }
    }

    /** Created by Quartz. */
    public static final class Invoicing extends Customers {}

    @Test
    void what_annotations_say_is_read_once_for_each_class() throws Exception {
        List<String> read = new CopyOnWriteArrayList<>();
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "policy-once");
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .environment(text -> {
                    read.add(text);
                    return text;
                })
                .build()) {
            Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
            HapaxPlugin.install(scheduler, guard);
            scheduler.scheduleJob(
                    newJob(Invoicing.class)
                            .withIdentity("invoicing")
                            .usingJobData("customer", "c1")
                            .build(),
                    newTrigger()
                            .withIdentity("often")
                            .withSchedule(simpleSchedule()
                                    .withIntervalInMilliseconds(50)
                                    .withRepeatCount(5))
                            .build());
            scheduler.start();
            await().until(() -> RUNS.size() >= 3);
            scheduler.shutdown(true);
            assertThat(read).containsExactly("customer/%{customer}");
        }
    }
}
