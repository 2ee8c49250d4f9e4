package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong, and how to mend it, are told apart by whoever knows both, whatever the texts are. */
class ExaminationTest {

    private static RedissonLeaseStore.Builder file(Path folder, String name) throws IOException {
        return RedissonLeaseStore.builder().namespace("redis-test").yaml(Files.writeString(folder.resolve(name), """
                        singleServerConfig:
                          address: "redis://127.0.0.1:1"
                          retryAttempts: 0
                        """));
    }

    @Test
    void a_full_stop_in_the_name_of_a_file_does_not_end_the_problem(@TempDir Path folder) throws IOException {
        List<Finding> findings = file(folder, "our no. 1 redis.yaml").examine(List.of());
        assertThat(findings).singleElement().satisfies(finding -> {
            assertThat(finding.problem()).contains("our no. 1 redis.yaml").endsWith("connection refused");
            assertThat(finding.remedy()).isEqualTo("Is it running there?");
        });
    }

    @Test
    void a_number_of_servers_that_makes_no_quorum_is_told_with_what_to_do() {
        List<Finding> findings = RedissonLeaseStore.builder()
                .namespace("redis-test")
                .examine(List.of("redis://127.0.0.1:1", "redis://127.0.0.1:2"));
        assertThat(findings).anySatisfy(finding -> {
            assertThat(finding.problem()).endsWith("got 2: with fewer, the loss of one stops all");
            assertThat(finding.remedy()).isEqualTo("Add servers, or use one with url(...)");
        });
    }
}
