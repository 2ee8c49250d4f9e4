package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What pages say to be shown by tests is: the tests are there, and each line of the tables of support names one. */
class SupportTest {

    /** A test, and perhaps one of its methods or inner classes. */
    private static final Pattern NAMED = Pattern.compile("`(?:[a-z]+\\.)*([A-Z]\\w*Test)(?:\\.(\\w+))?`");

    private static final Map<String, List<Path>> CLASSES = new HashMap<>();

    static {
        for (Path file : Pages.files(file -> file.toString().endsWith("Test.java"))) {
            String name = String.valueOf(file.getFileName()).replace(".java", "");
            CLASSES.computeIfAbsent(name, first -> new ArrayList<>()).add(file);
        }
    }

    static List<Path> pages() {
        return Pages.all();
    }

    private static boolean isThere(String test, String member) {
        return CLASSES.getOrDefault(test, List.of()).stream()
                .anyMatch(file -> member == null
                        || Pattern.compile("\\b(void|class) " + member + "\\b")
                                .matcher(Pages.read(file))
                                .find());
    }

    @ParameterizedTest
    @MethodSource("pages")
    void each_test_that_a_page_names_is_there(Path page) {
        List<String> absent = new ArrayList<>();
        Matcher named = NAMED.matcher(Pages.read(page));
        while (named.find()) {
            if (!isThere(named.group(1), named.group(2))) {
                absent.add(named.group());
            }
        }
        assertThat(absent).as("tests that " + Pages.name(page) + " names").isEmpty();
    }

    @Test
    void a_test_or_method_that_nobody_has_written_is_not_there() {
        assertThat(isThere("SupportTest", null)).isTrue();
        assertThat(isThere("SupportTest", "a_test_or_method_that_nobody_has_written_is_not_there"))
                .isTrue();
        assertThat(isThere("SupportTest", "another")).isFalse();
        assertThat(isThere("NoSuchTest", null)).isFalse();
    }

    /** Heads of tables, and lines that say how it is tested or that it is not, show nothing. */
    @Test
    void each_line_of_the_tables_of_support_names_a_test() {
        List<String> shown = Pages.read(Pages.ROOT.resolve("docs/support.md"))
                .lines()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| |") && !line.startsWith("| ---"))
                .filter(line -> !line.startsWith("| how the build tests it") && !line.startsWith("| not tried"))
                .toList();
        assertThat(shown)
                .hasSizeGreaterThan(25)
                .allMatch(line -> NAMED.matcher(line).find());
    }
}
