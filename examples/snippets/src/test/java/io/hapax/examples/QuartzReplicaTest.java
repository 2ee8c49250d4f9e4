package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.quartz.Scheduler;

class QuartzReplicaTest {

    @Test
    void two_replicas_with_the_same_properties_run_every_firing_once() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            Properties changes = new Properties();
            changes.setProperty("org.quartz.plugin.hapax.redisUrl", redis.url());
            changes.setProperty(
                    "org.quartz.plugin.hapax.firstStart", WallClock.now().toString());
            Scheduler first = QuartzReplica.start(changes);
            // The factory knows a scheduler of this name already; another process would not.
            org.quartz.impl.SchedulerRepository.getInstance().remove(first.getSchedulerName());
            Scheduler second = QuartzReplica.start(changes);
            try {
                assertThat(second).isNotSameAs(first);
                await().atMost(Duration.ofSeconds(60)).until(() -> QuartzReplica.RUNS.size() >= 4);
            } finally {
                first.shutdown(true);
                second.shutdown(true);
            }
            assertThat(QuartzReplica.RUNS).doesNotHaveDuplicates();
        }
    }
}
