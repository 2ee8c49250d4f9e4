package io.hapax.lease;

/**
 * What a look at a server has found, or what a store or ledger fails with: the problem and its remedy apart. Immutable.
 *
 * @param severity how bad it is
 * @param problem what is wrong, and what is at stake
 * @param remedy how to fix it; empty if unknown
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

    /**
     * Tells of an error.
     *
     * @param problem what is wrong
     * @param remedy how to fix it
     * @return the finding
     */
    public static Finding error(String problem, String remedy) {
        return new Finding(Severity.ERROR, problem, remedy);
    }

    /**
     * Reports an error without a known remedy.
     *
     * @param problem what is wrong
     * @return the finding
     */
    public static Finding error(String problem) {
        return error(problem, "");
    }

    /**
     * Tells of what came to nothing by this.
     *
     * @param what such as {@code the ledger cannot be opened}
     * @return that with this problem as its reason, and the same remedy
     */
    public Finding asReasonWhy(String what) {
        return new Finding(severity, what + ": " + problem, remedy);
    }

    /**
     * Makes sure that there is a remedy.
     *
     * @param otherwise how to fix it if this finding does not say
     * @return a finding with a remedy
     */
    public Finding orMendedBy(String otherwise) {
        return remedy.isEmpty() ? new Finding(severity, problem, otherwise) : this;
    }

    /** For display, on one line. */
    @Override
    public String toString() {
        return remedy.isEmpty() ? problem : problem + ". " + remedy;
    }
}
