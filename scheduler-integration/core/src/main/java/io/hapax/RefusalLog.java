package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.VisibleText;
import io.hapax.ledger.LedgerException;
import io.hapax.time.Ticker;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Writes refusals: usual ones at DEBUG, others at INFO or WARN, and of repeated ones the first and then a count.
 *
 * <p>Nothing is logged under a lock. Thread-safe.
 */
final class RefusalLog {

    /** The level of a line. Not SLF4J's own type, which is missing in 1.7, the version that Quartz 2.3 brings. */
    private enum Level {
        DEBUG,
        INFO,
        WARN;

        boolean isEnabled(Logger log) {
            return switch (this) {
                case DEBUG -> log.isDebugEnabled();
                case INFO -> log.isInfoEnabled();
                case WARN -> log.isWarnEnabled();
            };
        }

        void write(Logger log, String line, @Nullable Object... values) {
            switch (this) {
                case DEBUG -> log.debug(line, values);
                case INFO -> log.info(line, values);
                case WARN -> log.warn(line, values);
            }
        }
    }

    /** What happened to the runs, which decides the level. */
    enum Kind {
        NOT_RUN("not run"),
        UNGUARDED("running UNGUARDED (fail open)"),
        WOULD_SKIP("would have skipped, but only observes"),
        RAN_TWICE("ran twice"),
        RAN_TOGETHER("ran at the same time");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        private Level level(GuardEvent.Refused event) {
            if (this != NOT_RUN) {
                // A refusal that is usual among replicas is what an operator in observe mode wants to see.
                return this == WOULD_SKIP ? Level.INFO : Level.WARN;
            }
            Verdict verdict = event.refusal().verdict();
            if (event.isUsual()) {
                return Level.DEBUG;
            }
            return verdict == Verdict.UNAVAILABLE || verdict == Verdict.ABANDONED ? Level.WARN : Level.INFO;
        }

        /** Nobody tries again what has run. */
        private boolean isRetried() {
            return this == NOT_RUN;
        }
    }

    private final Kind kind;
    private final Logger log;
    private final RepeatedEvents<GuardEvent.Refused> repeated;

    RefusalLog(Kind kind, Logger log, Ticker ticker) {
        this.kind = kind;
        this.log = log;
        this.repeated = new RepeatedEvents<>(ticker, RefusalLog::kind);
    }

    /**
     * A key that is done or abandoned is one occurrence; that nobody can tell is nothing about a key; of other refusals, the occurrences of
     * one job and lock key are alike.
     */
    private static RepeatedEvents.Kind kind(GuardEvent.Refused event) {
        Verdict verdict = event.refusal().verdict();
        JobIdentity identity = event.identity();
        @Nullable
        Object key = switch (verdict) {
            case DONE, ABANDONED -> identity;
            case UNAVAILABLE -> null;
            default -> identity.lockKey();
        };
        return new RepeatedEvents.Kind(event.job(), key, verdict);
    }

    /** Whether a refusal leaves no line at all, and is not counted either. */
    boolean isSilent(GuardEvent.Refused event) {
        return !kind.level(event).isEnabled(log);
    }

    /** Writes a refusal; at DEBUG each, else only the first of a kind. */
    void write(GuardEvent.Refused event) {
        Level level = kind.level(event);
        boolean told = level != Level.DEBUG && repeated.counted(event);
        (told ? Level.DEBUG : level)
                .write(
                        log,
                        "{} job={} {} verdict={} {}",
                        kind.text,
                        VisibleText.of(event.job()),
                        event.identity(),
                        event.refusal().verdict(),
                        because(event.refusal(), kind.isRetried()));
    }

    /** Writes the counts whose minute is over. */
    void writeDue() {
        if (!repeated.isEmpty()) {
            repeated.due().forEach(this::write);
        }
    }

    /** Writes all counts: nothing comes any more. */
    void writeRest() {
        repeated.rest().forEach(this::write);
    }

    private void write(RepeatedEvents.Count<GuardEvent.Refused> count) {
        GuardEvent.Refused last = count.last();
        try (LogContext context = LogContext.of(last.job(), last.identity(), null)) {
            kind.level(last)
                    .write(
                            log,
                            "{}, {}, the last: job={} {} verdict={} {}",
                            kind.text,
                            count.text(),
                            VisibleText.of(last.job()),
                            last.identity(),
                            last.refusal().verdict(),
                            because(last.refusal(), false));
        }
    }

    private static String because(Refusal refusal, boolean withRetry) {
        String cause = refusal.verdict() == Verdict.UNAVAILABLE ? " cause='" + summary(refusal.cause()) + "'" : "";
        boolean retried = withRetry && refusal.verdict() != Verdict.ABANDONED;
        return "reason='" + refusal.reason() + "'" + cause
                + (retried ? " retry after " + refusal.retryAfter().toMillis() + "ms" : "");
    }

    private static String summary(@Nullable Throwable cause) {
        if (cause == null) {
            return "none";
        }
        return VisibleText.of(
                cause instanceof LeaseStoreException || cause instanceof LedgerException
                        ? String.valueOf(cause.getMessage())
                        : cause.toString());
    }
}
