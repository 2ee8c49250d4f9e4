package io.hapax.ledger;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ops.AuditEntry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The port to the durable memory of runs: per occurrence, at most one run ever completes.
 *
 * <p>Every method but {@link #completeIn} returns at once; the stage completes on a thread of the ledger, so dependants
 * must not block. A stage fails with a {@link LedgerException} if the ledger cannot tell, within
 * {@link #answerTimeout()}. Then the request may have been carried out, or may be carried out later. All operations are
 * idempotent per owner, so clients may send them again; a late repetition never revives what has ended. Time is the
 * ledger's. Implementations are thread-safe and pass {@code RunLedgerContract} of the test kit.
 */
public interface RunLedger extends AutoCloseable {

    /**
     * Claims an occurrence unless it is over, abandoned, or held by a run that is not past its deadline: it, or its lock key,
     * or a slot of that which does not {@linkplain io.hapax.lease.Slot#goesWith go with} its own. An occurrence that was taken over from a run that crashed can no longer be completed by that run.
     *
     * @param request who asks for what
     * @return the answer. Fencing tokens grow with every claim on a lock key (or, without one, on a run key), whatever
     *     happens to clocks and lease stores. Of a run with a lease, the claim's token is the lease's, or larger if the
     *     ledger has granted that or a larger one on the key; of one without, it follows the ledger's clock in microseconds
     */
    CompletionStage<Claim> claim(ClaimRequest request);

    /**
     * Notes that a run is about to start its code. With {@link AfterCrash#ABANDON} a run must not start before it has received
     * {@link Completion#NOTED}: only what has started is ever abandoned; a claim that passes its deadline before may be
     * claimed again. With {@link AfterCrash#RERUN} nobody needs to call it.
     *
     * @param claim the run's claim
     * @return whether it is noted; not if the run has ended, or is past its deadline
     */
    CompletionStage<Completion> begin(Lease claim);

    /**
     * Pushes the deadline of several claims forward to one ttl from now. A claim that is past its deadline lives again,
     * unless another run has taken its place meanwhile: so a ledger that was away for a while ends no run.
     *
     * @param claims the claims
     * @return one answer a claim, in the same order: {@link Renewal.Gone} if it has ended, or another run has taken over
     *     its occurrence or its lock key
     */
    CompletionStage<List<Renewal>> renew(List<Lease> claims);

    /**
     * Notes an occurrence as done.
     *
     * @param claim the run's claim
     * @return whether it is noted
     */
    CompletionStage<Completion> complete(Lease claim);

    /**
     * Notes an occurrence as done in a transaction of the caller, as its last statement. It takes effect when the caller
     * commits. Blocks while another transaction works on the same occurrence. A commit in doubt is never followed by
     * {@link #complete}, which would note a completion whose writes were rolled back: ask {@link #entry}, then
     * {@link #release} what is not done. A conflict of the caller's own (SQLSTATE 40001) is an {@link SQLException}: the
     * caller rolls back, and may repeat its transaction with this call at its end.
     *
     * @param connection to the ledger's database, with auto-commit off
     * @param claim the run's claim
     * @return whether it is noted; if {@link Completion#SUPERSEDED}, the caller must roll back
     * @throws SQLException if the database refuses for another reason
     */
    Completion completeIn(Connection connection, Lease claim) throws SQLException;

    /**
     * Ends a run that has not completed. One that is {@link RunState#RELEASED} has not started its code: it frees its
     * occurrence also if that was abandoned meanwhile, because its start was noted without an answer.
     *
     * @param claim the run's claim
     * @param state {@link RunState#FAILED}, {@link RunState#FAILED_FOR_GOOD}, {@link RunState#RELEASED},
     *     {@link RunState#LOST} or {@link RunState#ABANDONED}
     * @return whether it is noted
     * @throws IllegalArgumentException if it is another state
     */
    CompletionStage<Completion> release(Lease claim, RunState state);

    /**
     * Withdraws a request whose answer never came: if the owner has the claim after all, it is released. A claim that is
     * carried out even later holds its keys until its deadline.
     *
     * @param request the request
     * @return completes when the ledger has answered
     */
    CompletionStage<Void> withdraw(ClaimRequest request);

    /**
     * Looks up an occurrence.
     *
     * @param identity its keys
     * @return what the ledger knows of it
     */
    CompletionStage<Optional<LedgerEntry>> entry(JobIdentity identity);

    /**
     * Decides about an occurrence that was {@link RunState#ABANDONED}, for operators who have found out what became of it.
     *
     * @param identity its keys
     * @param seen the fencing token of the run that was looked at, so that the decision is not taken for one that crashed
     *     since; null for whichever it is
     * @param state {@link RunState#DONE}: never run it again; {@link RunState#RELEASED}: it may be claimed again
     * @param why who decides, and why; kept in the ledger
     * @return whether it was abandoned by that run and now is not
     * @throws IllegalArgumentException if it is another state
     */
    CompletionStage<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why);

    /**
     * Decides about an abandoned occurrence without saying who does.
     *
     * @param identity its keys
     * @param state as above
     * @return whether it was abandoned and now is not
     * @throws IllegalArgumentException if it is another state
     */
    default CompletionStage<Boolean> resolve(JobIdentity identity, RunState state) {
        return resolve(identity, null, state, Intervention.UNNAMED);
    }

    /**
     * Lets an occurrence run again that is {@link RunState#DONE} or {@link RunState#FAILED_FOR_GOOD}: it becomes
     * {@link RunState#RELEASED}.
     *
     * @param identity its keys; without a run key nothing is ever over
     * @param seen the fencing token of the run that was looked at, so that a later completion stays; null for whichever it is
     * @param why who decides, and why; kept in the ledger
     * @return whether it was over by that run and now is not
     */
    CompletionStage<Boolean> runAgain(JobIdentity identity, @Nullable FencingToken seen, Intervention why);

    /**
     * Looks through the ledger, for operators: it may read many rows.
     *
     * @param query what to look for
     * @return what was found, last started first
     */
    CompletionStage<List<LedgerEntry>> entries(LedgerQuery query);

    /**
     * Tells who has decided about abandoned occurrences.
     *
     * @param atMost how many entries to return at most
     * @return the newest first
     */
    CompletionStage<List<AuditEntry>> audit(int atMost);

    /**
     * Compares settings on which all workers have to agree with those of the workers before. Blocks.
     *
     * @param fingerprint the settings, readable; empty if there are none, as of leases in the memory of a test, which a ledger
     *     that outlives its workers neither compares nor notes
     * @throws IllegalStateException if other workers have other settings; the message names both and says how to fix it
     * @throws LedgerException if the ledger cannot tell
     */
    void agree(String fingerprint);

    /**
     * Tells how long an answer may take before the stage fails.
     *
     * @return the longest time to an answer
     */
    Duration answerTimeout();

    /** Lets go of threads that the ledger itself has started. Claims are left to pass their deadlines. */
    @Override
    void close();
}
