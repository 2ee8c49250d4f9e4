package io.hapax.lease;

/** The store did not answer, or answered nonsense. Whether the request was carried out is not known. */
public class LeaseStoreException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what was tried, what happened, and how to mend it
     */
    public LeaseStoreException(String message) {
        super(message);
    }

    /**
     * Creates the exception.
     *
     * @param message what was tried, what happened, and how to mend it
     * @param cause the client's exception
     */
    public LeaseStoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
