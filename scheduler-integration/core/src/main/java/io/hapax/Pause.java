package io.hapax;

import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** A stretch of time that an attempt waits; on the watchdog's thread, so that it needs none of its own. */
final class Pause extends Charge {

    private final CompletableFuture<Void> over = new CompletableFuture<>();
    private final Duration length;
    private final Watchdog watchdog;

    private Pause(Duration length, Watchdog watchdog) {
        this.watchdog = watchdog;
        this.length = length;
    }

    /** Cancelling the future ends the pause. */
    static CompletableFuture<Void> of(Duration length, NanoTime from, Watchdog watchdog) {
        Pause pause = new Pause(length, watchdog);
        watchdog.add(pause, from.plus(length));
        var unused = pause.over.whenComplete((done, cancelled) -> watchdog.remove(pause));
        return pause.over;
    }

    @Override
    Action act(NanoTime now) {
        watchdog.later(() -> over.complete(null));
        return Action.FORGET;
    }

    @Override
    Duration ttl() {
        return length;
    }
}
