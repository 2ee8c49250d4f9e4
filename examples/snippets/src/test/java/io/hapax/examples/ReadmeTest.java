package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Guarded;
import io.hapax.Setting;
import io.hapax.quartz.HapaxPlugin;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
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

    private static final Path ROOT = Path.of("").toAbsolutePath().getParent().getParent();
    private static final List<String> PAGES = List.of(
            "README.md",
            "CONTRIBUTING.md",
            "docs/guarantees.md",
            "docs/design.md",
            "docs/ledger.md",
            "docs/concepts.md",
            "docs/console.md",
            "docs/command-line.md",
            "docs/lock-modes.md",
            "docs/jobrunr.md",
            "docs/identity.md",
            "docs/keys.md",
            "docs/migration.md",
            "docs/operations.md",
            "docs/postgres-leases.md",
            "docs/quartz.md",
            "docs/security.md",
            "docs/metrics.md",
            "docs/settings.md",
            "docs/spring-boot.md",
            "examples/README.md",
            "docs/model/README.md",
            "docs/quorum.md",
            "docs/topologies.md",
            "docs/transactions.md");

    /** A region of a source file between {@code snippet:name} and {@code end}, without its indentation. */
    private record Snippet(Path file, String name, String text) {}

    static List<Snippet> snippets() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT.resolve("examples"))) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.toString().contains("/src/main/"))
                    .flatMap(file -> snippetsOf(file).stream())
                    .toList();
        }
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
        Pattern block = Pattern.compile("\n```(?:java|properties)\n(.*?)```", Pattern.DOTALL);
        for (String page : PAGES) {
            Matcher code = block.matcher(Files.readString(ROOT.resolve(page)));
            while (code.find()) {
                assertThat(known).as("a block in " + page).contains(code.group(1));
            }
        }
    }

    /** Whoever adds a setting says so. */
    @Test
    void every_option_of_a_run_stands_in_the_readme() throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        assertThat(Setting.names()).allMatch(name -> readme.contains("| `" + name + "` |"));
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

    /** The sources of all tests by the names of their files, without a look at what was built. */
    private static Map<String, List<Path>> tests() throws IOException {
        Map<String, List<Path>> found = new HashMap<>();
        Files.walkFileTree(ROOT, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                boolean built = List.of("target", ".git").contains(String.valueOf(directory.getFileName()));
                return built ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                String name = String.valueOf(file.getFileName());
                if (name.endsWith("Test.java")) {
                    found.computeIfAbsent(name, unused -> new ArrayList<>()).add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return found;
    }

    @Test
    void links_between_the_documents_lead_somewhere() throws IOException {
        for (String page : PAGES) {
            Path file = ROOT.resolve(page);
            Matcher link = Pattern.compile("\\]\\((?!http)([^)#]+)").matcher(Files.readString(file));
            while (link.find()) {
                assertThat(file.resolveSibling(link.group(1)))
                        .as("link in " + page)
                        .exists();
            }
        }
    }
}
