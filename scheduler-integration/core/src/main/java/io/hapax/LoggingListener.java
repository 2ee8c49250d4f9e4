package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Lease;
import io.hapax.lease.VisibleText;
import io.hapax.time.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one log line an event, to the logger {@code io.hapax}.
 *
 * <p>Grants, normal releases and {@linkplain GuardEvent.Refused#isUsual() usual} refusals are DEBUG; refusals because of
 * somebody else INFO; losses, late renewals, unconfirmed completions, refusals because the store cannot tell and those of
 * abandoned occurrences WARN. While the guard {@linkplain RunOptions#observe() only observes}, what it would have refused is INFO, and
 * what ran twice or at the same time WARN. Of the INFO and WARN refusals that repeat (same job, key and verdict; whatever the key if
 * the store cannot tell), and of the runs of one job that fail open, are renewed late or are not confirmed, the first is logged, and then a
 * count for each minute; DEBUG has them all. Without a thread of its own it writes a count with the first event
 * after its minute, of whatever key, or when it is closed. Thread-safe.
 */
public final class LoggingListener implements GuardListener, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax");

    private final RefusalLog refusals;
    private final RefusalLog observed;
    private final RefusalLog twice;
    private final RefusalLog together;
    private final RefusalLog unguarded;
    private final WarningLog<GuardEvent.RenewedLate> late;
    private final WarningLog<GuardEvent.Released> unconfirmed;

    /** Creates the listener. */
    public LoggingListener() {
        this(Ticker.SYSTEM);
    }

    /**
     * Creates the listener.
     *
     * @param ticker by which minutes are measured
     */
    public LoggingListener(Ticker ticker) {
        this.refusals = new RefusalLog(RefusalLog.Kind.NOT_RUN, LOG, ticker);
        this.observed = new RefusalLog(RefusalLog.Kind.WOULD_SKIP, LOG, ticker);
        this.twice = new RefusalLog(RefusalLog.Kind.RAN_TWICE, LOG, ticker);
        this.together = new RefusalLog(RefusalLog.Kind.RAN_TOGETHER, LOG, ticker);
        this.unguarded = new RefusalLog(RefusalLog.Kind.UNGUARDED, LOG, ticker);
        this.late = new WarningLog<>(
                "renewed late", GuardEvent.RenewedLate::lease, e -> "margin=" + millis(e.margin()), LOG, ticker);
        this.unconfirmed = new WarningLog<>(
                "completed, but the store, or the transaction of its work, did not confirm it (the occurrence may run again)",
                GuardEvent.Released::lease,
                e -> "token=" + e.lease().token() + " held=" + millis(e.held()),
                LOG,
                ticker);
    }

    @Override
    public void on(GuardEvent event) {
        writeDue();
        if (isSilent(event)) {
            return;
        }
        try (LogContext context = LogContext.of(event.job(), event.identity(), leaseOf(event))) {
            log(event);
        }
    }

    /** Writes the counts whose minute is over: for a caller with a thread that looks around anyway. */
    void writeDue() {
        refusals.writeDue();
        observed.writeDue();
        twice.writeDue();
        together.writeDue();
        unguarded.writeDue();
        late.writeDue();
        unconfirmed.writeDue();
    }

    /** Writes the counts of the minute that is not over. */
    @Override
    public void close() {
        refusals.writeRest();
        observed.writeRest();
        twice.writeRest();
        together.writeRest();
        unguarded.writeRest();
        late.writeRest();
        unconfirmed.writeRest();
    }

    /** Every run tells these: nothing is made for nobody who reads them. */
    private boolean isSilent(GuardEvent event) {
        if (event instanceof GuardEvent.Refused refused) {
            return refusals.isSilent(refused);
        }
        boolean usual = (event instanceof GuardEvent.Acquired acquired && acquired.attempt() == 1)
                || (event instanceof GuardEvent.Released released && released.outcome() != RunOutcome.UNCONFIRMED);
        return usual && !LOG.isDebugEnabled();
    }

    private static @Nullable Lease leaseOf(GuardEvent event) {
        if (event instanceof GuardEvent.Acquired acquired) {
            return acquired.lease();
        } else if (event instanceof GuardEvent.RenewedLate late) {
            return late.lease();
        } else if (event instanceof GuardEvent.Lost lost) {
            return lost.lease();
        }
        return event instanceof GuardEvent.Released released ? released.lease() : null;
    }

    private void log(GuardEvent event) {
        if (event instanceof GuardEvent.Acquired e) {
            acquired(e);
        } else if (event instanceof GuardEvent.Refused e) {
            refusals.write(e);
        } else if (event instanceof GuardEvent.WouldRefuse e) {
            observed.write(new GuardEvent.Refused(e.job(), e.identity(), e.refusal(), Duration.ZERO, e.planned()));
        } else if (event instanceof GuardEvent.RanTwice e) {
            (e.isSameOccurrence() ? twice : together)
                    .write(new GuardEvent.Refused(e.job(), e.identity(), e.refusal(), e.took(), false));
        } else if (event instanceof GuardEvent.Unguarded e) {
            unguarded.write(new GuardEvent.Refused(e.job(), e.identity(), e.refusal(), Duration.ZERO, false));
        } else if (event instanceof GuardEvent.RenewedLate e) {
            late.write(e);
        } else if (event instanceof GuardEvent.Lost e) {
            LOG.warn(
                    "LEASE LOST job={} {} owner={} token={} reason={} held={} now held by {}",
                    job(e),
                    e.identity(),
                    e.lease().owner(),
                    e.lease().token(),
                    e.reason(),
                    millis(e.held()),
                    e.holder() == null ? "unknown" : e.holder());
        } else if (event instanceof GuardEvent.Released e) {
            released(e);
        } else {
            decided(event);
        }
    }

    /** What operators have done. */
    private static void decided(GuardEvent event) {
        if (event instanceof GuardEvent.Forced e) {
            LOG.warn(
                    "lease taken away by force {} holder={} actor={} reason='{}'",
                    e.identity(),
                    e.holder() == null ? "nobody" : e.holder(),
                    VisibleText.of(e.actor()),
                    VisibleText.of(e.reason()));
        } else if (event instanceof GuardEvent.Resolved e) {
            LOG.warn(
                    "abandoned occurrence resolved as {} {} actor={} reason='{}'",
                    e.state(),
                    e.identity(),
                    VisibleText.of(e.actor()),
                    VisibleText.of(e.reason()));
        }
    }

    private static void acquired(GuardEvent.Acquired e) {
        if (e.attempt() > 1) {
            LOG.info(
                    "retry job={} {} token={} attempt={}: an earlier run failed or crashed",
                    job(e),
                    e.identity(),
                    e.lease().token(),
                    e.attempt());
        }
        // Every run tells this: its texts are made only for somebody who reads them.
        if (LOG.isDebugEnabled()) {
            LOG.debug(
                    "acquired job={} {} owner={} token={} waited={}",
                    job(e),
                    e.identity(),
                    e.lease().owner(),
                    e.lease().token(),
                    millis(e.waited()));
        }
    }

    private void released(GuardEvent.Released e) {
        if (e.outcome() == RunOutcome.UNCONFIRMED) {
            unconfirmed.write(e);
        } else if (LOG.isDebugEnabled()) {
            LOG.debug(
                    "released job={} {} owner={} token={} outcome={} held={}",
                    job(e),
                    e.identity(),
                    e.lease().owner(),
                    e.lease().token(),
                    e.outcome(),
                    millis(e.held()));
        }
    }

    private static String job(GuardEvent event) {
        return VisibleText.of(event.job());
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + "ms";
    }
}
