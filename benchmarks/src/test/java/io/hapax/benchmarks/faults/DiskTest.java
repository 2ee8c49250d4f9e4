package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A real Redis that keeps its keys in append-only files. */
@Tag("slow")
class DiskTest {

    @Test
    void a_server_that_starts_from_what_was_remembered_has_nothing_of_what_came_later() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--appendonly", "yes", "--appendfsync", "always")) {
            redis.command("SET", "early", "1");
            Disk disk = Disk.of(redis);
            disk.remember();
            redis.command("SET", "late", "1");
            redis.kill();
            disk.recall();
            redis.restart();
            assertThat(redis.command("GET", "early")).isEqualTo("1");
            assertThat(redis.command("GET", "late")).isEqualTo("(nil)");
        }
    }
}
