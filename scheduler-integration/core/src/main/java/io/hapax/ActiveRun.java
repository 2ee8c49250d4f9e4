package io.hapax;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.OwnerId;
import java.time.Duration;
import java.time.Instant;

/**
 * A run of this process that is running, for display. Immutable.
 *
 * @param job the job's name
 * @param identity the keys of its lease; one of several slots has a lock key of its own
 * @param owner the run
 * @param token its fencing token
 * @param attempt the how many-th attempt at its occurrence it is, as far as a ledger counts, from 1
 * @param since when its lease was granted, by the clock of the store or ledger
 * @param thread the thread that works on it; empty if it has left its code
 * @param ttl for how long it is guarded unless it is renewed
 * @param left how much of that is left; zero if it has lost its lease
 */
public record ActiveRun(
        String job,
        JobIdentity identity,
        OwnerId owner,
        FencingToken token,
        int attempt,
        Instant since,
        String thread,
        Duration ttl,
        Duration left) {}
