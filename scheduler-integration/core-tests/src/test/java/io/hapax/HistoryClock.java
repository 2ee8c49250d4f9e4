package io.hapax;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.util.concurrent.TimeUnit;

/** A clock that only the test moves, and on which nobody waits. */
final class HistoryClock implements Ticker {

    private NanoTime now = new NanoTime(Long.MAX_VALUE - TimeUnit.MINUTES.toNanos(1));

    @Override
    public NanoTime now() {
        return now;
    }

    void moveTo(NanoTime later) {
        now = later;
    }

    @Override
    public void parkUntil(NanoTime deadline) {
        throw new AssertionError("nobody waits here");
    }

    @Override
    public void wake(Thread thread) {}
}
