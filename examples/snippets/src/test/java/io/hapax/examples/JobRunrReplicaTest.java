package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.jobrunr.server.BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration;

import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.junit.jupiter.api.Test;

class JobRunrReplicaTest {

    @Test
    void an_order_that_was_queued_twice_is_processed_once() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            KnownNamespace.on(redis.url());
            InMemoryStorageProvider storage = new InMemoryStorageProvider();
            storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
            JobScheduler queue = new JobScheduler(storage);
            for (int order = 1; order <= 5; order++) {
                int number = order;
                queue.<JobRunrReplica.Orders>enqueue(orders -> orders.process(7, number));
                queue.<JobRunrReplica.Orders>enqueue(orders -> orders.process(7, number));
            }
            JobRunrReplica.start(
                    redis.url(),
                    storage,
                    usingStandardBackgroundJobServerConfiguration()
                            .andPollInterval(Duration.ofMillis(200))
                            .andWorkerCount(4));
            try {
                await().atMost(Duration.ofSeconds(90))
                        .until(() -> storage.getJobStats().getSucceeded() == 10);
            } finally {
                JobRunr.destroy();
            }
            assertThat(storage.getJobStats().getFailed()).isZero();
            assertThat(JobRunrReplica.PROCESSED).containsExactlyInAnyOrder(1, 2, 3, 4, 5);
        }
    }
}
