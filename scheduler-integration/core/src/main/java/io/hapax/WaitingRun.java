package io.hapax;

import io.hapax.lease.JobIdentity;
import java.time.Duration;

/**
 * A run of this process that waits for its key, for display. Immutable.
 *
 * @param job the job's name
 * @param identity its keys
 * @param waited for how long so far
 * @param reason what is in its way
 */
public record WaitingRun(String job, JobIdentity identity, Duration waited, String reason) {}
