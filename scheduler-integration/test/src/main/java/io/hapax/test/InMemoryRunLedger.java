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
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AuditEntry;
import io.hapax.time.Ticker;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A run ledger in the memory of one process, on any ticker. For tests.
 *
 * <p>It answers on the caller's thread, before the method returns. It has no transactions: {@link #completeIn} takes
 * effect at once, and looks at the connection not at all. It passes {@code RunLedgerContract}. Thread-safe.
 */
public final class InMemoryRunLedger implements RunLedger {

    private static final Duration ANSWER_TIMEOUT = Duration.ofMillis(100);

    private final RunMemory memory;
    private volatile boolean closed;

    /**
     * Creates the first client of an empty memory.
     *
     * @param ticker the clock on which deadlines pass
     */
    public InMemoryRunLedger(Ticker ticker) {
        this(new RunMemory(ticker));
    }

    private InMemoryRunLedger(RunMemory memory) {
        this.memory = memory;
    }

    /**
     * Creates another client of the same memory, as another replica has one.
     *
     * @return the client; it is closed on its own
     */
    public InMemoryRunLedger otherClient() {
        return new InMemoryRunLedger(memory);
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        return answer(runs -> runs.claim(request));
    }

    @Override
    public CompletionStage<Completion> begin(Lease claim) {
        return answer(runs -> runs.begin(claim));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
        return answer(runs -> claims.stream().map(runs::renew).toList());
    }

    @Override
    public CompletionStage<Completion> complete(Lease claim) {
        return answer(runs -> runs.end(claim, RunState.DONE));
    }

    @Override
    public Completion completeIn(Connection connection, Lease claim) {
        return answer(runs -> runs.completeOnce(claim)).join();
    }

    @Override
    public CompletionStage<Completion> release(Lease claim, RunState state) {
        if (state == RunState.RUNNING || state == RunState.DONE) {
            throw new IllegalArgumentException(
                    "a run is released as FAILED, FAILED_FOR_GOOD, RELEASED, LOST or ABANDONED, not as " + state);
        }
        return answer(runs -> runs.end(claim, state));
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        return answer(runs -> runs.withdraw(request)).thenApply(withdrawn -> null);
    }

    @Override
    public CompletionStage<Optional<LedgerEntry>> entry(JobIdentity identity) {
        return answer(runs -> runs.entry(identity));
    }

    @Override
    public CompletionStage<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why) {
        if (state != RunState.DONE && state != RunState.RELEASED) {
            throw new IllegalArgumentException("an abandoned run is resolved as DONE or RELEASED, not as " + state);
        }
        return answer(runs -> runs.resolve(identity, seen, state, why));
    }

    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, @Nullable FencingToken seen, Intervention why) {
        return answer(runs -> runs.runAgain(identity, seen, why));
    }

    @Override
    public CompletionStage<List<LedgerEntry>> entries(LedgerQuery query) {
        return answer(runs -> runs.entries(query));
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return answer(runs -> runs.audit().stream().limit(atMost).toList());
    }

    @Override
    public void agree(String fingerprint) {
        synchronized (memory) {
            String before = memory.agree(fingerprint);
            if (!before.equals(fingerprint)) {
                throw new IllegalStateException("other workers of this ledger have the settings [" + before
                        + "], this one has [" + fingerprint + "]. Give all workers the same settings");
            }
        }
    }

    @Override
    public Duration answerTimeout() {
        return ANSWER_TIMEOUT;
    }

    /** Lets each later call of this client fail. */
    @Override
    public void close() {
        closed = true;
    }

    private <T> CompletableFuture<T> answer(Function<RunMemory, T> question) {
        if (closed) {
            return CompletableFuture.failedFuture(
                    new LedgerException("this client of the in-memory run ledger is closed; open another one"));
        }
        synchronized (memory) {
            return CompletableFuture.completedFuture(question.apply(memory));
        }
    }
}
