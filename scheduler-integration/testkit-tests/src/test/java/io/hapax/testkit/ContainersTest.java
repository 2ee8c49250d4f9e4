package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

class ContainersTest {

    @Test
    void a_redis_in_a_container_answers() {
        try (EmbeddedRedis redis = EmbeddedRedis.external(Containers.redisUrlOrSkip())) {
            assertThat(redis.command("PING")).isEqualTo("PONG");
            assertThat(redis.command("INFO", "server")).contains("redis_version:7.2");
        }
    }

    @Test
    void a_test_is_skipped_with_a_reason_unless_containers_were_asked_for() {
        assumeFalse(Boolean.getBoolean("hapax.containers"), "containers were asked for");
        assertThatThrownBy(Containers::redisUrlOrSkip)
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("-Dhapax.containers=true");
    }
}
