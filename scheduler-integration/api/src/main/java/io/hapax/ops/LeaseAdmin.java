package io.hapax.ops;

import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LeaseStore;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * What operators ask of a lease store, and do to it: who holds what, what is taken away from whom, who has interfered, how
 * the servers are. No run depends on it, and none of it takes a lease. Stages complete and fail as those of
 * {@link LeaseStore}. Thread-safe.
 */
public interface LeaseAdmin {

    /** How many entries of the audit are kept at least. */
    int AUDIT_LENGTH = 1000;

    /** How many runs of a job are kept at least. */
    int HISTORY_LENGTH = 100;

    /**
     * Looks up who holds the lease of an identity.
     *
     * @param identity the keys
     * @return the holder, if there is one; of a lock key of which only slots are held, the holder of the first of them
     */
    CompletionStage<Optional<Holder>> holder(JobIdentity identity);

    /**
     * Takes a lease away from its holder. The holder notices at its next renewal and may run until then:
     * this is for operators who know that it is gone. Who did it, and why, is kept.
     *
     * @param identity the keys
     * @param why who does it, and why
     * @return who held it, if anybody
     */
    CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why);

    /**
     * Takes a lease away without saying who does it.
     *
     * @param identity the keys
     * @return who held it, if anybody
     */
    default CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity) {
        return forceRelease(identity, Intervention.UNNAMED);
    }

    /**
     * Takes a lease away that was seen, unless somebody else holds its key by now; and keeps who did it.
     *
     * @param lease as {@link #leases} returned it
     * @param why who does it, and why
     * @return who held it; empty if its holder does not hold it any more
     */
    CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why);

    /**
     * Looks through all leases of the namespace. Takes time in proportion to everything that the server keeps, in small
     * steps that do not hold others up: not for dashboards, which have {@link FleetBoard#news}.
     *
     * @param atMost how many to return at most
     * @return leases that were held for all the time of the search, and perhaps others; in no order
     */
    CompletionStage<List<HeldLease>> leases(int atMost);

    /**
     * Looks up one lease.
     *
     * @param name the text of its key, or its name as {@link #leases} tells it, also of a slot; if both are held, the key; of a
     *     lock key of which only slots are held, the first of them
     * @param onRunKey whether that is a run key; else it is a lock key
     * @return the lease, if somebody holds it
     */
    default CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
        return leases(Integer.MAX_VALUE)
                .thenApply(all -> all.stream()
                        .filter(lease -> lease.onRunKey() == onRunKey && lease.isCalled(name))
                        .min(Comparator.comparing(
                                        (HeldLease lease) -> !lease.name().equals(name))
                                .thenComparing(lease ->
                                        lease.slot() == null ? 0 : lease.slot().number())));
    }

    /**
     * Pauses a key: it is granted to nobody, nor is any of its slots. Its holder continues. Who did it, and why, is kept; a
     * pause that is there already is replaced.
     *
     * @param identity the keys; a slot stands for its lock key
     * @param atMost for how long, unless it is resumed
     * @param why who does it, and why
     * @return completes when it is paused
     * @throws IllegalArgumentException if that time is below 1 ms, or longer than a store can keep
     */
    CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why);

    /**
     * Ends the pause of a key. Those who wait for it notice within some seconds.
     *
     * @param identity the keys; a slot stands for its lock key
     * @param why who does it, and why
     * @return whether it was paused
     */
    CompletionStage<Boolean> resume(JobIdentity identity, Intervention why);

    /**
     * Ends the pause of a key that was seen in a list, also of one whose text the store has shortened.
     *
     * @param key as {@link #pauses} returned it
     * @param why who does it, and why
     * @return whether it was paused
     */
    default CompletionStage<Boolean> resume(PausedKey key, Intervention why) {
        return resume(key.identity(), why);
    }

    /**
     * Forgets that an occurrence has completed, or has failed for good, so that it runs again when it is asked for. Who did it, and
     * why, is kept. A completion that is noted meanwhile stays.
     *
     * @param identity its keys, of which the run key counts
     * @param why who does it, and why
     * @return whether that was noted
     * @throws IllegalArgumentException if there is no run key
     */
    CompletionStage<Boolean> runAgain(JobIdentity identity, Intervention why);

    /**
     * Tells whether a key is paused.
     *
     * @param identity the keys; a slot stands for its lock key
     * @return the pause, if it is
     */
    CompletionStage<Optional<KeyPause>> paused(JobIdentity identity);

    /**
     * Lists the keys that are paused. Takes as much time as {@link #leases}.
     *
     * @param atMost how many to return at most
     * @return those that were paused for all the time of the search, and perhaps others; in no order
     */
    CompletionStage<List<PausedKey>> pauses(int atMost);

    /**
     * Tells how runs of a job ended whose releases said so: see {@link Ending#inHistoryOf}.
     *
     * @param job the job's name
     * @param atMost how many to return at most
     * @return the last ended first; at least the last {@link #HISTORY_LENGTH} are kept, for 90 days after the last one
     */
    CompletionStage<List<PastRun>> history(String job, int atMost);

    /**
     * Tells who has taken leases away, paused keys and resumed them.
     *
     * @param atMost how many entries to return at most
     * @return the newest first; at least the last {@link #AUDIT_LENGTH} are kept, for 90 days
     */
    CompletionStage<List<AuditEntry>> audit(int atMost);

    /**
     * Asks every server how it is.
     *
     * @return one answer a server, also for those that do not answer; never fails
     */
    CompletionStage<List<ServerHealth>> servers();
}
