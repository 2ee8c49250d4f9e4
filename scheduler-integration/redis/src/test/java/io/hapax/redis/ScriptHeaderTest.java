package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A header that is not checked rots. */
class ScriptHeaderTest {

    private static final Pattern INDEX = Pattern.compile("(KEYS|ARGV)\\[(\\d+)]");

    private static Set<String> indices(String text) {
        Set<String> found = new TreeSet<>();
        Matcher matcher = INDEX.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group());
        }
        return found;
    }

    private static String lines(String text, boolean comments) {
        return text.lines().filter(line -> line.startsWith("--") == comments).collect(Collectors.joining("\n"));
    }

    @ParameterizedTest
    @EnumSource(Script.class)
    void the_header_names_the_keys_and_arguments_that_the_script_uses(Script script) {
        String header = lines(script.text(), true);
        String body = lines(script.text(), false);
        assertThat(header).contains("-- returns ", "-- invariant: ", "KEYS[1] ");
        if (header.contains("KEYS[2..]")) {
            assertThat(body).contains("KEYS[i]", "ARGV[arg]");
        } else {
            assertThat(indices(header)).isEqualTo(indices(body));
        }
    }

    @ParameterizedTest
    @EnumSource(Script.class)
    void numbers_are_never_made_text_in_a_way_that_loses_digits(Script script) {
        assertThat(lines(script.text(), false)).doesNotContain("tostring(");
    }
}
