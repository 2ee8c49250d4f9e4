package io.hapax.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A key with placeholders: the one language of keys in all adapters. Immutable.
 *
 * <table>
 * <caption>Placeholders</caption>
 * <tr><td>{@code %0}</td><td>an argument, counted from 0</td></tr>
 * <tr><td>{@code %0.customer.id}</td><td>a property of it: a record's component, a getter, a field, or a map's entry</td></tr>
 * <tr><td><code>%{name}</code>, <code>%{name}.id</code></td><td>an entry of the job's data, or a parameter by its name</td></tr>
 * <tr><td><code>%X{name}</code></td><td>an entry of the logging context</td></tr>
 * <tr><td><code>#{…}</code></td><td>an expression, with Spring</td></tr>
 * <tr><td>{@code %%}, {@code %.}</td><td>a percent sign; a dot that does not belong to the placeholder before it</td></tr>
 * </table>
 *
 * <p>Two runs have the same key only if all their values are the same: what is filled in is escaped, so that no value can
 * look like the text beside it, and two placeholders need some text between them. A value has one text in every JVM, locale
 * and time zone; a value without one is refused, see {@link #fill}.
 */
public final class KeyTemplate {

    /** Kinds of placeholders. */
    public enum Kind {
        /** An argument by its position: {@code %0}. */
        ARGUMENT("an argument"),
        /** A value by its name: <code>%{name}</code>. */
        NAME("a value by its name"),
        /** An entry of the logging context: <code>%X{name}</code>. */
        MDC("an entry of the logging context"),
        /** An expression: <code>#{…}</code>. */
        EXPRESSION("an expression");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** A part of a template: text as it stands, or a placeholder. */
    sealed interface Part {}

    /** Text as it stands. */
    record Literal(String text) implements Part {}

    /**
     * A placeholder.
     *
     * @param written as it stands in the template
     * @param name the position, name or expression
     * @param path the properties to follow from its value
     */
    record Placeholder(String written, Kind kind, String name, List<String> path) implements Part {}

    private final String text;
    private final List<Part> parts;

    private KeyTemplate(String text, List<Part> parts) {
        this.text = text;
        this.parts = parts;
    }

    /**
     * Parses a template.
     *
     * @param text the template, with the environment's placeholders resolved
     * @param syntax the placeholders that can be filled
     * @return the template
     * @throws IllegalArgumentException if it cannot be parsed, or has a placeholder that cannot be filled; the message names the
     *     placeholder and what to write instead
     */
    public static KeyTemplate parse(String text, KeySyntax syntax) {
        if (KeyEscape.hasHalf(text)) {
            throw wrong(text, "it has half a surrogate pair, which is no character");
        }
        List<Part> parts = new KeyParser(text).parts();
        Placeholder before = null;
        for (Part part : parts) {
            Placeholder placeholder = part instanceof Placeholder found ? found : null;
            if (placeholder != null && !syntax.fillable().contains(placeholder.kind())) {
                throw wrong(
                        text,
                        placeholder.written() + " is " + placeholder.kind() + ", which " + syntax.what()
                                + " does not have. Use " + syntax.instead());
            }
            if (placeholder != null && before != null) {
                throw wrong(
                        text,
                        before.written() + " and " + placeholder.written() + " stand side by side, so that different"
                                + " values could make the same key. Put a separator between them, such as /");
            }
            before = placeholder;
        }
        return new KeyTemplate(text, parts);
    }

    static IllegalArgumentException wrong(String text, String why) {
        return new IllegalArgumentException("key '" + text + "': " + why);
    }

    /**
     * Tells whether the key is the same for each run.
     *
     * @return whether there are no placeholders
     */
    public boolean isConstant() {
        return !has(any -> true);
    }

    /**
     * Tells whether the key depends on the job's own values.
     *
     * @return whether there is a placeholder for anything but the logging context
     */
    public boolean dependsOnValues() {
        return has(placeholder -> placeholder.kind() != Kind.MDC);
    }

    private boolean has(Predicate<Placeholder> kind) {
        return parts.stream().anyMatch(part -> part instanceof Placeholder found && kind.test(found));
    }

    /**
     * Returns what the placeholders of a kind name.
     *
     * @param kind the kind
     * @return their positions, names or expressions, in the order in which they stand
     */
    public List<String> named(Kind kind) {
        return parts.stream()
                .filter(part -> part instanceof Placeholder found && found.kind() == kind)
                .map(part -> ((Placeholder) part).name())
                .toList();
    }

    /**
     * Checks the arguments of the template against a method.
     *
     * @param count how many arguments the method has
     * @throws IllegalArgumentException if the template uses one that the method does not have
     */
    public void requireArguments(int count) {
        for (Part part : parts) {
            if (part instanceof Placeholder found && found.kind() == Kind.ARGUMENT && position(found) >= count) {
                throw wrong(text, outOfRange(found, count));
            }
        }
    }

    private static int position(Placeholder placeholder) {
        return placeholder.name().length() > 4 ? Integer.MAX_VALUE : Integer.parseInt(placeholder.name());
    }

    private static String outOfRange(Placeholder found, int count) {
        return found.written() + " has no value: " + count(count);
    }

    private static String count(int arguments) {
        return switch (arguments) {
            case 0 -> "there are no arguments";
            case 1 -> "there is 1 argument, %0";
            default -> "there are " + arguments + " arguments, %0 to %" + (arguments - 1);
        };
    }

    /**
     * Fills the values of a run in.
     *
     * <p>Values with a text: text, numbers, booleans, enums, UUIDs, {@code java.time}, {@link java.util.Date},
     * {@link java.net.URI}, {@link java.util.Optional} of these, and records, arrays, lists, sets and maps of these. Numbers
     * that are equal have the same text, whatever their types; sets and maps are sorted.
     *
     * @param values the values of the run
     * @return the key, shortened to a readable start and a digest if it is longer than a key may be
     * @throws IllegalArgumentException if a value is missing or has no text that is the same in every JVM; the message names the
     *     placeholder, the value's type and what to write instead
     */
    public String fill(KeyValues values) {
        if (parts.size() == 1 && parts.get(0) instanceof Literal literal) {
            return KeyEscape.bounded(KeyEscape.constant(literal.text()));
        }
        StringBuilder key = new StringBuilder();
        for (int n = 0; n < parts.size(); n++) {
            if (parts.get(n) instanceof Placeholder placeholder) {
                // What ends the value is the first character of the text behind it.
                int end = n + 1 < parts.size()
                        ? ((Literal) parts.get(n + 1)).text().codePointAt(0)
                        : KeyEscape.NO_END;
                key.append(text(placeholder, values, end));
            } else if (parts.get(n) instanceof Literal literal) {
                key.append(KeyEscape.beside(literal.text()));
            }
        }
        return KeyEscape.bounded(key.toString());
    }

    private String text(Placeholder placeholder, KeyValues values, int end) {
        try {
            Object value = value(placeholder, values);
            for (String property : placeholder.path()) {
                value = PropertyPath.read(value, property);
                if (value == null) {
                    throw new IllegalArgumentException(
                            "'" + property + "' is null, so different work would have one key");
                }
            }
            return CanonicalText.of(value, end);
        } catch (IllegalArgumentException noText) {
            throw new IllegalArgumentException(
                    "key '" + text + "': " + placeholder.written() + " has no value: " + noText.getMessage()
                            + (noText instanceof CanonicalText.NoTextException ? instead(placeholder) : ""),
                    noText);
        }
    }

    private static String instead(Placeholder placeholder) {
        return ". Use a property of it, such as " + placeholder.written()
                + (placeholder.kind() == Kind.EXPRESSION ? " with .id inside" : ".id");
    }

    private static Object value(Placeholder placeholder, KeyValues values) {
        Object value = switch (placeholder.kind()) {
            case ARGUMENT -> argument(placeholder, values.arguments());
            case NAME -> named(placeholder.name(), values);
            case MDC -> mdc(placeholder.name(), values);
            case EXPRESSION -> values.expression(placeholder.name());
        };
        if (value == null) {
            throw new IllegalArgumentException("it is null, so different work would have one key");
        }
        return value;
    }

    private static @Nullable Object argument(Placeholder placeholder, List<@Nullable Object> arguments) {
        int position = position(placeholder);
        if (position >= arguments.size()) {
            throw new IllegalArgumentException(count(arguments.size()));
        }
        return arguments.get(position);
    }

    private static String mdc(String name, KeyValues values) {
        String value = values.mdc(name);
        if (value == null) {
            throw new IllegalArgumentException("the logging context has no '" + name + "'");
        }
        return value;
    }

    private static Object named(String name, KeyValues values) {
        Object value = values.named(name);
        if (value == null) {
            throw new IllegalArgumentException(
                    "nothing is called '" + name + "'; there are " + new TreeSet<>(values.names()));
        }
        return value;
    }

    /**
     * Returns the template as it was written.
     *
     * @return the text
     */
    @Override
    public String toString() {
        return text;
    }

    /** For the parser: parts without empty texts, and texts side by side as one. */
    static List<Part> joined(List<Part> parts) {
        List<Part> joined = new ArrayList<>();
        StringBuilder literal = new StringBuilder();
        for (Part part : parts) {
            if (part instanceof Literal text) {
                literal.append(text.text());
                continue;
            }
            if (!literal.isEmpty()) {
                joined.add(new Literal(literal.toString()));
                literal.setLength(0);
            }
            joined.add(part);
        }
        if (!literal.isEmpty() || joined.isEmpty()) {
            joined.add(new Literal(literal.toString()));
        }
        return List.copyOf(joined);
    }
}
