package io.hapax;

/**
 * A thread was interrupted before its run could start, in a method that does not declare {@link InterruptedException}.
 * The thread's flag is set again.
 */
public class RunInterruptedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param what which run did not start
     * @param interrupt the interrupt
     */
    public RunInterruptedException(String what, InterruptedException interrupt) {
        super(what + " did not start: its thread was interrupted", interrupt);
    }
}
