package io.hapax.examples.duplicates;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class DuplicateJobsTest {

    @Test
    void replicas_do_everything_once() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            DuplicateJobs.Outcome outcome = DuplicateJobs.run(redis.url(), true);
            assertThat(outcome.invoices()).isGreaterThanOrEqualTo(5);
            assertThat(outcome.invoicesTwice()).isZero();
            assertThat(outcome.orders()).isEqualTo(10);
            assertThat(outcome.ordersTwice()).isZero();
        }
    }
}
