package io.hapax.testkit;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;

/** A clock handed on, for doubles that change some of it. */
public class ForwardingTicker implements Ticker {

    private final Ticker ticker;

    /**
     * Creates a clock that shows what another one shows.
     *
     * @param ticker the other one
     */
    public ForwardingTicker(Ticker ticker) {
        this.ticker = ticker;
    }

    @Override
    public NanoTime now() {
        return ticker.now();
    }

    @Override
    public void parkUntil(NanoTime deadline) {
        ticker.parkUntil(deadline);
    }

    @Override
    public void wake(Thread thread) {
        ticker.wake(thread);
    }
}
