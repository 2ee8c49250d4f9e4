package io.hapax.quartz;

import io.hapax.OnConflict;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;

/** How one firing is guarded. */
record FiringPlan(String job, JobIdentity identity, String runKey, RunOptions options, boolean oneShot, int attempt) {

    RunRequest request(boolean mayWait) {
        RunOptions asked = waits() && !mayWait ? options.withOnConflict(OnConflict.SKIP) : options;
        return RunRequest.of(identity).job(job).tune(defaults -> asked);
    }

    boolean waits() {
        return options.onConflict() == OnConflict.WAIT;
    }

    /** What AUTO means here: a recurring job comes again by itself, a one-off job would be lost. */
    OnConflict onConflict() {
        if (options.onConflict() != OnConflict.AUTO) {
            return options.onConflict();
        }
        return oneShot ? OnConflict.RESCHEDULE : OnConflict.SKIP;
    }
}
