package io.hapax.redis;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The longest ttl in a line of settings: the one setting in which workers may differ, as all live under the longest. */
final class LongestTtl {

    private static final Pattern TEXT = Pattern.compile("longestTtl=(\\d{1,18})ms");

    private LongestTtl() {}

    /** As a line of settings has it. */
    static String text(Duration ttl) {
        return "longestTtl=" + ttl.toMillis() + "ms";
    }

    /** Nothing if the line has none. */
    static Duration in(String settings) {
        Matcher found = TEXT.matcher(settings);
        return found.find() ? Duration.ofMillis(Long.parseLong(found.group(1))) : Duration.ZERO;
    }

    /** The line with another one. */
    static String replaced(String settings, Duration ttl) {
        return TEXT.matcher(settings).replaceFirst(text(ttl));
    }
}
