package io.hapax.event;

/**
 * Receives what happens.
 *
 * <p>Called on the thread on which it happened, or, for losses and late renewals, on a thread kept for this listener; never
 * under a lock of the guard. The events of one run come in order. It should return quickly: it holds the run that tells it
 * of its start or end, and of the events that wait while it is blocked so many are kept; others are dropped, and
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
