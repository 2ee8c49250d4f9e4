package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PausedKey;
import io.hapax.time.DurationText;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What operators ask of a guard, and decide: who holds a key, what runs and waits here, what was abandoned.
 *
 * <p>Its methods take keys as they are and as kept: see {@link JobGuard#kept}. Code that follows their answers may
 * block, as it does after {@link JobGuard#admitAsync}. Thread-safe.
 */
public final class GuardAdmin {

    private final Engine engine;
    private final UnaryOperator<JobIdentity> kept;

    GuardAdmin(Engine engine, UnaryOperator<JobIdentity> kept) {
        this.engine = engine;
        this.kept = kept;
    }

    /**
     * Looks up who holds the lease of an identity.
     *
     * @param identity the keys
     * @return the holder, if there is one; fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Optional<Holder>> holder(JobIdentity identity) {
        return delivered(ofStore().holder(kept.apply(identity)));
    }

    /**
     * Takes a lease away from its holder, for operators who know that its holder is gone. A holder that is alive
     * notices at its next renewal and may be running until then. If nobody holds it, listeners get no event.
     *
     * @param identity the keys
     * @param actor who does it
     * @param reason why
     * @return who held it, if anybody; fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Optional<Holder>> forceRelease(JobIdentity identity, String actor, String reason) {
        JobIdentity asked = kept.apply(identity);
        Intervention why = new Intervention(actor, reason);
        return told(ofStore().forceRelease(asked, why), asked, why);
    }

    /**
     * Takes a lease away that was seen in a list, unless somebody else holds its key by now.
     *
     * @param lease as {@link LeaseAdmin#leases} returned it
     * @param actor who does it
     * @param reason why
     * @return who held it; empty if its holder does not hold it any more. Fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Optional<Holder>> forceRelease(HeldLease lease, String actor, String reason) {
        Intervention why = new Intervention(actor, reason);
        JobIdentity identity = lease.onRunKey()
                ? new JobIdentity(null, new RunKey(lease.name()))
                : new JobIdentity(new LockKey(lease.name()), null);
        return told(ofStore().forceRelease(lease, why), identity, why);
    }

    private <T> CompletableFuture<T> delivered(CompletableFuture<T> answer) {
        return engine.delivery().of(answer);
    }

    private SteadyAdmin ofStore() {
        SteadyAdmin admin = engine.admin();
        if (admin == null) {
            throw new IllegalStateException(
                    "the lease store of this guard has no administration: it cannot list or release"
                            + " leases. Use a store that implements " + AdministeredStore.class.getName());
        }
        return admin;
    }

    private CompletableFuture<Optional<Holder>> told(
            CompletableFuture<Optional<Holder>> taken, JobIdentity identity, Intervention why) {
        CallersEvents events = CallersEvents.awaited(engine.notifier());
        CompletableFuture<Optional<Holder>> noted = taken.whenComplete((holder, failure) -> {
            if (holder != null && holder.isPresent()) {
                events.add(
                        new GuardEvent.Forced(identity.leaseName(), identity, holder.get(), why.actor(), why.reason()));
            }
        });
        return engine.delivery().of(noted, events);
    }

    /**
     * Lists the occurrences of the whole fleet that were abandoned and wait for a person to decide: see {@link #resolve(JobIdentity, FencingToken, RunState, String, String)}.
     *
     * @param atMost how many to return at most, 1 to 10 000
     * @return the last started first; empty without a ledger, as no job can then ask to be abandoned. Fails with a
     *     {@code LedgerException}
     * @throws IllegalArgumentException if that number is not allowed
     */
    public CompletableFuture<List<LedgerEntry>> abandoned(int atMost) {
        LedgerQuery query = LedgerQuery.in(atMost, RunState.ABANDONED);
        RunLedger runs = engine.ledger();
        return runs == null
                ? CompletableFuture.completedFuture(List.of())
                : delivered(runs.entries(query).toCompletableFuture());
    }

    /**
     * Decides about an occurrence that was abandoned, for operators who have found out what became of it.
     *
     * @param identity its keys
     * @param state {@link RunState#DONE}: never run it again; {@link RunState#RELEASED}: it may run again
     * @param actor who decides
     * @param reason why
     * @return whether it was abandoned and now is not; fails with a {@code LedgerException}
     * @throws IllegalArgumentException if it is another state
     * @throws IllegalStateException if the guard has no ledger
     */
    public CompletableFuture<Boolean> resolve(JobIdentity identity, RunState state, String actor, String reason) {
        return resolve(identity, null, state, actor, reason);
    }

    /**
     * Decides about an occurrence that one run has abandoned, for operators who have looked at that run.
     *
     * @param identity its keys
     * @param seen the fencing token of that run; null for whichever it is
     * @param state as above
     * @param actor who decides
     * @param reason why
     * @return whether it was abandoned by that run and now is not; fails with a {@code LedgerException}
     * @throws IllegalArgumentException if it is another state
     * @throws IllegalStateException if the guard has no ledger
     */
    public CompletableFuture<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, String actor, String reason) {
        JobIdentity asked = kept.apply(identity);
        RunLedger runs = engine.ledger();
        if (runs == null) {
            throw new IllegalStateException("only a ledger knows what was abandoned, and this guard has none");
        }
        Intervention why = new Intervention(actor, reason);
        CallersEvents events = CallersEvents.awaited(engine.notifier());
        CompletableFuture<Boolean> noted = runs.resolve(asked, seen, state, why)
                .toCompletableFuture()
                .whenComplete((resolved, failure) -> {
                    if (Boolean.TRUE.equals(resolved)) {
                        events.add(new GuardEvent.Resolved(asked.leaseName(), asked, state, why.actor(), why.reason()));
                    }
                });
        return engine.delivery().of(noted, events);
    }

    /**
     * Lets an occurrence run again that has completed, or has failed for good, when it is asked for the next time.
     *
     * @param identity its keys, with the lock key if its job has one
     * @param actor who decides
     * @param reason why; kept in the audit of store and ledger
     * @return whether it was over and now is not; fails with a {@code LeaseStoreException} or a {@code LedgerException}, then ask
     *     again
     * @throws IllegalArgumentException if there is no run key
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Boolean> runAgain(JobIdentity identity, String actor, String reason) {
        JobIdentity asked = kept.apply(identity);
        if (asked.runKey() == null) {
            throw new IllegalArgumentException("only what has a run key can be over: " + asked);
        }
        Intervention why = new Intervention(actor, reason);
        RunLedger runs = engine.ledger();
        // The ledger last: as long as it says that the occurrence is over, nobody runs it.
        CompletableFuture<Boolean> inStore = ofStore().runAgain(asked, why);
        return delivered(
                runs == null
                        ? inStore
                        : inStore.thenCompose(forgotten ->
                                runs.runAgain(asked, null, why).thenApply(released -> released || forgotten)));
    }

    /**
     * Pauses a key until somebody resumes it: nobody is admitted, in the whole fleet, with {@link Verdict#PAUSED}. A run that holds
     * the key goes on.
     *
     * @param identity the keys; the lock key is paused if there is one, else this one occurrence
     * @param actor who does it
     * @param reason why; part of each refusal, and kept in the audit
     * @return completes when it is paused; fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Void> pause(JobIdentity identity, String actor, String reason) {
        return pause(identity, DurationText.LONGEST, actor, reason);
    }

    /**
     * Pauses a key for some time, unless somebody resumes it before. A pause that is there already is replaced.
     *
     * @param identity the keys, as above
     * @param atMost for how long
     * @param actor who does it
     * @param reason why
     * @return completes when it is paused; fails with a {@code LeaseStoreException}
     * @throws IllegalArgumentException if that time is below 1 ms, or longer than {@link DurationText#LONGEST}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Void> pause(JobIdentity identity, Duration atMost, String actor, String reason) {
        DurationText.requireStorable("the length of a pause", atMost, 1);
        return delivered(ofStore().pause(kept.apply(identity), atMost, new Intervention(actor, reason)));
    }

    /**
     * Ends the pause of a key. Runs that wait for it notice within some seconds.
     *
     * @param identity the keys, as they were paused
     * @param actor who does it
     * @param reason why; kept in the audit
     * @return whether it was paused; fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Boolean> resume(JobIdentity identity, String actor, String reason) {
        return delivered(ofStore().resume(kept.apply(identity), new Intervention(actor, reason)));
    }

    /**
     * Ends the pause of a key that was seen in a list.
     *
     * @param key as {@link LeaseAdmin#pauses} returned it
     * @param actor who does it
     * @param reason why; kept in the audit
     * @return whether it was paused; fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Boolean> resume(PausedKey key, String actor, String reason) {
        return delivered(ofStore().resume(key, new Intervention(actor, reason)));
    }

    /**
     * Tells whether a key is paused, by whom, since when and why.
     *
     * @param identity the keys; the lock key counts if there is one
     * @return the pause, if it is; fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store answers no operators: it is no {@link AdministeredStore}
     */
    public CompletableFuture<Optional<KeyPause>> paused(JobIdentity identity) {
        return delivered(ofStore().paused(kept.apply(identity)));
    }

    /**
     * Lists the runs of this process that are running, or whose end is not yet noted.
     *
     * @return the runs, in no order; those that were let through without a lease are not among them
     */
    public List<ActiveRun> runs() {
        NanoTime now = engine.now();
        return engine.watchdog().all().stream()
                .filter(Charge::isRun)
                .flatMap(charge -> Stream.ofNullable(charge.hold()))
                .map(hold -> hold.shown(now))
                .toList();
    }

    /**
     * Lists the runs of this process that wait for their keys.
     *
     * @return the runs, in no order
     */
    public List<WaitingRun> waiting() {
        return engine.admissions().waiting().stream()
                .map(AdmissionAttempt::shown)
                .toList();
    }
}
