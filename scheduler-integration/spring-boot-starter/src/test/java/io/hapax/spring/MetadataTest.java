package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.RunOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
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
        for (String name : RunOptions.NAMES) {
            String dashed = name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
            assertThat(metadata()).contains("\"hapax.defaults." + dashed + "\"");
        }
        assertThat(metadata())
                .contains(
                        "\"hapax.redis.url\"",
                        "\"hapax.ledger.migrate\"",
                        "\"hapax.console.credential\"",
                        "\"hapax.hash-keys\"",
                        "\"hapax.shutdown-grace\"");
    }
}
