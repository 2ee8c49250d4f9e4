package io.hapax.benchmarks.faults.history;

/** What the observer writes down; the fields of each are named in the order in which they follow. */
public enum EventType {
    /** A run starts: run, kind, occurrence, lock key, fencing token or -, owner of the lease or -. */
    BEGIN(6),
    /** A run is active: run. */
    STEP(1),
    /** A run has one of several places: run, the lock key of all of them, how many there may be at once as it states. */
    LIMIT(3),
    /** A run was notified that it lost its lease: run, reason. */
    TOLD(2),
    /** A run asks for an effect: run, resource, occurrence, {@code ok} or {@code stale}. */
    EFFECT(4),
    /** A run has ended: run, outcome. */
    END(2),
    /** A worker's process stands still from here on: worker. */
    STOP(1),
    /** A worker's process goes on: worker. */
    CONTINUE(1),
    /** A worker's process was killed: worker. */
    KILL(1),
    /** A worker is running: worker. */
    UP(1),
    /** An occurrence ought to take effect once: kind, occurrence, lock key. */
    DUE(3),
    /** A worker was refused a firing of its scheduler, which waits in its memory to be tried again: worker, occurrence. */
    WAITS(2),
    /** A process had no processor, as its witness says: worker or {@code observer}, for how long until now in µs. */
    STARVED(2),
    /** What is going to be done: the arguments that do it again. */
    PLAN(1),
    /** The nemesis starts a fault: name, contender, seed, details. */
    FAULT(4),
    /** The cause of the present fault is gone: name. */
    HEALED(1),
    /** One of several faults strikes: name, worker, for how long in ms. */
    STRUCK(3),
    /** The cause of one of several faults is gone: name. */
    MENDED(1),
    /** A lease was written at a server: server, Redis key, owner or - if it was only prolonged, ttl in ms. */
    LEASE(4),
    /** A lease was deleted at a server: server, Redis key. */
    FREED(2),
    /** Leases live at this server: server, how many of all servers have to keep a lease. */
    SERVER(2),
    /** Something was left behind at the end: what, how many. */
    LEFT(2),
    /** The observation ends: contender. */
    OVER(1);

    private final int fields;

    EventType(int fields) {
        this.fields = fields;
    }

    int fields() {
        return fields;
    }
}
