package io.hapax.jobrunr;

import org.jobrunr.JobRunrException;
import org.jspecify.annotations.Nullable;

/** Ends a job as failed without a retry, because trying again would not help. */
final class JobRefusedException extends JobRunrException {

    private static final long serialVersionUID = 1L;

    JobRefusedException(String message, @Nullable Throwable cause) {
        super(message, true, cause);
    }

    /** JobRunr rebuilds exceptions from a stored message. */
    JobRefusedException(String message) {
        super(message, true);
    }
}
