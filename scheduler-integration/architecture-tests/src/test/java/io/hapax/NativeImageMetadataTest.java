package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hapax.quartz.HapaxPlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a native image has to keep, as GraalVM removes what nobody calls. It is compared with the code: no image is built here. */
class NativeImageMetadataTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path MODULES = Path.of("..");

    private static JsonNode metadata(String module, String file) throws IOException {
        return JSON.readTree(MODULES.resolve(module)
                .resolve("src/main/resources/META-INF/native-image/io.hapax/hapax-" + module)
                .resolve(file)
                .toFile());
    }

    @ParameterizedTest
    @ValueSource(strings = {"core", "quartz", "postgres"})
    void what_is_reached_by_name_exists(String module) throws Exception {
        for (JsonNode entry : metadata(module, "reflect-config.json")) {
            Class<?> type = Class.forName(entry.get("name").asText());
            if (entry.has("allPublicConstructors")) {
                assertThat(type.getConstructor()).isNotNull();
            }
            for (JsonNode field : entry.path("fields")) {
                assertThat(type.getDeclaredField(field.get("name").asText())).isNotNull();
            }
        }
    }

    /** A class that is named in the code, and a member that is asked for by its name, are named in the metadata. */
    @ParameterizedTest
    @ValueSource(strings = {"core", "quartz", "postgres"})
    void what_the_code_names_is_listed(String module) throws IOException {
        String listed = metadata(module, "reflect-config.json").toString();
        Pattern named = Pattern.compile(
                "\"(org\\.(?:postgresql|quartz)\\.(?:[a-z]+\\.)*[A-Z]\\w*)\"|(Guarded|StdScheduler)\\.class\\.get(?:Method|DeclaredField)");
        for (Path source : files(MODULES.resolve(module).resolve("src/main/java"), ".java")) {
            named.matcher(Files.readString(source)).results().forEach(found -> {
                String name = found.group(1) == null ? found.group(2) : found.group(1);
                assertThat(listed).as("%s in %s", name, source).containsPattern("[\".]" + Pattern.quote(name) + "\"");
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis", "postgres"})
    void each_script_is_kept(String module) throws IOException {
        List<Pattern> kept = new ArrayList<>();
        metadata(module, "resource-config.json")
                .at("/resources/includes")
                .forEach(each -> kept.add(Pattern.compile(each.get("pattern").asText())));
        Path resources = MODULES.resolve(module).resolve("src/main/resources");
        List<Path> scripts = new ArrayList<>(files(resources, ".lua"));
        scripts.addAll(files(resources, ".sql"));
        assertThat(scripts)
                .isNotEmpty()
                .allSatisfy(script -> assertThat(kept)
                        .anyMatch(pattern -> pattern.matcher(
                                        resources.relativize(script).toString().replace('\\', '/'))
                                .matches()));
    }

    private static List<Path> files(Path folder, String end) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(file -> file.toString().endsWith(end)).toList();
        }
    }

    @Test
    void the_plugin_takes_its_settings_by_public_methods() throws Exception {
        assertThat(metadata("quartz", "reflect-config.json").findValuesAsText("name"))
                .contains(HapaxPlugin.class.getName());
        assertThat(HapaxPlugin.class.getMethod("setRedisUrl", String.class)).isNotNull();
    }
}
