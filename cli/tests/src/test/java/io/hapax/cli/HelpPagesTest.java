package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/** The pages in the jar say what picocli would say. With {@code -Dhapax.help.write=true} they are written anew. */
class HelpPagesTest {

    private static final Path PAGES = Path.of("..", "src", "main", "resources", "io", "hapax", "cli", HelpPages.FOLDER);

    static Stream<String> names() {
        return CommandLineTest.commands().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void the_help_of_each_command_is_in_the_jar(String name) throws IOException {
        List<String> words = name.isEmpty() ? List.of() : List.of(name.split(" ", -1));
        CommandLine command = new TreeMap<>(CommandLineTest.commands()).get(name);
        String wanted = command.getUsageMessage(Ansi.OFF);
        Path page = PAGES.resolve(HelpPages.page(words));
        if (Boolean.getBoolean("hapax.help.write")) {
            Files.createDirectories(PAGES);
            Files.writeString(page, wanted);
        }
        assertThat(Files.readString(page))
                .as("write it anew with -Dhapax.help.write=true")
                .isEqualTo(wanted);

        List<String> asked = new ArrayList<>(words);
        asked.add("--help");
        assertThat(printed(asked.toArray(String[]::new))).isEqualTo(wanted);
    }

    @Test
    void no_page_is_left_of_a_command_that_is_gone() throws IOException {
        try (Stream<Path> pages = Files.list(PAGES)) {
            assertThat(pages.map(page -> page.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(names().map(
                                    name -> HelpPages.page(name.isEmpty() ? List.of() : List.of(name.split(" ", -1))))
                            .toList());
        }
    }

    @Test
    void nothing_at_all_asks_for_help() {
        assertThat(printed()).startsWith("Usage: hapax [-hV] [COMMAND]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lokcs --help",
                "locks list",
                "locks --help list",
                "../hapax --help",
                "exec k -- run --help",
                "--version"
            })
    void all_else_is_answered_by_picocli(String line) {
        assertThat(HelpPages.answers(
                        line.split(" ", -1),
                        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8)))
                .isFalse();
    }

    private static String printed(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(HelpPages.answers(args, new PrintStream(out, true, StandardCharsets.UTF_8)))
                .isTrue();
        return out.toString(StandardCharsets.UTF_8);
    }
}
