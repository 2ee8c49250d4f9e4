package io.hapax.policy;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * The values of one run. An adapter implements what its {@link KeySyntax} promises. Called on the thread that asks for the
 * key.
 */
public interface KeyValues {

    /**
     * Returns the arguments of the call.
     *
     * @return the arguments, in the order in which the method declares them
     */
    default List<@Nullable Object> arguments() {
        return List.of();
    }

    /**
     * Looks up a value by its name.
     *
     * @param name the name in <code>%{name}</code>
     * @return the value, or null if there is none
     */
    default @Nullable Object named(String name) {
        return null;
    }

    /**
     * Returns the names that have a value, for messages.
     *
     * @return the names
     */
    default Collection<String> names() {
        return List.of();
    }

    /**
     * Looks up an entry of the logging context.
     *
     * @param name the name in <code>%X{name}</code>
     * @return the entry, or null if there is none
     */
    default @Nullable String mdc(String name) {
        return MDC.get(name);
    }

    /**
     * Evaluates an expression.
     *
     * @param expression the text between <code>#{</code> and <code>}</code>
     * @return its value
     * @throws IllegalArgumentException if it cannot be evaluated; the message says why
     */
    default @Nullable Object expression(String expression) {
        throw new IllegalArgumentException("there are no expressions");
    }
}
