package io.hapax.lease;

import org.jspecify.annotations.Nullable;

/** The store did not answer, or answered nonsense. Whether the request was carried out is not known. */
public class LeaseStoreException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient @Nullable Finding finding;

    /**
     * Creates the exception.
     *
     * @param message what was tried, and what happened
     */
    public LeaseStoreException(String message) {
        super(message);
        this.finding = null;
    }

    /**
     * Creates the exception.
     *
     * @param message what was tried, and what happened
     * @param cause the client's exception
     */
    public LeaseStoreException(String message, Throwable cause) {
        super(message, cause);
        this.finding = null;
    }

    /**
     * Creates the exception.
     *
     * @param finding what was tried, what happened, and how to fix it: the message
     */
    public LeaseStoreException(Finding finding) {
        super(finding.toString());
        this.finding = finding;
    }

    /**
     * Creates the exception.
     *
     * @param finding what was tried, what happened, and how to fix it: the message
     * @param cause the client's exception
     */
    public LeaseStoreException(Finding finding, Throwable cause) {
        super(finding.toString(), cause);
        this.finding = finding;
    }

    /**
     * Returns the message with the problem and its remedy apart.
     *
     * @return an error; its remedy is empty if the message was given as a text
     */
    public Finding finding() {
        return finding == null ? Finding.error(String.valueOf(getMessage())) : finding;
    }
}
