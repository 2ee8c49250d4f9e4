package io.hapax.benchmarks.faults.history;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A history that a test tells, in milliseconds. */
final class Told {

    private final List<Event> events = new ArrayList<>();

    Told at(long millis, String source, EventType type, String... fields) {
        events.add(Event.of(TimeUnit.MILLISECONDS.toNanos(millis), source, type, fields));
        return this;
    }

    Told due(long millis, String occurrence, String key) {
        return at(millis, "queue", EventType.DUE, "ITEM", occurrence, key);
    }

    Told fault(long millis, String name) {
        return at(millis, "nemesis", EventType.FAULT, name, "hapax-l1", "42", "alice");
    }

    /** A run named after its worker and occurrence, with a token and a lease. */
    Told begin(long millis, String worker, String occurrence, String key, long token) {
        String run = worker + "/" + occurrence;
        return at(
                millis,
                worker,
                EventType.BEGIN,
                run,
                "ITEM",
                occurrence,
                key,
                token == 0 ? "-" : Long.toString(token),
                token == 0 ? "-" : "owner-" + run);
    }

    Told step(long millis, String worker, String occurrence) {
        return at(millis, worker, EventType.STEP, worker + "/" + occurrence);
    }

    Told effect(long millis, String worker, String resource, String occurrence) {
        return at(millis, worker, EventType.EFFECT, worker + "/" + occurrence, resource, occurrence, "ok");
    }

    Told told(long millis, String worker, String occurrence) {
        return at(millis, worker, EventType.TOLD, worker + "/" + occurrence, "NOT_RENEWED");
    }

    Told end(long millis, String worker, String occurrence) {
        return at(millis, worker, EventType.END, worker + "/" + occurrence, "done");
    }

    Told process(long millis, EventType type, String worker) {
        return at(millis, "nemesis", type, worker);
    }

    Told starved(long millis, String process, long length) {
        return at(millis, process, EventType.STARVED, process, Long.toString(1_000 * length));
    }

    Told server(String name, int majority) {
        return at(0, "nemesis", EventType.SERVER, name, Integer.toString(majority));
    }

    Told lease(long millis, String server, String key, String worker, String occurrence, long ttl) {
        return at(
                millis, server, EventType.LEASE, server, key, "owner-" + worker + "/" + occurrence, Long.toString(ttl));
    }

    Told prolong(long millis, String server, String key, long ttl) {
        return at(millis, server, EventType.LEASE, server, key, "-", Long.toString(ttl));
    }

    Checker.Verdict checked() {
        return Checker.check(events);
    }

    /** What was found during the last fault, or before the first. */
    Findings found() {
        List<Findings> all = checked().findings();
        return all.get(all.size() - 1);
    }

    List<Event> events() {
        return events;
    }
}
