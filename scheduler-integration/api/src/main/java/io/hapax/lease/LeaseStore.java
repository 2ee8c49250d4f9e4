package io.hapax.lease;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * The port to whatever keeps the leases: one memory that all replicas share. It has what runs need, and no more: what
 * operators ask is apart from it.
 *
 * <p>Every method returns at once; the stage completes on a thread of the store, so dependants must not block. A stage
 * fails with a {@link LeaseStoreException} if the store cannot tell, within {@link #answerTimeout()}. Then the request
 * may have been carried out, or may be carried out later. All operations are idempotent per owner, which
 * stands for one ask: while its answer is waited for, a client may send it again. Implementations are thread-safe and pass {@code LeaseStoreContract} of the test kit.
 */
public interface LeaseStore extends AutoCloseable {

    /**
     * Takes a lease unless the occurrence is over, or the key is held or paused. Asking again with the same owner returns the
     * lease it already holds; a caller that has given up a request, and asks again, does so with another owner, as what was given up
     * may be carried out later.
     *
     * <p>A lock key and its slots are one family. A slot is granted only if it {@linkplain Slot#goesWith goes with} each slot that
     * somebody holds, under the limits that both state; {@link Slot#WHOLE the whole key} with none. So the smallest limit is kept
     * that any holder or asker states, also while a rolling deploy changes it. A run that is refused and
     * {@linkplain LeaseRequest#waiting waits} stops those that would make it wait on: while somebody holds the key, no slot is
     * granted beyond the smallest limit under which somebody waits. That is so for as long as the lease lives that was in the way,
     * and some seconds more; when a lease of the family is given back, for some seconds only, in which the waiting run asks again.
     * A renewal, or a lease that is taken on its holder's word, keeps all of this as it was.
     *
     * @param request who asks for what
     * @return the answer
     */
    CompletionStage<Acquisition> acquire(LeaseRequest request);

    /**
     * Pushes the expiry of several leases forward to one ttl from now. A lease is named by its owner and its token.
     *
     * <p>The caller passes only leases that it believes valid: a store in quarantine takes its word for leases that it
     * has forgotten.
     *
     * @param leases the leases, of any identities
     * @return one answer a lease, in the same order; trouble with one lease does not touch the others
     */
    CompletionStage<List<Renewal>> renew(List<Lease> leases);

    /**
     * Gives a lease back if its owner still holds it with its token, leaves a done marker if asked to, and wakes waiters. If it
     * fails, marker and lease are both there, or neither, or the lease alone: then it can be repeated.
     *
     * @param lease the lease
     * @param ending whether the occurrence is over, and how it ended
     * @return true if the owner held the lease, or this call repeats one that had left a marker of the same outcome; false if
     *     it was lost, in which case nothing was changed and no marker was left. A repetition of {@link Ending#NOT_DONE} may
     *     answer either
     */
    CompletionStage<Boolean> release(Lease lease, Ending ending);

    /**
     * Withdraws a request whose answer never came: if the owner was granted the lease after all, it is given back. It knows
     * of no token, so it names the owner.
     *
     * @param request the request
     * @return completes when the store has answered
     */
    CompletionStage<Void> withdraw(LeaseRequest request);

    /**
     * Waits for a moment at which trying again makes sense: a release of this identity, or of any slot of its lock key, or of that
     * key itself, was seen, or the time is over. May complete early without a reason. Never fails.
     *
     * @param identity the keys
     * @param atMost how long to wait at most
     * @return completes at that moment; cancelling the future of {@link CompletionStage#toCompletableFuture()} ends it
     */
    CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost);

    /**
     * Returns this store for callers that do nothing but wait for its answers: {@link #acquire} and {@link #release} of
     * what is returned may do their work on the calling thread, and block it until there is an answer, which spares that
     * thread and the store's own ones from waking each other. Not for the threads on which stages complete.
     *
     * @return the same leases; by default this store
     */
    default LeaseStore blocking() {
        return this;
    }

    /**
     * Returns the places that are kept beside the leases, for limits of runs over time and for work that is queued.
     *
     * @return the reservations; empty if this store has none, then settings that need them are refused
     */
    default Optional<Reservations> reservations() {
        return Optional.empty();
    }

    /**
     * Tells how long an answer may take before the stage fails. The guard refuses a ttl in which renewal could not be
     * tried twice.
     *
     * @return the longest time to an answer
     */
    Duration answerTimeout();

    /**
     * Tells the longest ttl that a {@link LeaseRequest} may have; a longer one is refused with an
     * {@link IllegalArgumentException}.
     *
     * @return the bound; by default one that no ttl reaches
     */
    default Duration longestTtl() {
        return Duration.ofSeconds(Long.MAX_VALUE);
    }

    /**
     * Names the settings on which all workers that share this store's leases have to agree, because others would guard
     * under other keys or with another quarantine.
     *
     * @return one line, readable; empty if there are none
     */
    default String fingerprint() {
        return "";
    }

    /**
     * Compares what the guards on this store have to agree on beyond {@link #fingerprint()}, such as how they hash keys,
     * with what the guards of other workers have: the first one's holds until the store loses its memory. Blocks. A store
     * that connects later compares then, and takes no lease if they differ.
     *
     * @param settings one line, readable; empty if the guard does nothing unusual
     * @throws LeaseStoreException if other guards have other settings, and the message names both and says how to fix it;
     *     or if the store cannot tell
     */
    default void agree(String settings) {}

    /** Lets go of connections and threads that the store itself has opened. Leases are left to expire. */
    @Override
    void close();
}
