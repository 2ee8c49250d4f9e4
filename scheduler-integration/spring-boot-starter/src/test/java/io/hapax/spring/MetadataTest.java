package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Setting;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
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

    private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\\\n]|\\\\.)*)\"");
    private static final Pattern PROPERTY =
            Pattern.compile("(?<![\\w./])hapax\\.(?:redis|postgres|ledger|console|defaults)\\.[a-z][a-z.-]*[a-z]");

    /** What a message asks for, in whatever module, can be set. */
    @Test
    void every_property_that_a_message_names_exists() throws IOException {
        String described = metadata();
        Set<String> named = new TreeSet<>();
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(Path.of(".."))) {
            // Where servers of tests are, is said by other names.
            for (Path module : modules.filter(module -> !module.endsWith("testkit"))
                    .map(module -> module.resolve("src/main/java"))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(module)) {
                    files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
                }
            }
        }
        for (Path source : sources) {
            Matcher literals = LITERAL.matcher(Files.readString(source));
            while (literals.find()) {
                Matcher properties = PROPERTY.matcher(literals.group(1));
                while (properties.find()) {
                    named.add(properties.group());
                }
            }
        }
        assertThat(named)
                .contains("hapax.redis.replace-settings", "hapax.ledger.enabled", "hapax.redis.longest-ttl")
                .allSatisfy(name -> assertThat(described).contains("\"" + name + "\""));
    }
}
