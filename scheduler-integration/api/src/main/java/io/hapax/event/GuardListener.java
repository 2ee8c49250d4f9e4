package io.hapax.event;

/**
 * Is told what happens.
 *
 * <p>Called on the thread on which it happened, or, for losses and late renewals, on a thread kept for listeners; never
 * under a lock of the guard. It should return quickly. What it throws is logged and otherwise ignored: a listener can
 * never stop a run or a renewal.
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
