package io.hapax.test;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A clock that stands still until a test moves it.
 *
 * <p>It starts 5 s before {@link Long#MAX_VALUE}, so that every test that moves it further exercises the wrap-around.
 * Thread-safe; {@link #advance} may be called by one thread at a time.
 */
public final class ManualTicker implements Ticker {

    private static final Duration BEFORE_WRAP_AROUND = Duration.ofSeconds(5);
    private static final Duration SAFETY = Duration.ofSeconds(60);
    /** A thread that waits for something else this long, in real time, no longer belongs to the ticker. */
    private static final long GONE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** And is seen so this often: where the one who looks had no processor meanwhile, the thread may have had none, too. */
    private static final int GONE_LOOKS = 50;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<Thread, NanoTime> parked = new HashMap<>();
    /** Threads that were woken or parked here, and have not gone since. */
    private final Set<Thread> known = new HashSet<>();
    /** Threads that were woken and have not been here since. */
    private final Set<Thread> called = new HashSet<>();

    private final Duration safety;

    private NanoTime now = new NanoTime(Long.MAX_VALUE).plus(BEFORE_WRAP_AROUND.negated());

    /** Creates a ticker that stands still. */
    public ManualTicker() {
        this(SAFETY);
    }

    ManualTicker(Duration safety) {
        this.safety = safety;
    }

    @Override
    public NanoTime now() {
        lock.lock();
        try {
            return now;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void parkUntil(NanoTime deadline) {
        if (!enter(deadline)) {
            return;
        }
        try {
            LockSupport.park(this);
        } finally {
            leave();
        }
    }

    @Override
    public void wake(Thread thread) {
        lock.lock();
        try {
            known.add(thread);
            called.add(thread);
            LockSupport.unpark(thread);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Moves time forward, deadline by deadline.
     *
     * <p>First, and at each deadline on the way, it waits until every thread that was woken or whose deadline has come
     * is parked again with a later deadline, has ended, or has been waiting for something else than a lock for a while
     * (200 ms of real time, or longer on a busy machine). So whatever those threads had to do at that instant has been
     * done. Threads with later deadlines are left alone.
     *
     * @param duration how far; zero lets woken threads do their work
     * @throws AssertionError if a thread has not come back within 60 s of real time; the message names it
     * @throws IllegalArgumentException if the duration is negative
     */
    public void advance(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("time does not go back, was asked to advance by " + duration);
        }
        lock.lock();
        try {
            NanoTime target = now.plus(duration);
            settle();
            Optional<NanoTime> next = nextDeadline(target);
            while (next.isPresent()) {
                now = next.get();
                settle();
                next = nextDeadline(target);
            }
            now = target;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns how many threads are parked now.
     *
     * @return the number of threads inside {@link #parkUntil}
     */
    public int parkedThreads() {
        lock.lock();
        try {
            return parked.size();
        } finally {
            lock.unlock();
        }
    }

    private boolean enter(NanoTime deadline) {
        lock.lock();
        try {
            if (called.remove(Thread.currentThread()) || isDue(deadline)) {
                return false;
            }
            parked.put(Thread.currentThread(), deadline);
            known.add(Thread.currentThread());
            changed.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void leave() {
        lock.lock();
        try {
            parked.remove(Thread.currentThread());
            called.remove(Thread.currentThread());
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private Optional<NanoTime> nextDeadline(NanoTime target) {
        return parked.values().stream()
                .filter(deadline -> !target.isBefore(deadline))
                .min((a, b) -> a.equals(b) ? 0 : a.isBefore(b) ? -1 : 1);
    }

    /** Wakes those whose time has come, and waits for all who are up; the lock is free while waiting. */
    private void settle() {
        parked.forEach((thread, deadline) -> {
            if (isDue(deadline)) {
                LockSupport.unpark(thread);
            }
        });
        awaitParked();
    }

    /** The caller may be interrupted meanwhile: a test's own thread does guarded work, too. */
    private void awaitParked() {
        boolean interrupted = false;
        Map<Thread, Idle> idle = new HashMap<>();
        long start = System.nanoTime();
        try {
            for (var up = anyoneUp(idle); up.isPresent(); up = anyoneUp(idle)) {
                if (System.nanoTime() - start > safety.toNanos()) {
                    throw notBack(up.get());
                }
                try {
                    changed.await(1, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Optional<Thread> anyoneUp(Map<Thread, Idle> idle) {
        known.removeIf(thread -> isGone(thread, idle));
        called.retainAll(known);
        return known.stream()
                .filter(thread -> thread != Thread.currentThread() && !isParked(thread))
                .findFirst();
    }

    private boolean isParked(Thread thread) {
        NanoTime deadline = parked.get(thread);
        return deadline != null && !isDue(deadline) && !called.contains(thread);
    }

    private boolean isDue(NanoTime deadline) {
        return !now.isBefore(deadline);
    }

    /** Since when a thread waits for something else, and how often it was seen so. */
    private record Idle(long since, int looks) {}

    private boolean isGone(Thread thread, Map<Thread, Idle> idle) {
        Thread.State state = thread.getState();
        boolean waits = state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
        if (!waits || isAtLock(thread) || parked.containsKey(thread)) {
            idle.remove(thread);
            return state == Thread.State.TERMINATED;
        }
        Idle seen = idle.merge(
                thread, new Idle(System.nanoTime(), 1), (first, again) -> new Idle(first.since(), first.looks() + 1));
        return seen.looks() > GONE_LOOKS && System.nanoTime() - seen.since() > GONE_NANOS;
    }

    /** It goes on as soon as another thread has done its work, which may have no processor for a while. */
    private static boolean isAtLock(Thread thread) {
        Object blocker = LockSupport.getBlocker(thread);
        return blocker != null && blocker.getClass().getEnclosingClass() == ReentrantLock.class;
    }

    private AssertionError notBack(Thread thread) {
        AssertionError error = new AssertionError("thread '" + thread.getName() + "' (" + thread.getState()
                + ") was woken and has not parked again within " + safety.toSeconds() + " s; its stack is the cause."
                + " It must end, wait for something else, or call parkUntil with a later deadline");
        Throwable where = new Throwable("stack of thread '" + thread.getName() + "'");
        where.setStackTrace(thread.getStackTrace());
        error.initCause(where);
        return error;
    }
}
