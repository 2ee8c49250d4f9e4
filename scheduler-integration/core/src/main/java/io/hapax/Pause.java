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
        return of(length, from, watchdog, () -> {});
    }

    /**
     * Likewise.
     *
     * @param then is called when the pause ends, and not if it is cancelled; never on the thread of the caller
     */
    static CompletableFuture<Void> of(Duration length, NanoTime from, Watchdog watchdog, Runnable then) {
        Pause pause = new Pause(from.plus(length), watchdog);
        // Registered first: it may end as soon as it is added.
        var ignored = pause.over.thenRun(then);
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
