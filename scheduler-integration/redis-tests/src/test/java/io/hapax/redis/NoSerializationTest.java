package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;

/** Nothing that is read from Redis or the database is ever turned into an object of a class that the text names. */
class NoSerializationTest {

    private static final Path SOURCES = Path.of("../..");
    /** What would: serialised Java, other codecs than text, JSON that names classes. */
    private static final Pattern DANGEROUS =
            Pattern.compile("ObjectInputStream|ObjectOutputStream|readObject\\(|readUnshared"
                    + "|XMLDecoder|SerializationCodec|FstCodec|Kryo|MarshallingCodec|JsonJacksonCodec|TypedJsonJackson"
                    + "|LZ4Codec|SnappyCodec|CompositeCodec|DefaultTyping|JsonTypeInfo|enableDefaultTyping|activateDefaultTyping"
                    + "|SnakeYaml|new Yaml\\(");

    private static List<Path> mainSources() {
        List<Path> sources = new ArrayList<>();
        try {
            // Other folders may change meanwhile, as modules are built side by side.
            for (Path folder :
                    List.of(SOURCES, SOURCES.resolve("scheduler-integration"), SOURCES.resolve("examples"))) {
                try (Stream<Path> children = Files.list(folder)) {
                    for (Path module : children.filter(child -> !child.endsWith("benchmarks"))
                            .map(child -> child.resolve("src/main/java"))
                            .filter(Files::isDirectory)
                            .toList()) {
                        try (Stream<Path> files = Files.walk(module)) {
                            files.filter(file -> file.toString().endsWith(".java"))
                                    .forEach(sources::add);
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sources;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void no_main_class_reads_serialised_objects() {
        assertThat(mainSources())
                .hasSizeGreaterThan(150)
                .anyMatch(file -> file.endsWith("RedissonLeaseStore.java"))
                .anyMatch(file -> file.endsWith("ConsoleServlet.java"))
                .filteredOn(file -> DANGEROUS.matcher(text(file)).find())
                .isEmpty();
    }

    @Test
    void the_pattern_finds_what_it_is_for() {
        assertThat(List.of(
                        "new ObjectInputStream(in)",
                        "config.setCodec(new Kryo5Codec())",
                        "mapper.activateDefaultTyping(validator)",
                        "@JsonTypeInfo(use = Id.CLASS)"))
                .allMatch(text -> DANGEROUS.matcher(text).find());
    }

    @Test
    void a_client_of_our_own_has_text_as_its_codec() {
        RedissonClient client = OwnClient.open(
                OwnClient.Address.parse("redis://127.0.0.1:1"),
                java.time.Duration.ofMillis(100),
                true,
                OwnClient.Use.ALONE);
        try {
            assertThat(client.getConfig().getCodec()).isInstanceOf(StringCodec.class);
        } finally {
            client.shutdown();
        }
    }
}
