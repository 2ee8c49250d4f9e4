package io.hapax.testkit;

import io.hapax.lease.AuditEntry;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A run ledger that carries calls out after their callers gave up, as a database does that stalls: the caller's stage fails
 * at once, and the call itself takes place when the test says so, in any order. What is done in a transaction of the caller
 * is never late: the caller waits for it. Thread-safe.
 */
public final class LateRunLedger implements RunLedger {

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

    private final RunLedger ledger;
    private final LateCalls<Operation> late = new LateCalls<>(Operation.class, LedgerException::new);

    /**
     * Creates a ledger that is not late yet.
     *
     * @param ledger the ledger that carries everything out; closed with this one
     */
    public LateRunLedger(RunLedger ledger) {
        this.ledger = ledger;
    }

    /**
     * Lets the next calls of an operation be late.
     *
     * @param operation which
     * @param times how many calls, in addition to those ordered before
     */
    public void late(Operation operation, int times) {
        late.next(operation, times);
    }

    /**
     * Lets one call in so many be late, of any operation, until the end.
     *
     * @param random chooses them
     * @param oneIn at least 1; then each call is late
     */
    public void lateAtRandom(Random random, int oneIn) {
        late.atRandom(random, oneIn);
    }

    /**
     * Counts the calls that were not carried out yet.
     *
     * @return how many
     */
    public int waiting() {
        return late.waiting();
    }

    /**
     * Carries one of the calls out.
     *
     * @param which from 0, in the order in which they were called
     */
    public void carryOut(int which) {
        late.carryOut(which);
    }

    /** Carries out all calls that were not carried out yet, in order. */
    public void carryOutAll() {
        late.carryOutAll();
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        return late.of(Operation.CLAIM, () -> ledger.claim(request));
    }

    @Override
    public CompletionStage<Completion> begin(Lease claim) {
        return late.of(Operation.BEGIN, () -> ledger.begin(claim));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
        return late.of(Operation.RENEW, () -> ledger.renew(claims));
    }

    @Override
    public CompletionStage<Completion> complete(Lease claim) {
        return late.of(Operation.COMPLETE, () -> ledger.complete(claim));
    }

    @Override
    public Completion completeIn(Connection connection, Lease claim) throws SQLException {
        return ledger.completeIn(connection, claim);
    }

    @Override
    public CompletionStage<Completion> release(Lease claim, RunState state) {
        return late.of(Operation.RELEASE, () -> ledger.release(claim, state));
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        return late.of(Operation.WITHDRAW, () -> ledger.withdraw(request));
    }

    @Override
    public CompletionStage<Optional<LedgerEntry>> entry(JobIdentity identity) {
        return ledger.entry(identity);
    }

    @Override
    public CompletionStage<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why) {
        return late.of(Operation.RESOLVE, () -> ledger.resolve(identity, seen, state, why));
    }

    @Override
    public CompletionStage<List<LedgerEntry>> entries(LedgerQuery query) {
        return ledger.entries(query);
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return ledger.audit(atMost);
    }

    @Override
    public void agree(String fingerprint) {
        ledger.agree(fingerprint);
    }

    @Override
    public Duration answerTimeout() {
        return ledger.answerTimeout();
    }

    @Override
    public void close() {
        ledger.close();
    }
}
