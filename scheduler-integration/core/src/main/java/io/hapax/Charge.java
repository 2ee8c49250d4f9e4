package io.hapax;

import io.hapax.event.LossReason;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Something that the watchdog looks after. Its methods are called without the watchdog's lock. */
abstract class Charge extends DueQueue.Entry {

    /**
     * What a charge wants done.
     *
     * @param renew whether to renew its lease now
     * @param next when to look at it again whatever happens; null to forget it
     */
    record Action(boolean renew, @Nullable NanoTime next) {
        static final Action FORGET = new Action(false, null);
    }

    /** Tells what is to be done now; called by the watchdog's thread when the charge is due. */
    abstract Action act(NanoTime now);

    abstract Duration ttl();

    /** Whether it is a run, or the end of one, for which a shutdown waits. */
    boolean isRun() {
        return false;
    }

    /** The run that it belongs to; null if none. */
    @Nullable
    GuardedRun run() {
        return null;
    }

    /** All that this run holds; null if there is none. */
    @Nullable
    RunHold hold() {
        return null;
    }

    /** Whether its run has a thread, or waits for what that thread does next. */
    final boolean isOn(Thread thread) {
        GuardedRun owner = run();
        return owner != null && (owner.thread() == thread || owner.isEndedOn(thread));
    }

    /** Whether its run is one of these. */
    final boolean isOf(Set<GuardedRun> runs) {
        GuardedRun owner = run();
        return owner != null && runs.contains(owner);
    }

    /** Tells its run to stop, if it has one. */
    final void stop(LossReason reason) {
        GuardedRun owner = run();
        // One that has not started is given back.
        if (owner != null && !owner.lapse(reason)) {
            owner.lose(reason, null);
        }
    }

    /** Stops its run if nothing proves any more what that holds: the watchdog cannot look after it. */
    void stopIfUnproven(NanoTime now) {}

    /** The lease that is to be renewed, or null if there is none. */
    @Nullable
    Lease lease() {
        return null;
    }

    /**
     * Reads what its renewal is going to read, and returns a number made of it. Of many thousands of leases none is in the caches of the processor,
     * which waits for one after the other in a loop that works with them, and for many at a time in one that only reads.
     */
    long fetched() {
        return 0;
    }

    /** Whether that lease is a claim, which the ledger renews and not the store. */
    boolean isClaim() {
        return false;
    }

    /**
     * Takes the answer to a renewal that was sent at an instant.
     *
     * @param regular when to renew again if all is well
     * @return when to look again; null if that stays as it is
     */
    @Nullable
    NanoTime renewed(Renewal answer, NanoTime sentAt, NanoTime now, NanoTime regular) {
        return null;
    }
}
