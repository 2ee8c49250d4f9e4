package io.hapax;

import io.hapax.event.LossReason;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The slot that a run holds of a key for several, beside the lease on its run key. A run that loses one loses both. */
final class Permit extends Watchdog.Charge {

    private final GuardedRun run;
    private final Lease slot;
    private final AtomicBoolean givenBack = new AtomicBoolean();
    private volatile NanoTime validSince;

    Permit(GuardedRun run, Lease slot, NanoTime requestedAt) {
        this.run = run;
        this.slot = slot;
        this.validSince = requestedAt;
    }

    void watch() {
        Watchdog watchdog = run.guard().watchdog();
        watchdog.add(this, earliest(watchdog.firstLook(validSince, run.timing().renewEvery())));
        if (givenBack.get()) {
            watchdog.remove(this);
        }
    }

    /** Frees the slot once; if the store does not hear it, it is free after its ttl. */
    void giveBack() {
        if (givenBack.compareAndSet(false, true)) {
            run.guard().watchdog().remove(this);
            var unused = run.guard().store().release(slot, Ending.NOT_DONE).exceptionally(unreachable -> false);
        }
    }

    @Override
    boolean isRun() {
        return true;
    }

    @Override
    void giveUp() {
        run.lose(LossReason.NOT_RENEWED, null);
    }

    GuardedRun run() {
        return run;
    }

    @Override
    Duration ttl() {
        return run.timing().ttl();
    }

    @Override
    Lease lease() {
        return slot;
    }

    @Override
    Watchdog.Action act(NanoTime now) {
        if (givenBack.get()) {
            return Watchdog.Action.FORGET;
        }
        if (!run.isActive()) {
            return new Watchdog.Action(false, now.plus(run.timing().ttl()));
        }
        if (!now.isBefore(run.timing().revokeAt(validSince))) {
            run.lose(LossReason.NOT_RENEWED, null);
            return new Watchdog.Action(false, now.plus(run.timing().ttl()));
        }
        return new Watchdog.Action(
                true,
                earliest(now.plus(run.guard().answerTimeout()).plus(run.timing().retryEvery())));
    }

    @Override
    @Nullable
    NanoTime renewed(Renewal answer, NanoTime sentAt, NanoTime now) {
        if (answer instanceof Renewal.Gone gone) {
            run.lose(LossReason.GONE, gone.holder());
            return null;
        }
        if (answer instanceof Renewal.Unknown) {
            return earliest(now.plus(run.timing().retryEvery()));
        }
        validSince = sentAt.isBefore(validSince) ? validSince : sentAt;
        return earliest(Watchdog.jittered(sentAt, run.timing().renewEvery()));
    }

    private NanoTime earliest(NanoTime wanted) {
        NanoTime revokeAt = run.timing().revokeAt(validSince);
        return wanted.isBefore(revokeAt) ? wanted : revokeAt;
    }
}
