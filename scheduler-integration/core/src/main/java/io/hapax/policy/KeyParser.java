package io.hapax.policy;

import io.hapax.policy.KeyTemplate.Kind;
import io.hapax.policy.KeyTemplate.Literal;
import io.hapax.policy.KeyTemplate.Part;
import io.hapax.policy.KeyTemplate.Placeholder;
import java.util.ArrayList;
import java.util.List;

/** Reads the grammar of {@link KeyTemplate}, from left to right. Used once. */
final class KeyParser {

    private static final String ALLOWED =
            ". Allowed are %0, %0.property, %{name}, %X{name}, #{expression}, %% for a percent sign and %. for a dot";

    private final String text;
    private final List<Part> parts = new ArrayList<>();
    private int at;

    KeyParser(String text) {
        this.text = text;
    }

    List<Part> parts() {
        while (at < text.length()) {
            parts.add(next());
        }
        return KeyTemplate.joined(parts);
    }

    private Part next() {
        if (text.startsWith("#{", at)) {
            return braced(Kind.EXPRESSION, 2);
        }
        if (text.startsWith("%X{", at)) {
            return braced(Kind.MDC, 3);
        }
        if (text.startsWith("%{", at)) {
            return braced(Kind.NAME, 2);
        }
        if (text.startsWith("${", at)) {
            throw wrong("was not resolved: the environment has no such property");
        }
        char c = text.charAt(at);
        if (c != '%') {
            at++;
            return new Literal(String.valueOf(c));
        }
        char after = at + 1 < text.length() ? text.charAt(at + 1) : ' ';
        if (after == '%' || after == '.') {
            at += 2;
            return new Literal(String.valueOf(after));
        }
        if (!isDigit(after)) {
            throw wrong("is not a placeholder");
        }
        return argument();
    }

    private Placeholder argument() {
        int start = at++;
        int digits = at;
        while (at < text.length() && isDigit(text.charAt(at))) {
            at++;
        }
        String position = text.substring(digits, at);
        return placeholder(Kind.ARGUMENT, start, position);
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private Placeholder braced(Kind kind, int opening) {
        int start = at;
        int end = closing(at + opening);
        if (end < 0) {
            throw wrong("has no closing brace");
        }
        String name = text.substring(at + opening, end).trim();
        if (name.isEmpty()) {
            throw wrong("is empty");
        }
        at = end + 1;
        return placeholder(kind, start, name);
    }

    /** Where the braces that are open end: expressions may have braces and quoted texts of their own. */
    private int closing(int from) {
        int open = 1;
        boolean quoted = false;
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\'') {
                quoted = !quoted;
            } else if (!quoted && c == '{') {
                open++;
            } else if (!quoted && c == '}' && --open == 0) {
                return i;
            }
        }
        return -1;
    }

    private Placeholder placeholder(Kind kind, int start, String name) {
        List<String> path = new ArrayList<>();
        // The value of an entry of the logging context is a text, and an expression reads properties itself.
        while (kind != Kind.MDC && kind != Kind.EXPRESSION && isPropertyAhead()) {
            int property = ++at;
            while (at < text.length() && Character.isJavaIdentifierPart(text.charAt(at))) {
                at++;
            }
            path.add(text.substring(property, at));
        }
        return new Placeholder(text.substring(start, at), kind, name, List.copyOf(path));
    }

    private boolean isPropertyAhead() {
        return at + 1 < text.length() && text.charAt(at) == '.' && Character.isJavaIdentifierStart(text.charAt(at + 1));
    }

    private IllegalArgumentException wrong(String why) {
        int end = Math.min(text.length(), at + 20);
        return KeyTemplate.wrong(text, "'" + text.substring(at, end) + "' " + why + ALLOWED);
    }
}
