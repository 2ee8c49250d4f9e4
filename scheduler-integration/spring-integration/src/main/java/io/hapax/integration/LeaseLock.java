package io.hapax.integration;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.LeaseLostException;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.time.DurationText;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ConcurrentModificationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.integration.support.locks.DistributedLock;

/** The lock of a key. Who holds it is known to the store and, for its own threads, to the registry. */
final class LeaseLock implements DistributedLock {

    private static final Duration FOREVER = DurationText.LONGEST;
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(10);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

    private final HapaxLockRegistry registry;
    private final String name;

    LeaseLock(HapaxLockRegistry registry, String name) {
        this.registry = registry;
        this.name = name;
    }

    @Override
    public void lock() {
        takeAtAllCosts(null);
    }

    @Override
    public void lock(Duration ttl) {
        takeAtAllCosts(ttl);
    }

    private void takeAtAllCosts(@Nullable Duration ttl) {
        boolean taken = false;
        while (!taken) {
            taken = takeUninterrupted(ttl, FOREVER);
        }
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
        requireUninterrupted();
        boolean taken = false;
        while (!taken) {
            taken = take(null, FOREVER);
        }
    }

    @Override
    public boolean tryLock() {
        return takeUninterrupted(null, Duration.ZERO);
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        requireUninterrupted();
        return take(null, HapaxLockRegistry.shorter(Duration.of(Math.max(0, time), unit.toChronoUnit()), FOREVER));
    }

    @Override
    public boolean tryLock(Duration waitTime, Duration ttl) throws InterruptedException {
        requireUninterrupted();
        return take(ttl, waitTime.isNegative() ? Duration.ZERO : HapaxLockRegistry.shorter(waitTime, FOREVER));
    }

    private void requireUninterrupted() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("interrupted before the lock '" + name + "' was asked for");
        }
    }

    private boolean takeUninterrupted(@Nullable Duration ttl, Duration wait) {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try {
                    return take(ttl, wait);
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean take(@Nullable Duration ttl, Duration wait) throws InterruptedException {
        HeldLock own = registry.find(name);
        if (own != null) {
            takeAgain(own);
            return true;
        }
        NanoTime since = Ticker.SYSTEM.now();
        Duration left = wait;
        while (true) {
            Admission admission = registry.guard().admit(registry.request(name, ttl, left));
            if (admission instanceof Admission.Admitted admitted && begin(admitted.run())) {
                return true;
            }
            Duration pause = SHORTEST_PAUSE;
            if (admission instanceof Admission.Refused refused) {
                requireKnown(refused.refusal(), !left.isZero());
                requireOthers(refused.refusal());
                pause = refused.refusal().retryAfter();
            }
            left = wait.minus(Ticker.SYSTEM.now().since(since));
            if (left.toMillis() <= 0) {
                return false;
            }
            pauseFor(HapaxLockRegistry.shorter(pause, left));
            left = atLeastOneMilli(wait.minus(Ticker.SYSTEM.now().since(since)));
        }
    }

    /** Such as after a pause of the key, or in the first moments of a namespace; what is merely held was waited for by the guard. */
    private static void pauseFor(Duration time) throws InterruptedException {
        Duration atMost = HapaxLockRegistry.shorter(time, LONGEST_PAUSE);
        TimeUnit.NANOSECONDS.sleep(Math.max(SHORTEST_PAUSE.toNanos(), atMost.toNanos()));
    }

    private static Duration atLeastOneMilli(Duration time) {
        return time.toMillis() < 1 ? Duration.ofMillis(1) : time;
    }

    private void takeAgain(HeldLock own) {
        LeaseLostException loss = own.loss();
        if (loss != null) {
            throw lost(loss);
        }
        own.again();
    }

    private boolean begin(GuardedRun run) {
        try {
            HeldLock.enter(registry, name, run);
            return true;
        } catch (LeaseLostException lapsed) {
            // Its answer came so late that nobody may rely on it.
            run.close();
            return false;
        }
    }

    /**
     * That nothing is granted yet, as in the first moments of a namespace, is known, and over soon. A caller that waits has waited for
     * that, unless the guard is shut down.
     */
    private void requireKnown(Refusal refusal, boolean waited) {
        if (refusal.verdict() == Verdict.UNAVAILABLE && (waited || refusal.cause() != null)) {
            throw new CannotAcquireLockException(
                    "nobody can tell whether the lock '" + name + "' is free: " + refusal.reason(), refusal.cause());
        }
    }

    /** What this thread itself holds, by another registry or as a run of the guard, never becomes free while it waits. */
    private void requireOthers(Refusal refusal) {
        if (refusal.verdict() != Verdict.UNAVAILABLE && refusal.cause() != null) {
            throw new IllegalStateException(
                    "the lock '" + name + "' cannot be waited for: " + refusal.reason()
                            + ". Take it again by the registry that holds it, where it is reentrant, or give it another"
                            + " key",
                    refusal.cause());
        }
    }

    @Override
    public void unlock() {
        HeldLock own = registry.find(name);
        if (own == null) {
            throw new IllegalMonitorStateException("this thread does not hold the lock '" + name + "'");
        }
        if (!own.less()) {
            return;
        }
        LeaseLostException loss = own.loss();
        RunOutcome outcome = own.end();
        if (outcome == RunOutcome.LOST) {
            throw lost(loss);
        }
    }

    private ConcurrentModificationException lost(@Nullable LeaseLostException loss) {
        return new ConcurrentModificationException(
                "the lock '" + name
                        + "' was lost while this thread held it, so others may have changed what it protects",
                loss);
    }

    @Override
    public Condition newCondition() {
        throw new UnsupportedOperationException("a lock across processes has no conditions");
    }

    @Override
    public String toString() {
        return "lock '" + name + "'";
    }
}
