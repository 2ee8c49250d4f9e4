package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.World;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Puts work into the queue, five items a second for eight keys and now and then a long job for one of three, and says which
 * seconds the recurring job is due for. Used by one thread besides its own.
 */
final class Feeder implements Runnable {

    private static final int BEATS_A_SECOND = 5;
    private static final int ITEM_KEYS = 8;
    private static final int LONG_KEYS = 3;
    private static final int LONG_EVERY_BEATS = 20;

    private final int tickSeconds;
    private final Broker broker;
    private final World world;
    private final Thread thread = new Thread(this, "feeder");
    private volatile boolean feeding = true;
    private final AtomicInteger occurrences = new AtomicInteger();

    Feeder(int tickSeconds, Broker broker, World world) {
        this.tickSeconds = tickSeconds;
        this.broker = broker;
        this.world = world;
    }

    void start() {
        thread.setDaemon(true);
        thread.start();
    }

    int occurrences() {
        return occurrences.get();
    }

    @Override
    @SuppressWarnings("TimeUnitConversionChecker")
    public void run() {
        long lastSecond = InstantSource.system().millis() / 1_000;
        long start = System.nanoTime();
        for (int beat = 0; feeding; beat++) {
            offer("item-" + beat, "account-" + beat % ITEM_KEYS, "ITEM");
            if (beat % LONG_EVERY_BEATS == 0) {
                int number = beat / LONG_EVERY_BEATS;
                offer("long-" + number, "long-" + number % LONG_KEYS, "LONG");
            }
            for (long now = InstantSource.system().millis() / 1_000; lastSecond < now; ) {
                if (++lastSecond % tickSeconds == 0) {
                    due("TICK", "tick-" + lastSecond, "tick");
                }
            }
            long next = start + (beat + 1) * (TimeUnit.SECONDS.toNanos(1) / BEATS_A_SECOND);
            try {
                TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void offer(String id, String key, String kind) {
        due(kind, id, key);
        broker.offer(id, key);
    }

    private void due(String kind, String id, String key) {
        world.tell(EventType.DUE, kind, id, key);
        occurrences.incrementAndGet();
    }

    void stop() throws InterruptedException {
        feeding = false;
        thread.join();
    }
}
