package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Guarded;
import io.hapax.Setting;
import io.hapax.quartz.HapaxPlugin;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The pages show code that is compiled and run: each of their snippets is a region of a source file. */
class ReadmeTest {

    private static final Path ROOT = Pages.ROOT;
    /** What tests of the starter call is compiled there, so that no example needs another compiler. */
    private static final Path KOTLIN = ROOT.resolve("scheduler-integration/spring-boot-starter/src/test/kotlin");

    private static final List<String> PAGES =
            Pages.all().stream().map(Pages::name).toList();

    /** A region of a source file between {@code snippet:name} and {@code end}, without its indentation. */
    private record Snippet(Path file, String name, String text) {}

    static List<Snippet> snippets() throws IOException {
        List<Snippet> snippets = new ArrayList<>();
        try (Stream<Path> examples = Files.list(ROOT.resolve("examples"))) {
            // Other folders may change meanwhile, as modules are built side by side.
            for (Path sources : Stream.concat(examples.map(example -> example.resolve("src/main")), Stream.of(KOTLIN))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(sources)) {
                    files.filter(Files::isRegularFile).forEach(file -> snippets.addAll(snippetsOf(file)));
                }
            }
        }
        return snippets;
    }

    private static List<Snippet> snippetsOf(Path file) {
        try {
            List<String> lines = Files.readAllLines(file);
            return Stream.iterate(0, i -> i < lines.size(), i -> i + 1)
                    .filter(i -> lines.get(i).matches("\\s*(//|#) snippet:.*"))
                    .map(i -> new Snippet(file, lines.get(i).replaceAll(".*snippet:", ""), region(lines, i + 1)))
                    .toList();
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + file, e);
        }
    }

    private static String region(List<String> lines, int from) {
        // Joined without a last line break, which would count as a line without indentation.
        return lines.stream()
                        .skip(from)
                        .takeWhile(line -> !line.matches("\\s*(//|#) end"))
                        .collect(Collectors.joining("\n"))
                        .stripIndent()
                + "\n";
    }

    @ParameterizedTest
    @MethodSource("snippets")
    void each_snippet_stands_on_a_page_as_it_stands_in_the_source(Snippet snippet) throws IOException {
        List<String> texts = new ArrayList<>();
        for (String page : PAGES) {
            texts.add(Files.readString(ROOT.resolve(page)));
        }
        assertThat(texts).anyMatch(text -> text.contains("\n" + snippet.text()));
    }

    /** Code that nobody compiles rots. */
    @Test
    void each_block_of_code_on_a_page_is_a_snippet() throws IOException {
        List<String> known = snippets().stream().map(Snippet::text).toList();
        Pattern block = Pattern.compile("\n```(?:java|kotlin|properties)\n(.*?)```", Pattern.DOTALL);
        for (String page : PAGES) {
            Matcher code = block.matcher(Files.readString(ROOT.resolve(page)));
            while (code.find()) {
                assertThat(known).as("a block in " + page).contains(code.group(1));
            }
        }
    }

    @Test
    void the_readme_is_read_in_five_minutes() throws IOException {
        assertThat(Files.readAllLines(ROOT.resolve("README.md"))).hasSizeLessThanOrEqualTo(150);
    }

    /** A dependency that is copied from a page must be the one that this tree builds. */
    @Test
    void dependencies_on_pages_have_the_version_of_this_tree() throws IOException {
        Matcher own = Pattern.compile("<artifactId>hapax-parent</artifactId>\\s*<version>(.*?)</version>")
                .matcher(Files.readString(ROOT.resolve("pom.xml")));
        assertThat(own.find()).isTrue();
        Pattern shown = Pattern.compile(
                "io\\.hapax:[a-z-]+:([\\w.-]+)|<artifactId>hapax-[a-z-]+</artifactId>\\s*<version>(.*?)</");
        List<String> versions = new ArrayList<>();
        for (String page : PAGES) {
            Matcher each = shown.matcher(Files.readString(ROOT.resolve(page)));
            while (each.find()) {
                versions.add(each.group(1) == null ? each.group(2) : each.group(1));
            }
        }
        assertThat(versions).hasSizeGreaterThan(3).containsOnly(own.group(1));
    }

    @ParameterizedTest
    @MethodSource("snippets")
    void a_snippet_is_short_enough_to_be_read(Snippet snippet) {
        assertThat(snippet.text().lines()).hasSizeLessThan(11);
    }

    @Test
    void the_ways_to_be_guarded_are_shown() throws IOException {
        assertThat(snippets())
                .extracting(Snippet::name)
                .contains("plain-code", "quartz", "jobrunr", "ledger", "fenced", "spring-boot-job", "lock-mode");
    }

    @Test
    void every_setting_of_the_plugin_and_of_the_annotation_stands_on_the_page_of_settings() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/settings.md"));
        List<String> names = new ArrayList<>();
        for (Method each : HapaxPlugin.class.getMethods()) {
            if (each.getName().startsWith("set")) {
                names.add(Character.toLowerCase(each.getName().charAt(3))
                        + each.getName().substring(4));
            }
        }
        for (Method each : Guarded.class.getDeclaredMethods()) {
            names.add(each.getName());
        }
        names.addAll(Setting.names());
        assertThat(names).hasSizeGreaterThan(36).allMatch(name -> page.contains("`" + name + "`"));
    }

    /** A promise is worth as much as the test that it names. */
    @Test
    void the_tests_that_the_documents_name_exist() throws IOException {
        Map<String, List<Path>> tests = tests();
        Pattern named = Pattern.compile("`([A-Z]\\w+Test)\\.([a-z]\\w+)`");
        for (String page : PAGES) {
            Matcher test = named.matcher(Files.readString(ROOT.resolve(page)));
            while (test.find()) {
                assertThat(sourcesOf(tests.getOrDefault(test.group(1) + ".java", List.of())))
                        .as(test.group() + " in " + page)
                        .anySatisfy(source -> assertThat(source).contains("void " + test.group(2) + "("));
            }
        }
    }

    private static List<String> sourcesOf(List<Path> files) throws IOException {
        List<String> sources = new ArrayList<>();
        for (Path file : files) {
            sources.add(Files.readString(file));
        }
        return sources;
    }

    /** The sources of all tests by the names of their files. */
    private static Map<String, List<Path>> tests() {
        return Pages.files(file -> file.toString().endsWith("Test.java")).stream()
                .collect(Collectors.groupingBy(file -> String.valueOf(file.getFileName())));
    }
}
