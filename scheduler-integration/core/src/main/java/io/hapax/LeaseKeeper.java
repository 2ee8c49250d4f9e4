package io.hapax;

import io.hapax.event.LossReason;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.time.NanoTime;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Has one thing that a run holds renewed: its lease, its claim, or its slot. The first of them is the {@link RunHold}. */
abstract class LeaseKeeper extends Charge {

    private final Lease lease;
    // Numbers and no instants: a new object in one of many thousands that are old has to be reported to the garbage
    // collector.
    private volatile long sinceNanos;
    /** When a renewal was sent last. Used by the watchdog's thread only. */
    private long sentNanos;
    /** Whether its answer is outstanding: set by the watchdog's thread, cleared by those of the port. */
    private volatile boolean asked;
    // Written by the port's threads.
    private volatile boolean faltered;
    private volatile boolean dropped;

    LeaseKeeper(Lease lease, NanoTime requestedAt) {
        this.lease = lease;
        this.sinceNanos = requestedAt.nanos();
    }

    /** One of those that a run holds beside the first. */
    static final class Further extends LeaseKeeper {
        private final RunHold hold;

        Further(RunHold hold, Lease lease, NanoTime requestedAt) {
            super(lease, requestedAt);
            this.hold = hold;
        }

        @Override
        RunHold hold() {
            return hold;
        }
    }

    @Override
    abstract RunHold hold();

    /** When the last renewal was sent that was confirmed. */
    final NanoTime since() {
        return new NanoTime(sinceNanos);
    }

    final boolean keeps(OwnerId owner) {
        return lease.owner().equals(owner);
    }

    @Override
    final boolean isRun() {
        return hold().isFirst(this);
    }

    @Override
    GuardedRun run() {
        return hold().run();
    }

    @Override
    final void stopIfUnproven(NanoTime now) {
        if (run().isActive() && hold().isOver(now)) {
            stop(LossReason.NOT_RENEWED);
        }
    }

    @Override
    final Duration ttl() {
        return hold().timing().ttl();
    }

    @Override
    final Lease lease() {
        return lease;
    }

    @Override
    final long fetched() {
        LockKey lock = lease.identity().lockKey();
        return (lock == null ? 0 : lock.value().length()) + run().grantedAt().nanos();
    }

    @Override
    final boolean isClaim() {
        return hold().isClaim(this);
    }

    @Override
    final Action act(NanoTime now) {
        Action instead = hold().insteadOfRenewal(this, now);
        if (instead != null) {
            return instead;
        }
        boolean asks = !dropped && !waits(now);
        if (asks) {
            sentNanos = now.nanos();
            asked = true;
        }
        return new Action(
                asks, hold().notAfterRevocation(now.plus(hold().answerTimeout()).plus(retryEvery())));
    }

    private boolean waits(NanoTime now) {
        return asked && now.isBefore(new NanoTime(sentNanos).plus(hold().answerTimeout()));
    }

    @Override
    final @Nullable NanoTime renewed(Renewal answer, NanoTime sent, NanoTime now, NanoTime regular) {
        asked = false;
        if (answer instanceof Renewal.Gone gone) {
            if (hold().isLease(this) && faltered && hold().trustsLedger()) {
                // It lapsed while the store was away; the claim has kept others out since.
                dropped = true;
                return null;
            }
            hold().run().lose(isClaim() ? LossReason.SUPERSEDED : LossReason.GONE, gone.holder());
            return null;
        }
        if (answer instanceof Renewal.Unknown) {
            faltered = true;
            return hold().notAfterRevocation(now.plus(retryEvery()));
        }
        faltered = false;
        Duration margin = hold().marginAt(now);
        if (since().isBefore(sent)) {
            sinceNanos = sent.nanos();
        }
        hold().confirmed(margin);
        return hold().notAfterRevocation(regular);
    }

    private Duration retryEvery() {
        return hold().timing().retryEvery();
    }
}
