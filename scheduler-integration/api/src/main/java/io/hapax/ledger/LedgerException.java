package io.hapax.ledger;

/** The ledger did not answer, or answered nonsense. Whether the request was carried out is not known. */
public class LedgerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what was tried, what happened, and how to mend it
     */
    public LedgerException(String message) {
        super(message);
    }

    /**
     * Creates the exception.
     *
     * @param message what was tried, what happened, and how to mend it
     * @param cause the driver's exception
     */
    public LedgerException(String message, Throwable cause) {
        super(message, cause);
    }
}
