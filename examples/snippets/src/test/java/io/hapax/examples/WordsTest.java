package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Texts use the words of the field, as the documentation of Spring, Temporal or PostgreSQL does. Read are the prose of all pages, and
 * of main sources the texts (messages, log lines, help) and the comments, also those of Lua and SQL, and alerts and dashboards. No file is
 * exempt.
 */
class WordsTest {

    /** What is not to be written, and what to write in its place. */
    private static final Map<Pattern, String> WORDS = words();

    private static Map<Pattern, String> words() {
        Map<String, String> words = new LinkedHashMap<>();
        words.put("whoever|whomever", "the client, the caller, the worker that …");
        words.put("at work", "running, active");
        words.put("people", "operators, users, callers; personal data");
        words.put("told", "notified, informed; refused with");
        words.put("heard|hears", "received, confirmed, learned");
        words.put("begun|began|begins?|beginning", "started, start");
        words.put("mend|mends|mended|mending", "fix");
        words.put("(?:break|breaks|broke|broken) off", "crashed, ended without completion");
        words.put("stop(?:s|ped)? to \\w+", "stops …ing: the other one means that something stops in order to do it");
        words.put("almighty", "default, superuser");
        words.put("stumble[sd]?", "failed");
        words.put("of whatever make", "of any kind");
        Map<Pattern, String> patterns = new LinkedHashMap<>();
        words.forEach(
                (word, instead) -> patterns.put(Pattern.compile("(?i)(?<![\\w-])(?:" + word + ")(?![\\w-])"), instead));
        return patterns;
    }

    /** What is quoted is code, links have names of their own, and a text of one word is a name, such as that of a method or a type. */
    private static final Pattern QUOTED = Pattern.compile(
            "(?s)```.*?```|`[^`]*`|\\]\\([^)]*\\)|\\{@\\w+[^{}]*\\}|@param \\w+|<code>.*?</code>|(?<!\\\\)\"\\w+\"");

    /** What stands in front of a comment, on each line. */
    private static final Pattern CODE_OF_SCRIPTS = Pattern.compile("(?m)^(?:(?!--).)+");

    /** What a standard calls so. */
    private static final Pattern TERMS = Pattern.compile("-----BEGIN |(?i)keys that name people");

    private record Found(String word, int line, String instead) {
        @Override
        public String toString() {
            return "line " + line + ": '" + word + "', write: " + instead;
        }
    }

    static List<Path> pages() {
        return Pages.all();
    }

    static List<Path> sources() {
        return Pages.files(
                file -> file.toString().endsWith(".java") && file.toString().contains("/src/main/"));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void pages_use_the_words_of_the_field(Path page) {
        assertThat(wrong(page, found(Pages.read(page)))).isEmpty();
    }

    @Test
    void messages_use_the_words_of_the_field() {
        List<String> all = new ArrayList<>();
        for (Path source : sources()) {
            all.addAll(wrong(source, found(JavaText.of(Pages.read(source)).texts())));
        }
        assertThat(all).isEmpty();
    }

    @Test
    void comments_use_the_words_of_the_field() {
        List<String> all = new ArrayList<>();
        for (Path source : sources()) {
            all.addAll(wrong(source, found(JavaText.of(Pages.read(source)).comments())));
        }
        assertThat(all).isEmpty();
    }

    @Test
    void comments_of_scripts_use_the_words_of_the_field() {
        List<String> all = new ArrayList<>();
        List<Path> scripts = Pages.files(file -> file.toString().matches(".*/src/main/.*[.](lua|sql)"));
        assertThat(scripts).isNotEmpty();
        for (Path script : scripts) {
            all.addAll(wrong(script, found(blank(CODE_OF_SCRIPTS, Pages.read(script)))));
        }
        assertThat(all).isEmpty();
    }

    @Test
    void alerts_and_dashboards_use_the_words_of_the_field() {
        List<String> all = new ArrayList<>();
        List<Path> files = Pages.files(file -> file.toString().matches(".*/worker/observability/.*[.](yml|json)"));
        assertThat(files).isNotEmpty();
        for (Path file : files) {
            all.addAll(wrong(file, found(Pages.read(file))));
        }
        assertThat(all).isEmpty();
    }

    private static List<String> wrong(Path file, List<Found> found) {
        return found.stream().map(word -> Pages.name(file) + ", " + word).toList();
    }

    private static List<Found> found(String text) {
        String prose = blank(TERMS, blank(QUOTED, text));
        List<Found> found = new ArrayList<>();
        WORDS.forEach((word, instead) -> {
            Matcher match = word.matcher(prose);
            while (match.find()) {
                int line = (int) prose.substring(0, match.start())
                                .chars()
                                .filter(c -> c == '\n')
                                .count()
                        + 1;
                found.add(new Found(match.group(), line, instead));
            }
        });
        return found;
    }

    /** Takes out what fits, and keeps the lines. */
    private static String blank(Pattern pattern, String text) {
        return pattern.matcher(text).replaceAll(match -> match.group().replaceAll("[^\\n]", " "));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Whoever asks is refused. | Whoever",
                "A run that is at work | at work",
                "It stops to admit runs. | stops to admit",
                "The run is told of its loss | told",
                "It has begun | begun",
                "\"the run has begun\" | begun"
            })
    void a_word_that_has_to_be_decoded_is_found(String text, String word) {
        assertThat(found(text)).extracting(Found::word).containsExactly(word);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "It calls `begin()` of the ledger. |",
                "It stops admitting runs. |",
                "The event \"TOLD\" comes after \"begin\". |",
                "A {@link Ledger#begin} is confirmed. |",
                "See [keys](security.md#keys-that-name-people). |"
            })
    void code_and_plain_words_pass(String text) {
        assertThat(found(text)).isEmpty();
    }

    @Test
    void texts_and_comments_are_told_apart_from_code() {
        JavaText text = JavaText.of("""
                /* A comment with "quotes". */
                String begun = "a \\"text\\""; // the end
                char quote = '"';
                String block = \"""
                    lines
                    \""";
                """);
        assertThat(text.comments())
                .contains("A comment with \"quotes\"", "the end")
                .doesNotContain("text", "lines");
        assertThat(text.texts()).contains("a \\\"text\\\"", "lines").doesNotContain("comment", "begun", "end");
        assertThat(text.texts().split("\n", -1)).hasSameSizeAs(text.comments().split("\n", -1));
    }
}
