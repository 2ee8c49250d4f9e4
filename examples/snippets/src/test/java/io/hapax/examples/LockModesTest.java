package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Properties;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.junit.jupiter.api.Test;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

class LockModesTest {

    private static JobDetail job(String name) {
        return JobBuilder.newJob(LockModes.ImportJob.class)
                .withIdentity(name)
                .usingJobData("file", "stock.csv")
                .build();
    }

    private static Trigger once(String name) {
        return TriggerBuilder.newTrigger().withIdentity(name).startNow().build();
    }

    @Test
    void a_file_is_not_queued_twice_until_it_was_imported() throws Exception {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "imports");
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
        try (JobGuard guard =
                JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build()) {
            HapaxPlugin.install(scheduler, guard);
            assertThat(LockModes.schedule(scheduler, job("first"), once("first")))
                    .isTrue();
            assertThat(LockModes.schedule(scheduler, job("second"), once("second")))
                    .isFalse();
            scheduler.start();
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> LockModes.schedule(scheduler, job("third"), once("third")));
        } finally {
            scheduler.shutdown(true);
        }
    }

    @Test
    void jobrunr_takes_the_filter() {
        assertThat(LockModes.configure(new InMemoryStorageProvider())).isNotNull();
        assertThat(new LockModes.Partner().send(7)).isEqualTo("sent 7");
    }
}
