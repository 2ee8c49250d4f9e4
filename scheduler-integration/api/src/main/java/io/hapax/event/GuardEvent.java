package io.hapax.event;

import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.ledger.RunState;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Something that happened to a run or a lease. */
public sealed interface GuardEvent {

    /**
     * Returns what it happened to.
     *
     * @return the keys
     */
    JobIdentity identity();

    /**
     * Returns the name of the job, for display and meters.
     *
     * @return the name
     */
    String job();

    /**
     * A run was admitted.
     *
     * @param job the job's name
     * @param lease its lease
     * @param waited how long it took, waiting included
     * @param attempt the how many-th attempt at its occurrence it is: more than 1 if an earlier one failed or crashed,
     *     as far as a ledger counts
     */
    record Acquired(String job, Lease lease, Duration waited, int attempt) implements GuardEvent {
        @Override
        public JobIdentity identity() {
            return lease.identity();
        }
    }

    /**
     * A run was refused.
     *
     * @param job the job's name
     * @param identity its keys
     * @param refusal why
     * @param waited how long it took, waiting included
     * @param planned whether a scheduler made the run key for an occurrence of its own; false if a person chose it, or if
     *     there is none
     * @param again whether it is tried again later, as far as the guard decides it; else it does not take place
     */
    record Refused(String job, JobIdentity identity, Refusal refusal, Duration waited, boolean planned, boolean again)
            implements GuardEvent {

        /**
         * A run was refused, and is not tried again.
         *
         * @param job the job's name
         * @param identity its keys
         * @param refusal why
         * @param waited how long it took, waiting included
         * @param planned whether a scheduler made the run key for an occurrence of its own
         */
        public Refused(String job, JobIdentity identity, Refusal refusal, Duration waited, boolean planned) {
            this(job, identity, refusal, waited, planned, false);
        }

        /**
         * Returns whether this is what all replicas but one get of each firing, and no concern of operators: another worker runs this
         * very occurrence, or has completed one that a scheduler planned.
         *
         * @return whether no operator needs to know
         */
        public boolean isUsual() {
            return refusal.verdict() == Verdict.RUNNING || (planned && refusal.verdict() == Verdict.DONE);
        }
    }

    /**
     * A run was let through without a lease, because the store could not tell and the guard fails open.
     *
     * @param job the job's name
     * @param identity its keys
     * @param refusal what would have been the refusal
     */
    record Unguarded(String job, JobIdentity identity, Refusal refusal) implements GuardEvent {}

    /**
     * A run takes place although it would have been refused, since the guard only observes. It holds nothing.
     *
     * @param job the job's name
     * @param identity its keys
     * @param refusal what would have been the refusal
     * @param planned as in {@link Refused}
     */
    record WouldRefuse(String job, JobIdentity identity, Refusal refusal, boolean planned) implements GuardEvent {}

    /**
     * A run has ended that the guard only observed, and that was one too many: another run of its occurrence, or of its lock key, was
     * in its way.
     *
     * @param job the job's name
     * @param identity its keys
     * @param refusal names the other one, and since when it was in the way
     * @param took how long it took, counted from when it was asked for
     */
    record RanTwice(String job, JobIdentity identity, Refusal refusal, Duration took) implements GuardEvent {

        /**
         * Tells whether the other one was a run of the same occurrence.
         *
         * @return true if the same work was done twice; false if two runs of one lock key were running at the same time
         */
        public boolean isSameOccurrence() {
            return refusal.verdict() != Verdict.OVERLAP;
        }
    }

    /**
     * A lease was renewed with less than half of its validity left.
     *
     * @param job the job's name
     * @param lease the lease
     * @param margin how much validity was left
     */
    record RenewedLate(String job, Lease lease, Duration margin) implements GuardEvent {
        @Override
        public JobIdentity identity() {
            return lease.identity();
        }
    }

    /**
     * A run lost its lease while it was running.
     *
     * @param job the job's name
     * @param lease the lease
     * @param reason why
     * @param holder who holds the key now, or null if nobody does or nobody knows
     * @param held how long the run had held it
     */
    record Lost(
            String job,
            Lease lease,
            LossReason reason,
            @Nullable Holder holder,
            Duration held) implements GuardEvent {
        @Override
        public JobIdentity identity() {
            return lease.identity();
        }
    }

    /**
     * A run ended and its lease is no longer used.
     *
     * @param job the job's name
     * @param lease the lease
     * @param outcome how it ended
     * @param held how long the run had held it
     * @param nextIn when the job's next occurrence was planned, counted as {@code held} is from when the lease was asked for that was
     *     granted; null if its scheduler does not say
     */
    record Released(
            String job,
            Lease lease,
            RunOutcome outcome,
            Duration held,
            @Nullable Duration nextIn) implements GuardEvent {

        /**
         * A run ended whose scheduler does not say when the next one is planned.
         *
         * @param job the job's name
         * @param lease the lease
         * @param outcome how it ended
         * @param held how long the run had held it
         */
        public Released(String job, Lease lease, RunOutcome outcome, Duration held) {
            this(job, lease, outcome, held, null);
        }

        @Override
        public JobIdentity identity() {
            return lease.identity();
        }
    }

    /**
     * Somebody took a lease away by force.
     *
     * @param job the name of the key
     * @param identity the keys
     * @param holder who held it, or null if nobody did
     * @param actor who did it
     * @param reason why
     */
    record Forced(
            String job, JobIdentity identity, @Nullable Holder holder, String actor, String reason)
            implements GuardEvent {}

    /**
     * Somebody decided about an abandoned occurrence.
     *
     * @param job the name of the key
     * @param identity the keys
     * @param state what it counts as from now on
     * @param actor who did it
     * @param reason why
     */
    record Resolved(String job, JobIdentity identity, RunState state, String actor, String reason)
            implements GuardEvent {}
}
