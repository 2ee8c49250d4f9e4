package io.hapax;

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
import io.hapax.ops.AuditEntry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A run ledger whose every answer comes, and comes in time, whatever the ledger behind it does. */
final class SteadyLedger implements RunLedger {

    private final RunLedger ledger;
    private final Answers answers;
    private volatile Duration answerTimeout;

    SteadyLedger(RunLedger ledger, Answers answers) {
        this.ledger = ledger;
        this.answers = answers;
        this.answerTimeout = ledger.answerTimeout();
    }

    static RuntimeException failure(Object what) {
        return what instanceof Throwable cause
                ? new LedgerException("the run ledger failed: " + cause, cause)
                : new LedgerException("the run ledger failed: " + what);
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        return answers.of("claim", () -> ledger.claim(request));
    }

    @Override
    public CompletionStage<Completion> begin(Lease claim) {
        return answers.of("begin", () -> ledger.begin(claim));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
        return answers.of("renew", () -> ledger.renew(claims));
    }

    @Override
    public CompletionStage<Completion> complete(Lease claim) {
        return answers.of("complete", () -> ledger.complete(claim));
    }

    @Override
    public Completion completeIn(Connection connection, Lease claim) throws SQLException {
        return ledger.completeIn(connection, claim);
    }

    @Override
    public CompletionStage<Completion> release(Lease claim, RunState state) {
        return answers.of("release", () -> ledger.release(claim, state));
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        return answers.done("withdraw", () -> ledger.withdraw(request));
    }

    @Override
    public CompletionStage<Optional<LedgerEntry>> entry(JobIdentity identity) {
        return answers.of("entry", () -> ledger.entry(identity));
    }

    @Override
    public CompletionStage<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why) {
        return answers.of("resolve", () -> ledger.resolve(identity, seen, state, why));
    }

    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, @Nullable FencingToken seen, Intervention why) {
        return answers.of("runAgain", () -> ledger.runAgain(identity, seen, why));
    }

    @Override
    public CompletionStage<List<LedgerEntry>> entries(LedgerQuery query) {
        return answers.of("entries", () -> ledger.entries(query));
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return answers.of("audit", () -> ledger.audit(atMost));
    }

    @Override
    public void agree(String fingerprint) {
        ledger.agree(fingerprint);
    }

    @Override
    public Duration answerTimeout() {
        try {
            answerTimeout = Objects.requireNonNull(ledger.answerTimeout());
        } catch (Throwable untold) {
            // The last answer stays valid.
        }
        return answerTimeout;
    }

    @Override
    public void close() {
        ledger.close();
    }
}
