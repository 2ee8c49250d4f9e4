package io.hapax.test;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AuditEntry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A run ledger that hands every call on, for doubles that change some of them. */
public abstract class ForwardingRunLedger implements RunLedger {

    private final RunLedger ledger;

    /**
     * Creates a ledger in front of another one.
     *
     * @param ledger the ledger that is handed every call; closed with this one
     */
    protected ForwardingRunLedger(RunLedger ledger) {
        this.ledger = ledger;
    }

    /**
     * Returns the ledger behind this one.
     *
     * @return the ledger that is handed every call
     */
    protected final RunLedger ledger() {
        return ledger;
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        return ledger.claim(request);
    }

    @Override
    public CompletionStage<Completion> begin(Lease claim) {
        return ledger.begin(claim);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
        return ledger.renew(claims);
    }

    @Override
    public CompletionStage<Completion> complete(Lease claim) {
        return ledger.complete(claim);
    }

    @Override
    public Completion completeIn(Connection connection, Lease claim) throws SQLException {
        return ledger.completeIn(connection, claim);
    }

    @Override
    public CompletionStage<Completion> release(Lease claim, RunState state) {
        return ledger.release(claim, state);
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        return ledger.withdraw(request);
    }

    @Override
    public CompletionStage<Optional<LedgerEntry>> entry(JobIdentity identity) {
        return ledger.entry(identity);
    }

    @Override
    public CompletionStage<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why) {
        return ledger.resolve(identity, seen, state, why);
    }

    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, @Nullable FencingToken seen, Intervention why) {
        return ledger.runAgain(identity, seen, why);
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
