package io.hapax.benchmarks.faults.work;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Places in a job at which the nemesis can strike with certainty. A run that comes to an armed place says so and spins, deaf
 * to everything, until its process has stood still, the place is disarmed, or two seconds are over: as a write does that has left
 * already.
 */
final class SyncPoints {

    static final String BEFORE_EFFECT = "before-effect";
    static final String BEFORE_COMMIT = "before-commit";
    static final String AT_COMMIT = "at-commit";
    static final String AFTER_COMMIT = "after-commit";

    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(2);
    private static final long STOOD_STILL = TimeUnit.MILLISECONDS.toNanos(500);

    private final AtomicReference<String> armed = new AtomicReference<>("");
    private final AtomicInteger disarmed = new AtomicInteger();
    private final Consumer<String> reached;

    SyncPoints(Consumer<String> reached) {
        this.reached = reached;
    }

    void arm(String point) {
        armed.set(point);
    }

    void disarm() {
        armed.set("");
        disarmed.incrementAndGet();
    }

    void reach(String point) {
        int before = disarmed.get();
        String wanted = armed.get();
        if (!point.equals(wanted) || !armed.compareAndSet(wanted, "")) {
            return;
        }
        reached.accept(point);
        long start = System.nanoTime();
        long last = start;
        while (true) {
            long now = System.nanoTime();
            if (now - last > STOOD_STILL || now - start > PATIENCE || disarmed.get() != before) {
                return;
            }
            last = now;
            Thread.onSpinWait();
        }
    }
}
