package io.hapax.examples.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class TwoReplicasTest {

    @Test
    void two_replicas_do_everything_once() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            TwoReplicas.Outcome outcome = TwoReplicas.run(redis.url(), true);
            assertThat(outcome.firings()).isGreaterThanOrEqualTo(6);
            assertThat(outcome.firingsTwice()).isZero();
            assertThat(outcome.orders()).isEqualTo(8);
            assertThat(outcome.ordersTwice()).isZero();
            assertThat(outcome.imports()).isEqualTo(1);
            assertThat(outcome.updates()).isPositive();
        }
    }
}
