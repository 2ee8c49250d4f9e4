package io.hapax.policy;

import io.hapax.policy.KeyTemplate.Kind;
import java.util.Set;

/**
 * The placeholders that one kind of job can fill. Immutable.
 *
 * @param what the kind of job, for messages, such as {@code a Quartz job}
 * @param fillable the placeholders that have a value
 * @param instead what to write instead of others, such as {@code %{name} for an entry of the job data}
 */
public record KeySyntax(String what, Set<Kind> fillable, String instead) {

    /** Copies the set. */
    public KeySyntax {
        fillable = Set.copyOf(fillable);
    }
}
