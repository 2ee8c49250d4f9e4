package io.hapax;

import static org.awaitility.Awaitility.await;

import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Lets time pass for guards whose pools, which the clock does not know, go on with what a pause has ended. No time passes while one of
 * them is busy: on a busy machine an answer would come too late otherwise.
 */
final class PassingTime {

    private static final String POOL = "hapax-late";
    private static final Duration LONGEST = Duration.ofSeconds(40);

    private PassingTime() {}

    static void until(ManualTicker ticker, Duration step, BooleanSupplier done) {
        await().atMost(LONGEST).pollInterval(Duration.ofMillis(10)).until(() -> {
            if (!done.getAsBoolean() && !isAnyBusy()) {
                ticker.advance(step);
            }
            return done.getAsBoolean();
        });
    }

    /** Waits until the pools have done what they have started. */
    static void awaitIdle() {
        await().atMost(LONGEST).until(() -> !isAnyBusy());
    }

    private static boolean isAnyBusy() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(POOL))
                .map(Thread::getState)
                .anyMatch(state -> state == Thread.State.RUNNABLE || state == Thread.State.BLOCKED);
    }
}
