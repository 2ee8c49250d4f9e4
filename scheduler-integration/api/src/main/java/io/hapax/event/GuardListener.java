package io.hapax.event;

/**
 * Receives what happens.
 *
 * <p>What belongs to an answer that a caller waits for, such as the start, the refusal or the end of a run, is received before that caller goes on: on the
 * caller's own thread, or, for an asynchronous answer, on the thread that hands the answer over. All else, such as losses, late renewals, and ends that the guard
 * itself brings about, is received on a thread kept for this listener. It is never called on a thread that other runs, renewals or
 * the answers of a store depend on, and never under a lock of the guard. The events of one run come in order. It should return quickly: it holds the
 * caller that acquires or ends a run, and of the events that wait while it is blocked so many are kept; others are dropped, and
 * counted in the log. What it throws is logged and otherwise ignored: a listener can never stop a run or a renewal.
 */
@FunctionalInterface
public interface GuardListener {

    /**
     * Receives an event.
     *
     * @param event what happened
     */
    void on(GuardEvent event);
}
