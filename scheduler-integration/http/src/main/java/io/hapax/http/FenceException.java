package io.hapax.http;

/** A fence cannot tell whether a token is stale, as its store does not answer. */
public class FenceException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what was tried
     * @param cause what happened
     */
    public FenceException(String message, Throwable cause) {
        super(message, cause);
    }
}
