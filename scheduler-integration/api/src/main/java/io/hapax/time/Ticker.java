package io.hapax.time;

/**
 * The clock on which leases are judged, and the only way in which the guard waits for it.
 *
 * <p>Implementations are thread-safe. Tests pass a manual one, so that no test needs to sleep.
 */
public interface Ticker {

    /**
     * Returns the present instant.
     *
     * @return an instant that never lies before one returned earlier
     */
    NanoTime now();

    /**
     * Blocks the calling thread until the deadline, until somebody {@linkplain #wake wakes} it, or until it is
     * interrupted. May return early without a reason, so callers look at the clock again.
     *
     * @param deadline the latest instant to return at
     */
    void parkUntil(NanoTime deadline);

    /**
     * Lets a thread return from {@link #parkUntil}; if it is not there, its next call returns at once. To be called for
     * a thread that was just started, too: a manual clock then knows that it has to wait for it.
     *
     * @param thread the thread
     */
    void wake(Thread thread);

    /**
     * The ticker of this machine: it advances at least as far as the monotonic clock, and further when the wall clock
     * or the boot clock shows that the machine was suspended.
     *
     * <p>A lease is thereby judged by the most pessimistic of three clocks. The price is one needless loss of every
     * held lease when the wall clock is stepped forward by more than the lease has left.
     */
    Ticker SYSTEM = new PessimisticTicker();
}
