package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

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

    static Stream<String> texts() {
        return Stream.of(Script.values())
                .flatMap(script -> Stream.of(Protocol.values()).map(script::text))
                .distinct();
    }

    @ParameterizedTest
    @MethodSource("texts")
    void the_header_names_the_keys_and_arguments_that_the_script_uses(String text) {
        String header = lines(text, true);
        String body = lines(text, false);
        assertThat(header).contains("-- returns ", "-- invariant: ", "KEYS[1] ");
        if (header.contains("KEYS[2..]")) {
            assertThat(body).contains("KEYS[i]");
            assertThat(body.contains("ARGV[arg]")).isEqualTo(header.contains("ARGV["));
        } else {
            assertThat(indices(header)).isEqualTo(indices(body));
        }
    }

    @ParameterizedTest
    @MethodSource("texts")
    void numbers_are_never_made_text_in_a_way_that_loses_digits(String text) {
        assertThat(lines(text, false)).doesNotContain("tostring(");
    }

    @ParameterizedTest
    @EnumSource(Script.class)
    void a_portable_script_asks_the_server_neither_for_its_time_nor_who_it_is(Script script) {
        // These two ask what may be asked, and bear a refusal; what the full protocol alone has is not used.
        boolean ofFullAlone = script == Script.ACQUIRE || script == Script.RELEASE || script == Script.EXTEND;
        if (!ofFullAlone && script != Script.STATE && script != Script.ALLOWED && script != Script.PROBE) {
            assertThat(script.text(Protocol.PORTABLE)).doesNotContain("'TIME'", "'INFO'");
        }
    }
}
