package io.hapax;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Resolves <code>${name}</code> and <code>${name:default}</code> by system properties, and then by environment variables, where
 * no framework has an environment of its own.
 */
final class SystemPlaceholders {

    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^{}:]+)(?::([^{}]*))?}");

    private SystemPlaceholders() {}

    /** @throws IllegalArgumentException if one has neither a value nor a default; the message names it */
    static String resolve(String text) {
        if (!text.contains("${")) {
            return text;
        }
        return PLACEHOLDER
                .matcher(text)
                .replaceAll(found -> Matcher.quoteReplacement(value(text, found.group(1), found.group(2))));
    }

    private static String value(String text, String name, @Nullable String otherwise) {
        String value = System.getProperty(name);
        if (value == null) {
            value = System.getenv(name);
        }
        if (value == null) {
            value = otherwise;
        }
        if (value == null) {
            throw new IllegalArgumentException(
                    "'" + text + "': ${" + name + "} has no value: there is neither a system property"
                            + " nor an environment variable of that name. Set one, or write a default: ${" + name
                            + ":default}");
        }
        return value;
    }
}
