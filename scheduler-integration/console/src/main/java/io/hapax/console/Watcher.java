package io.hapax.console;

import io.hapax.thread.GuardThreads;
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
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; the console goes on", what, failure));
    private static final Duration EVERY = Duration.ofSeconds(1);
    /** It stops looking so long after the last one has asked. */
    private static final Duration IDLE = Duration.ofSeconds(3);
    /** After so long workers know that there are readers. */
    private static final Duration WAKING = Duration.ofMillis(1200);

    private final Fleet fleet;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Condition wanted = lock.newCondition();
    private @Nullable Thread thread;
    private boolean started;
    private Fleet.@Nullable Snapshot last;
    private long number;
    private long wantedUntil;
    private boolean closed;

    Watcher(Fleet fleet) {
        this.fleet = fleet;
        this.wantedUntil = System.nanoTime();
    }

    void start() {
        lock.lock();
        try {
            started = true;
            ensureThread();
        } finally {
            lock.unlock();
        }
    }

    /** Held: the lock. A thread that could not be started before is started now. */
    private void ensureThread() {
        if (started && !closed && thread == null) {
            thread = THREADS.start("hapax-console", this::watch);
        }
    }

    /** A snapshot and its number. */
    record Seen(long number, Fleet.Snapshot snapshot) {}

    /** Waits for a snapshot that is newer than one that is known; null if there is none in time, or never will be. */
    @Nullable
    Seen newerThan(long known, Duration atMost) throws InterruptedException {
        long left = atMost.toNanos();
        lock.lockInterruptibly();
        try {
            want();
            ensureThread();
            wanted.signal();
            while ((last == null || number <= known) && !closed && left > 0) {
                left = changed.awaitNanos(left);
                want();
            }
            Fleet.Snapshot snapshot = last;
            return snapshot != null && number > known ? new Seen(number, snapshot) : null;
        } finally {
            lock.unlock();
        }
    }

    /** The number of the newest snapshot there has been; what comes next is newer. */
    long number() {
        lock.lock();
        try {
            return number;
        } finally {
            lock.unlock();
        }
    }

    /** Held: the lock. Those who wait do not wake each other. */
    private void want() {
        wantedUntil = System.nanoTime() + IDLE.toNanos();
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
        } catch (InterruptedException interrupt) {
            if (!isClosed()) {
                throw new IllegalStateException("somebody has interrupted the console's thread", interrupt);
            }
            LOG.debug("the console is closed");
        }
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    private Fleet.@Nullable Snapshot look() throws InterruptedException {
        try {
            return fleet.look();
        } catch (InterruptedException closing) {
            throw closing;
        } catch (Throwable e) {
            LOG.warn("the console could not look at the fleet", e);
            return null;
        }
    }

    private boolean awaitWanted() throws InterruptedException {
        lock.lock();
        try {
            if (closed || System.nanoTime() - wantedUntil < 0) {
                return !closed;
            }
            // What was seen before is old when somebody looks again.
            last = null;
            while (!closed && System.nanoTime() - wantedUntil >= 0) {
                wanted.await();
            }
            if (closed) {
                return false;
            }
        } finally {
            lock.unlock();
        }
        // Workers say little while nobody reads: the first look tells them, and only the next one has everything.
        look();
        TimeUnit.NANOSECONDS.sleep(WAKING.toNanos());
        return true;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
            wanted.signalAll();
            if (thread != null) {
                thread.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }
}
