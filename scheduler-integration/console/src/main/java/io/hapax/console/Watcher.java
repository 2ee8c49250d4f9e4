package io.hapax.console;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the fleet once a second while somebody watches, however many they are. Thread-safe. */
final class Watcher implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.console");
    private static final Duration EVERY = Duration.ofSeconds(1);
    /** It stops to look so long after the last one has asked. */
    private static final Duration IDLE = Duration.ofSeconds(3);

    private final Fleet fleet;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Thread thread;
    private Fleet.@Nullable Snapshot last;
    private long number;
    private long wantedUntil;
    private boolean closed;

    Watcher(Fleet fleet) {
        this.fleet = fleet;
        this.wantedUntil = System.nanoTime();
        this.thread = new Thread(this::watch, "hapax-console");
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** A snapshot and its number. */
    record Seen(long number, Fleet.Snapshot snapshot) {}

    /** Waits for a snapshot that is newer than one that is known; null if there is none in time, or never will be. */
    @Nullable
    Seen newerThan(long known, Duration atMost) throws InterruptedException {
        long left = atMost.toNanos();
        lock.lockInterruptibly();
        try {
            wanted();
            while (number <= known && !closed && left > 0) {
                left = changed.awaitNanos(left);
                wanted();
            }
            Fleet.Snapshot snapshot = last;
            return number > known && snapshot != null ? new Seen(number, snapshot) : null;
        } finally {
            lock.unlock();
        }
    }

    /** The number of the newest snapshot. */
    long number() {
        lock.lock();
        try {
            return number;
        } finally {
            lock.unlock();
        }
    }

    private void wanted() {
        wantedUntil = System.nanoTime() + IDLE.toNanos();
        changed.signalAll();
    }

    private void watch() {
        try {
            while (awaitWanted()) {
                Fleet.Snapshot snapshot = look();
                lock.lock();
                try {
                    if (snapshot != null) {
                        last = snapshot;
                        number++;
                    }
                    changed.signalAll();
                } finally {
                    lock.unlock();
                }
                TimeUnit.NANOSECONDS.sleep(EVERY.toNanos());
            }
        } catch (InterruptedException closing) {
            LOG.debug("the console is closed");
        }
    }

    private Fleet.@Nullable Snapshot look() throws InterruptedException {
        try {
            return fleet.look();
        } catch (RuntimeException e) {
            LOG.warn("the console could not look at the fleet", e);
            return null;
        }
    }

    private boolean awaitWanted() throws InterruptedException {
        lock.lock();
        try {
            while (!closed && System.nanoTime() - wantedUntil >= 0) {
                changed.await();
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        thread.interrupt();
    }
}
