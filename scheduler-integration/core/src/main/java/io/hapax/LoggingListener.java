package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ledger.LedgerException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one log line an event, to the logger {@code io.hapax}.
 *
 * <p>Grants and normal releases are DEBUG; refusals because of somebody else INFO; losses, late renewals, unconfirmed
 * completions and refusals because the store cannot tell WARN. Thread-safe.
 */
public final class LoggingListener implements GuardListener {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax");

    /** Creates the listener. */
    public LoggingListener() {}

    @Override
    public void on(GuardEvent event) {
        if (isSilent(event)) {
            return;
        }
        try (LogContext context = LogContext.of(event.job(), event.identity(), leaseOf(event))) {
            log(event);
        }
    }

    /** Every run tells these: nothing is made for nobody who reads them. */
    private static boolean isSilent(GuardEvent event) {
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

    private static void log(GuardEvent event) {
        if (event instanceof GuardEvent.Acquired e) {
            acquired(e);
        } else if (event instanceof GuardEvent.Refused e) {
            refused(e);
        } else if (event instanceof GuardEvent.Unguarded e) {
            LOG.warn(
                    "running UNGUARDED (fail open) job={} {} reason='{}' cause='{}'",
                    e.job(),
                    e.identity(),
                    e.refusal().reason(),
                    summary(e.refusal().cause()));
        } else if (event instanceof GuardEvent.RenewedLate e) {
            LOG.warn(
                    "renewed late job={} {} owner={} margin={}",
                    e.job(),
                    e.identity(),
                    e.lease().owner(),
                    millis(e.margin()));
        } else if (event instanceof GuardEvent.Lost e) {
            LOG.warn(
                    "LEASE LOST job={} {} owner={} token={} reason={} held={} now held by {}",
                    e.job(),
                    e.identity(),
                    e.lease().owner(),
                    e.lease().token(),
                    e.reason(),
                    millis(e.held()),
                    e.holder() == null ? "nobody known" : e.holder());
        } else if (event instanceof GuardEvent.Released e) {
            released(e);
        } else if (event instanceof GuardEvent.Forced e) {
            LOG.warn(
                    "lease taken away by force {} holder={} actor={} reason='{}'",
                    e.identity(),
                    e.holder() == null ? "nobody" : e.holder(),
                    e.actor(),
                    e.reason());
        } else if (event instanceof GuardEvent.Resolved e) {
            LOG.warn(
                    "abandoned occurrence resolved as {} {} actor={} reason='{}'",
                    e.state(),
                    e.identity(),
                    e.actor(),
                    e.reason());
        }
    }

    private static void acquired(GuardEvent.Acquired e) {
        if (e.attempt() > 1) {
            LOG.info(
                    "begun again job={} {} token={} attempt={}: an earlier one failed or broke off",
                    e.job(),
                    e.identity(),
                    e.lease().token(),
                    e.attempt());
        }
        // Every run tells this: its texts are made only for somebody who reads them.
        if (LOG.isDebugEnabled()) {
            LOG.debug(
                    "acquired job={} {} owner={} token={} waited={}",
                    e.job(),
                    e.identity(),
                    e.lease().owner(),
                    e.lease().token(),
                    millis(e.waited()));
        }
    }

    private static void refused(GuardEvent.Refused e) {
        Refusal refusal = e.refusal();
        if (refusal.verdict() == Verdict.UNAVAILABLE) {
            LOG.warn(
                    "not run job={} {} verdict=UNAVAILABLE reason='{}' cause='{}' retry after {}",
                    e.job(),
                    e.identity(),
                    refusal.reason(),
                    summary(refusal.cause()),
                    millis(refusal.retryAfter()));
        } else if (refusal.verdict() == Verdict.ABANDONED) {
            LOG.warn("not run job={} {} verdict=ABANDONED reason='{}'", e.job(), e.identity(), refusal.reason());
        } else {
            LOG.info(
                    "not run job={} {} verdict={} reason='{}' retry after {}",
                    e.job(),
                    e.identity(),
                    refusal.verdict(),
                    refusal.reason(),
                    millis(refusal.retryAfter()));
        }
    }

    private static void released(GuardEvent.Released e) {
        if (e.outcome() == RunOutcome.UNCONFIRMED) {
            LOG.warn(
                    "completed, but the store did not confirm it: the occurrence may run again. job={} {} owner={} token={} held={}",
                    e.job(),
                    e.identity(),
                    e.lease().owner(),
                    e.lease().token(),
                    millis(e.held()));
        } else if (LOG.isDebugEnabled()) {
            LOG.debug(
                    "released job={} {} owner={} token={} outcome={} held={}",
                    e.job(),
                    e.identity(),
                    e.lease().owner(),
                    e.lease().token(),
                    e.outcome(),
                    millis(e.held()));
        }
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + "ms";
    }

    private static String summary(@Nullable Throwable cause) {
        if (cause == null) {
            return "none";
        }
        return cause instanceof LeaseStoreException || cause instanceof LedgerException
                ? String.valueOf(cause.getMessage())
                : cause.toString();
    }
}
