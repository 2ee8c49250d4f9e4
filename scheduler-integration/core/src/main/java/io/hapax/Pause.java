package io.hapax;

import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** A stretch of time that an attempt waits; on the watchdog's thread, so that it needs none of its own. */
final class Pause extends Charge {

    private final CompletableFuture<Void> over = new CompletableFuture<>();
    private final NanoTime end;
    private final Watchdog watchdog;

    private Pause(NanoTime end, Watchdog watchdog) {
        this.watchdog = watchdog;
        this.end = end;
    }

    /** Cancelling the future ends the pause. */
    static CompletableFuture<Void> of(Duration length, NanoTime from, Watchdog watchdog) {
        Pause pause = new Pause(from.plus(length), watchdog);
        watchdog.add(pause, pause.end);
        var unused = pause.over.whenComplete((done, cancelled) -> watchdog.remove(pause));
        return pause.over;
    }

    @Override
    Action act(NanoTime now) {
        if (now.isBefore(end)) {
            // It was taken along with a renewal.
            return new Action(false, end);
        }
        watchdog.later(() -> over.complete(null));
        return Action.FORGET;
    }

    @Override
    Duration ttl() {
        // Nothing is to end early because of it.
        return Duration.ZERO;
    }
}
