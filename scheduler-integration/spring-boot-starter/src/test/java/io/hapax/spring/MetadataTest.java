package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Setting;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What an editor completes. */
class MetadataTest {

    private static String metadata() throws IOException {
        try (InputStream in =
                HapaxProperties.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void every_option_of_a_run_and_every_property_is_described() throws IOException {
        for (Setting<?> setting : Setting.ALL) {
            assertThat(metadata()).contains("\"hapax.defaults." + setting.kebabName() + "\"");
        }
        assertThat(metadata())
                .contains(
                        "\"hapax.redis.url\"",
                        "\"hapax.leases\"",
                        "\"hapax.postgres.migrate\"",
                        "\"hapax.ledger.migrate\"",
                        "\"hapax.console.credential\"",
                        "\"hapax.hash-keys\"",
                        "\"hapax.shutdown-grace\"");
    }
}
