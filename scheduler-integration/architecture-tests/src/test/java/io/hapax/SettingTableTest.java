package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.worker.SettingOptions;
import java.io.IOException;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Everything that names the settings of a run names all of them, as their table does, and would name one more.
 *
 * <p>{@code -Dhapax.settings.write=true} writes what is derived from the table: the rows of the documentation and the metadata of
 * Spring Boot.
 */
class SettingTableTest {

    private static final boolean WRITE = Boolean.getBoolean("hapax.settings.write");
    private static final Path ROOT = Path.of("../..");
    private static final Path PAGE = ROOT.resolve("docs/settings.md");
    private static final Path METADATA =
            ROOT.resolve("scheduler-integration/spring-boot-starter/src/main/resources/META-INF"
                    + "/additional-spring-configuration-metadata.json");
    private static final String BEGIN =
            "<!-- The rows between these lines are written from the table of settings. -->\n";
    private static final String END = "<!-- End of the rows. -->\n";

    private static final Setting<Duration> MADE_UP = new Setting<>(
            "madeUp",
            Duration.ofSeconds(7),
            SettingFormat.duration(Duration.ofSeconds(1), Duration.ofDays(1)),
            "what nobody needs");

    private static List<Setting<?>> oneMore() {
        List<Setting<?>> more = new ArrayList<>(Setting.ALL);
        more.add(MADE_UP);
        return more;
    }

    /** Which settings have no attribute, or one of another type or with a default of its own. */
    private static List<String> missingInAnnotation(List<Setting<?>> settings) {
        List<String> missing = new ArrayList<>();
        for (Setting<?> setting : settings) {
            Method attribute = Arrays.stream(Guarded.class.getDeclaredMethods())
                    .filter(each -> each.getName().equals(setting.name()))
                    .findFirst()
                    .orElse(null);
            Class<?> type = setting.type();
            boolean fits = attribute != null
                    && (type.isEnum() || type == Boolean.class
                            ? attribute.getReturnType().isArray()
                                    && MethodType.methodType(attribute
                                                            .getReturnType()
                                                            .componentType())
                                                    .wrap()
                                                    .returnType()
                                            == type
                                    && Array.getLength(attribute.getDefaultValue()) == 0
                            : type == Integer.class
                                    ? attribute.getDefaultValue().equals(0)
                                    : attribute.getDefaultValue().equals(""));
            if (!fits) {
                missing.add(setting.name());
            }
        }
        return missing;
    }

    @Test
    void the_annotation_has_an_attribute_for_each() {
        assertThat(missingInAnnotation(Setting.ALL)).isEmpty();
        assertThat(missingInAnnotation(oneMore())).containsExactly("madeUp");
    }

    private static List<String> missingInPlugin(List<Setting<?>> settings) {
        List<String> setters = Arrays.stream(HapaxPlugin.class.getMethods())
                .map(Method::getName)
                .toList();
        return settings.stream()
                .<String>map(Setting::name)
                .filter(name ->
                        !setters.contains("set" + name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1)))
                .toList();
    }

    @Test
    void the_quartz_plugin_has_a_property_for_each() {
        assertThat(missingInPlugin(Setting.ALL)).isEmpty();
        assertThat(missingInPlugin(oneMore())).containsExactly("madeUp");
    }

    private static <T> String row(Setting<T> setting) {
        return "| `" + setting + "` | " + setting.text(setting.defaultValue()) + " | " + setting.allowed() + " | "
                + setting.meaning() + " |\n";
    }

    private static String rows(List<Setting<?>> settings) {
        StringBuilder rows =
                new StringBuilder(BEGIN + "| setting | default | allowed | meaning |\n| --- | --- | --- | --- |\n");
        settings.forEach(setting -> rows.append(row(setting)));
        return rows + END;
    }

    @Test
    void the_documentation_has_a_row_for_each() throws IOException {
        String page = Files.readString(PAGE);
        if (WRITE) {
            String before = page.substring(0, page.indexOf(BEGIN));
            page = before + rows(Setting.ALL) + page.substring(page.indexOf(END) + END.length());
            Files.writeString(PAGE, page);
        }
        assertThat(page).contains(rows(Setting.ALL));
        assertThat(rows(oneMore())).contains("| `madeUp` | 7s | 1s to 1d | what nobody needs |");
    }

    private static <T> ObjectNode property(ObjectMapper json, Setting<T> setting) {
        ObjectNode property = json.createObjectNode();
        property.put("name", "hapax.defaults." + setting.kebabName());
        boolean typed = setting.type() == Integer.class || setting.type() == Boolean.class;
        property.put("type", typed ? setting.type().getName() : "java.lang.String");
        property.put(
                "description",
                setting.meaning().substring(0, 1).toUpperCase(Locale.ROOT)
                        + setting.meaning().substring(1) + ".");
        if (setting.defaultValue() instanceof Integer number) {
            property.put("defaultValue", number);
        } else if (setting.defaultValue() instanceof Boolean flag) {
            property.put("defaultValue", flag);
        } else {
            property.put("defaultValue", relaxed(setting.text(setting.defaultValue()), setting));
        }
        return property;
    }

    private static String relaxed(String text, Setting<?> setting) {
        return setting.type().isEnum() ? text.toLowerCase(Locale.ROOT).replace('_', '-') : text;
    }

    private static JsonNode metadata(List<Setting<?>> settings) {
        ObjectMapper json = new ObjectMapper();
        ObjectNode all = json.createObjectNode();
        ArrayNode properties = all.putArray("properties");
        settings.forEach(setting -> properties.add(property(json, setting)));
        ArrayNode hints = all.putArray("hints");
        for (Setting<?> setting : settings) {
            if (setting.type().isEnum()) {
                ObjectNode hint = hints.addObject().put("name", "hapax.defaults." + setting.kebabName());
                ArrayNode values = hint.putArray("values");
                for (Object constant : setting.type().getEnumConstants()) {
                    values.addObject().put("value", relaxed(constant.toString(), setting));
                }
            }
        }
        return all;
    }

    @Test
    void the_metadata_of_spring_boot_has_an_entry_for_each() throws IOException {
        ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        if (WRITE) {
            Files.writeString(METADATA, json.writeValueAsString(metadata(Setting.ALL)) + "\n", StandardCharsets.UTF_8);
        }
        assertThat(json.readTree(METADATA.toFile())).isEqualTo(metadata(Setting.ALL));
        assertThat(metadata(oneMore()).toString()).contains("hapax.defaults.made-up");
    }

    @Test
    void the_worker_has_an_option_and_a_variable_for_each() {
        assertThat(SettingOptions.help(oneMore()))
                .containsEntry("--made-up", "what nobody needs (1s to 1d) [HAPAX_MADE_UP]");
        assertThat(SettingOptions.ofWorker().keySet())
                .containsAll(SettingOptions.help(Setting.ALL).keySet());
    }

    @Test
    void messages_name_setting_and_range() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MADE_UP.parse("2d"))
                .withMessage("setting madeUp: must be from 1000ms to 1d, was PT48H");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunOptions.DEFAULTS.with(Map.of("madeUp", "2s")))
                .withMessage("unknown setting 'madeUp'; allowed are " + Setting.names());
    }

    @Test
    void a_default_is_allowed_and_is_read_as_it_is_written() {
        for (Setting<?> setting : Setting.ALL) {
            assertThat(readBack(setting)).as("default of %s", setting).isEqualTo(setting.defaultValue());
        }
    }

    private static <T> T readBack(Setting<T> setting) {
        return setting.parse(setting.text(setting.defaultValue()));
    }
}
