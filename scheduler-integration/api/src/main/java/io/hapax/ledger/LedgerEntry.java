package io.hapax.ledger;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.OwnerId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the ledger knows of an occurrence. All instants are by the ledger's clock. Immutable.
 *
 * @param identity its keys
 * @param state where it stands
 * @param owner its last run
 * @param token the fencing token of that run
 * @param attempt the how many-th attempt that run was, from 1
 * @param worker the worker of that run, for display
 * @param afterCrash what happens to it if that run crashes
 * @param started when that run claimed it
 * @param began when that run started its code, or null if it did not, or its job says {@link AfterCrash#RERUN}, where nobody
 *     needs to know
 * @param renewed when its deadline was last pushed forward, or null if never
 * @param deadline until when that run counts as alive
 * @param finished when that run ended, or null if it has not
 */
public record LedgerEntry(
        JobIdentity identity,
        RunState state,
        OwnerId owner,
        FencingToken token,
        int attempt,
        String worker,
        AfterCrash afterCrash,
        Instant started,
        @Nullable Instant began,
        @Nullable Instant renewed,
        Instant deadline,
        @Nullable Instant finished) {}
