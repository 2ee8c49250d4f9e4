package io.hapax.testkit;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.ForwardingRunLedger;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A run ledger that carries calls out after their callers gave up, as a database does that stalls: the caller's stage fails
 * at once, and the call itself takes place when the test says so, in any order. What is done in a transaction of the caller
 * is never late: the caller waits for it. Thread-safe.
 */
public final class LateRunLedger extends ForwardingRunLedger {

    /** The calls that change something. */
    public enum Operation {
        /** {@link RunLedger#claim}. */
        CLAIM,
        /** {@link RunLedger#begin}. */
        BEGIN,
        /** {@link RunLedger#renew}. */
        RENEW,
        /** {@link RunLedger#complete}. */
        COMPLETE,
        /** {@link RunLedger#release}. */
        RELEASE,
        /** {@link RunLedger#withdraw}. */
        WITHDRAW,
        /** {@link RunLedger#resolve(JobIdentity, FencingToken, RunState, Intervention)}. */
        RESOLVE
    }

    private final LateCalls<Operation> late = new LateCalls<>(Operation.class, LedgerException::new);

    /**
     * Creates a ledger that is not late yet.
     *
     * @param ledger the ledger that carries everything out; closed with this one
     */
    public LateRunLedger(RunLedger ledger) {
        super(ledger);
    }

    /**
     * Returns which calls are late, and those that were not carried out yet.
     *
     * @return the calls of this double
     */
    public LateCalls<Operation> calls() {
        return late;
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        return late.of(Operation.CLAIM, () -> ledger().claim(request));
    }

    @Override
    public CompletionStage<Completion> begin(Lease claim) {
        return late.of(Operation.BEGIN, () -> ledger().begin(claim));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
        return late.of(Operation.RENEW, () -> ledger().renew(claims));
    }

    @Override
    public CompletionStage<Completion> complete(Lease claim) {
        return late.of(Operation.COMPLETE, () -> ledger().complete(claim));
    }

    @Override
    public CompletionStage<Completion> release(Lease claim, RunState state) {
        return late.of(Operation.RELEASE, () -> ledger().release(claim, state));
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        return late.of(Operation.WITHDRAW, () -> ledger().withdraw(request));
    }

    @Override
    public CompletionStage<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why) {
        return late.of(Operation.RESOLVE, () -> ledger().resolve(identity, seen, state, why));
    }
}
