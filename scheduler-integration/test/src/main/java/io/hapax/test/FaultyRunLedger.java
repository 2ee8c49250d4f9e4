package io.hapax.test;

import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.Fault.Kind;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * A run ledger that misbehaves on command, around one that does not. It also counts calls.
 *
 * <p>A call can <em>fail</em> without being sent, or its answer can be <em>lost</em>: it is carried out, then the stage
 * fails. Thread-safe.
 */
public final class FaultyRunLedger extends ForwardingRunLedger {

    private final Fault claim = new Fault("claim");
    private final Fault begin = new Fault("begin");
    private final Fault renew = new Fault("renew");
    private final Fault end = new Fault("end");

    /**
     * Creates a ledger without faults yet.
     *
     * @param ledger the ledger that carries out what gets through; closed with this one
     */
    public FaultyRunLedger(RunLedger ledger) {
        super(ledger);
    }

    /** Fails every call without sending it, as a database does that is down. */
    public void down() {
        claim.always(Kind.FAIL);
        begin.always(Kind.FAIL);
        renew.always(Kind.FAIL);
        end.always(Kind.FAIL);
    }

    /** Fails each renewal without sending it. */
    public void failRenewals() {
        renew.always(Kind.FAIL);
    }

    /** Carries out each claim and loses the answer. */
    public void loseClaimAnswers() {
        claim.always(Kind.LOSE_ANSWER);
    }

    /** Carries out each start of a run and loses the answer. */
    public void loseBeginAnswers() {
        begin.always(Kind.LOSE_ANSWER);
    }

    /** Carries out each completion or release and loses the answer. */
    public void loseEndAnswers() {
        end.always(Kind.LOSE_ANSWER);
    }

    /** Ends all faults. */
    public void healthy() {
        claim.always(Kind.NONE);
        begin.always(Kind.NONE);
        renew.always(Kind.NONE);
        end.always(Kind.NONE);
    }

    /**
     * Counts claims.
     *
     * @return how many were asked for
     */
    public int claims() {
        return claim.calls();
    }

    /**
     * Counts the calls of {@link RunLedger#begin}.
     *
     * @return how many were made
     */
    public int beginnings() {
        return begin.calls();
    }

    /**
     * Counts renewals.
     *
     * @return how many calls there were
     */
    public int renewals() {
        return renew.calls();
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        return through(claim, () -> ledger().claim(request));
    }

    @Override
    public CompletionStage<Completion> begin(Lease run) {
        return through(begin, () -> ledger().begin(run));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
        return through(renew, () -> ledger().renew(claims));
    }

    @Override
    public CompletionStage<Completion> complete(Lease run) {
        return through(end, () -> ledger().complete(run));
    }

    @Override
    public CompletionStage<Completion> release(Lease run, RunState state) {
        return through(end, () -> ledger().release(run, state));
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        return through(end, () -> ledger().withdraw(request));
    }

    private static <T> CompletionStage<T> through(Fault fault, Supplier<CompletionStage<T>> call) {
        return fault.apply(call).exceptionally(failure -> {
            throw new LedgerException("the ledger misbehaves on command", failure);
        });
    }
}
