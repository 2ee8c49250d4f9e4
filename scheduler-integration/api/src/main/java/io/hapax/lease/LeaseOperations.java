package io.hapax.lease;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * What people ask of a lease store: who holds what, and who has interfered; and the board on which workers tell them what
 * they are at. No run depends on it, and none of it takes a lease. Stages complete and fail as those of
 * {@link LeaseStore}. Thread-safe.
 */
public interface LeaseOperations {

    /** How many entries of the audit are kept at least. */
    int AUDIT_LENGTH = 1000;

    /**
     * Looks through all leases of the namespace. Takes time in proportion to everything that the server keeps, in small
     * steps that do not hold others up: not for dashboards, which have {@link #reports}.
     *
     * @param atMost how many to return at most
     * @return leases that were held for all the time of the search, and perhaps others; in no order
     */
    CompletionStage<List<HeldLease>> leases(int atMost);

    /**
     * Looks up one lease.
     *
     * @param name the text of its key, or its name as {@link #leases} tells it, also of a slot; if both are held, the key
     * @param onRunKey whether that is a run key; else it is a lock key
     * @return the lease, if somebody holds it
     */
    default CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
        return leases(Integer.MAX_VALUE)
                .thenApply(all -> all.stream()
                        .filter(lease ->
                                lease.onRunKey() == onRunKey && lease.name().equals(name))
                        .min(Comparator.comparing(lease -> lease.slot() != null)));
    }

    /**
     * Takes a lease away that was seen, unless somebody else holds its key by now; and keeps who did it.
     *
     * @param lease as {@link #leases} has told
     * @param why who does it, and why
     * @return who held it; empty if its holder does not hold it any more
     */
    CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why);

    /**
     * Tells who has taken leases away.
     *
     * @param atMost how many entries to return at most
     * @return the newest first; at least the last {@link #AUDIT_LENGTH} are kept, for 90 days
     */
    CompletionStage<List<AuditEntry>> audit(int atMost);

    /**
     * Puts up what a worker is at, in place of what it put up before.
     *
     * @param worker the worker's name
     * @param report the text
     * @param lifetime how long it stays unless it is replaced
     * @return whether somebody is reading
     */
    CompletionStage<Boolean> post(String worker, String report, Duration lifetime);

    /**
     * Reads what the workers have put up.
     *
     * @param readingFor how long the workers are to be told that somebody is reading; zero for not at all
     * @return the reports by worker
     */
    CompletionStage<Map<String, String>> reports(Duration readingFor);

    /**
     * Asks every server how it is.
     *
     * @return one answer a server, also for those that do not answer; never fails
     */
    CompletionStage<List<ServerHealth>> servers();
}
