package io.hapax.benchmarks.faults.history;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One run, as far as it was seen. Filled by the {@link Checker}; not thread-safe. */
public final class ObservedRun {

    private final Event begin;
    private final List<Long> activity = new ArrayList<>();
    private final List<Event> effects = new ArrayList<>();
    private final List<Event> rows = new ArrayList<>();
    private @Nullable Event told;
    private @Nullable Event end;
    private @Nullable Event limit;
    private @Nullable Long killed;

    ObservedRun(Event begin) {
        this.begin = begin;
        activity.add(begin.nanos());
    }

    void add(Event event) {
        switch (event.type()) {
            case STEP -> activity.add(event.nanos());
            // What shows only when the lease is given back finds nothing running: to the run it is as if it had not
            // come.
            case TOLD -> told = told == null && end == null ? event : told;
            case END -> end = event;
            case LIMIT -> limit = event;
            case EFFECT -> effect(event);
            default -> throw new IllegalArgumentException("not of a run: " + event);
        }
    }

    private void effect(Event event) {
        if (event.field(1).equals("row")) {
            rows.add(event);
        } else {
            activity.add(event.nanos());
            effects.add(event);
        }
    }

    Event begin() {
        return begin;
    }

    String id() {
        return begin.field(0);
    }

    String worker() {
        return begin.source();
    }

    String occurrence() {
        return begin.field(2);
    }

    String key() {
        return begin.field(3);
    }

    /** The lock key of all places, if it has one of several; else its own. */
    String family() {
        return limit == null ? key() : limit.field(1);
    }

    /** How many may have a place at once; empty if it has none. */
    OptionalInt limit() {
        return limit == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(limit.field(2)));
    }

    boolean wasToldBefore(long nanos) {
        return told != null && told.nanos() < nanos;
    }

    OptionalLong token() {
        return begin.field(4).equals("-") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(begin.field(4)));
    }

    /** The owner of its lease, or -. */
    String owner() {
        return begin.field(5);
    }

    long begun() {
        return begin.nanos();
    }

    List<Long> activity() {
        return activity;
    }

    long lastActive() {
        return activity.get(activity.size() - 1);
    }

    /** Rows are read when all is over; each was committed just before its run ended, or was seen for the last time. */
    List<Event> effects() {
        long committed = end == null ? lastActive() : end.nanos();
        return Stream.concat(
                        effects.stream(),
                        rows.stream().map(row -> new Event(committed, row.source(), row.type(), row.fields())))
                .toList();
    }

    @Nullable
    Event told() {
        return told;
    }

    @Nullable
    Event end() {
        return end;
    }

    /** Its process died, unless it had ended before. */
    void killed(long nanos) {
        if (end == null && killed == null) {
            killed = nanos;
        }
    }

    @Nullable
    Long killed() {
        return killed;
    }
}
