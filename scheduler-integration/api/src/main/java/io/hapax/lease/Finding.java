package io.hapax.lease;

/**
 * What a look at a server has found. Immutable.
 *
 * @param severity how bad it is
 * @param problem what is wrong, and what is at stake
 * @param remedy how to mend it
 */
public record Finding(Severity severity, String problem, String remedy) {

    /** How bad a finding is. */
    public enum Severity {
        /** The guard would not be one: a store does not start. */
        ERROR,
        /** The guard works, and promises less than it could. */
        WARNING,
        /** Good to know. */
        NOTE
    }

    @Override
    public String toString() {
        return problem + ". " + remedy;
    }
}
