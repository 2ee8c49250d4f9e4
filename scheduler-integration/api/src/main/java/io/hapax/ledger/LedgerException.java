package io.hapax.ledger;

import io.hapax.lease.Finding;
import org.jspecify.annotations.Nullable;

/** The ledger did not answer, or answered nonsense. Whether the request was carried out is not known. */
public class LedgerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient @Nullable Finding finding;

    /**
     * Creates the exception.
     *
     * @param message what was tried, and what happened
     */
    public LedgerException(String message) {
        super(message);
        this.finding = null;
    }

    /**
     * Creates the exception.
     *
     * @param message what was tried, and what happened
     * @param cause the driver's exception
     */
    public LedgerException(String message, Throwable cause) {
        super(message, cause);
        this.finding = null;
    }

    /**
     * Creates the exception.
     *
     * @param finding what was tried, what happened, and how to fix it: the message
     */
    public LedgerException(Finding finding) {
        super(finding.toString());
        this.finding = finding;
    }

    /**
     * Creates the exception.
     *
     * @param finding what was tried, what happened, and how to fix it: the message
     * @param cause the driver's exception
     */
    public LedgerException(Finding finding, Throwable cause) {
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
