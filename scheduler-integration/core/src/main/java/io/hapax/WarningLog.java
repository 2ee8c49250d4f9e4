package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.lease.Lease;
import io.hapax.lease.VisibleText;
import io.hapax.time.Ticker;
import java.util.function.Function;
import org.slf4j.Logger;

/**
 * Writes events about leases at WARN, and of those of one job the first and then a count: while a store is away or slow, each run has one.
 *
 * <p>Nothing is logged under a lock. Thread-safe.
 *
 * @param <E> what it writes
 */
final class WarningLog<E extends GuardEvent> {

    private final String text;
    private final Function<E, Lease> leases;
    private final Function<E, String> details;
    private final Logger log;
    private final RepeatedEvents<E> repeated;

    /**
     * Creates the log of one kind of events.
     *
     * @param text what has happened: the start of each line
     * @param leases which lease an event is about
     * @param details the end of its line
     */
    WarningLog(String text, Function<E, Lease> leases, Function<E, String> details, Logger log, Ticker ticker) {
        this.text = text;
        this.leases = leases;
        this.details = details;
        this.log = log;
        this.repeated = new RepeatedEvents<>(ticker, event -> new RepeatedEvents.Kind(event.job(), null, text));
    }

    /** Writes an event; at DEBUG each, else only the first of a job. */
    void write(E event) {
        String line = "{} job={} {} owner={} {}";
        boolean counted = repeated.counted(event);
        if (!counted) {
            log.warn(line, values(text, event));
        } else if (log.isDebugEnabled()) {
            log.debug(line, values(text, event));
        }
    }

    private Object[] values(String what, E event) {
        return new Object[] {
            what,
            VisibleText.of(event.job()),
            event.identity(),
            leases.apply(event).owner(),
            details.apply(event)
        };
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

    private void write(RepeatedEvents.Count<E> count) {
        E last = count.last();
        try (LogContext context = LogContext.of(last.job(), last.identity(), leases.apply(last))) {
            log.warn("{}, the last: job={} {} owner={} {}", values(text + ", " + count.text(), last));
        }
    }
}
