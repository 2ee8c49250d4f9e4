package io.hapax.integration;

import io.hapax.JobGuard;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.RunBounds;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.ledger.AfterCrash;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.integration.support.locks.DistributedLock;
import org.springframework.integration.support.locks.ExpirableLockRegistry;
import org.springframework.integration.support.locks.RenewableLockRegistry;

/**
 * Spring Integration's locks as leases of a guard: for aggregators, leader election, file writers and plain code.
 *
 * <p>A lock is held by a thread and is reentrant. Its lease is renewed for as long as the thread holds it, so neither a time to live
 * nor a renewal has to be guessed; if the process dies, the lock is free after the ttl. If the lease is lost, the holder is
 * interrupted, unless {@link RunOptions#onLeaseLost()} says otherwise, and both the last {@code unlock} and another attempt to take
 * the lock on that thread throw a {@link java.util.ConcurrentModificationException}. While a thread holds a lock
 * {@link io.hapax.CurrentRun} answers with its run, fencing token included.
 *
 * <p>A key is a text, a UUID, a whole number or an enum constant, identified by its text. Registries with the same registry
 * key, in whatever processes, mean the same locks; each is reentrant by itself.
 *
 * <p>That somebody else holds a lock is an answer; a {@link org.springframework.dao.CannotAcquireLockException} says that the store
 * cannot tell, to a caller that waits when its time is over, or that the guard is shut down. A thread that would wait for what it holds
 * itself, by another registry or as a run of the guard, gets an {@link IllegalStateException}. Locks have no conditions. Thread-safe.
 */
public final class HapaxLockRegistry
        implements ExpirableLockRegistry<DistributedLock>, RenewableLockRegistry<DistributedLock> {

    /** What a refused attempt to wait may cost in messages is bounded by it. */
    private static final Duration LONGEST_WAIT = Duration.ofHours(1);

    private final JobGuard guard;
    private final LockNames names;
    private final UnaryOperator<RunOptions> change;

    private HapaxLockRegistry(JobGuard guard, LockNames names, UnaryOperator<RunOptions> change) {
        this.guard = guard;
        this.names = names;
        this.change = change;
    }

    /**
     * Makes locks of a guard.
     *
     * @param guard whose leases they are
     * @param registryKey what these locks are called, to keep them apart from other lock keys: not blank, no colon
     * @return the registry
     * @throws IllegalArgumentException if the registry key breaks that rule, or a rule of {@link io.hapax.lease.LockKey}
     */
    public static HapaxLockRegistry of(JobGuard guard, String registryKey) {
        return of(guard, registryKey, UnaryOperator.identity());
    }

    /**
     * Makes locks of a guard with options of their own, such as the ttl, or how a thread is notified of a loss.
     *
     * @param guard whose leases they are
     * @param registryKey what these locks are called, to keep them apart from other lock keys: not blank, no colon
     * @param change from the guard's defaults to the options of the locks; how long to wait is the caller's to say
     * @return the registry
     * @throws IllegalArgumentException if the registry key breaks that rule, or a rule of {@link io.hapax.lease.LockKey}
     */
    public static HapaxLockRegistry of(JobGuard guard, String registryKey, UnaryOperator<RunOptions> change) {
        return new HapaxLockRegistry(guard, new LockNames(registryKey), change);
    }

    /**
     * Returns the lock of a key. Costs nothing and asks nobody.
     *
     * @param lockKey a text, a UUID, a whole number or an enum constant
     * @return its lock; two locks of the same key are the same lock
     * @throws IllegalArgumentException if the key is of another type, or an empty text
     */
    @Override
    public DistributedLock obtain(Object lockKey) {
        return new LeaseLock(this, names.of(lockKey));
    }

    /**
     * Does nothing: of a lock that is not held, nothing is kept.
     *
     * @param age ignored
     */
    @Override
    public void expireUnusedOlderThan(long age) {}

    /**
     * Makes sure that the calling thread holds a lock. The lease itself is renewed without being asked.
     *
     * @param lockKey the key of the lock
     * @throws IllegalStateException if the thread does not hold it, or has lost it
     */
    @Override
    public void renewLock(Object lockKey) {
        HeldLock unused = held(lockKey);
    }

    /**
     * Makes sure that the calling thread holds a lock. If its {@linkplain RunOptions#maxHold() time is bounded}, the bound counts
     * anew.
     *
     * @param lockKey the key of the lock
     * @param ttl for how long from now it may be held, where that is bounded
     * @throws IllegalStateException if the thread does not hold it, or has lost it
     */
    @Override
    public void renewLock(Object lockKey, Duration ttl) {
        HeldLock lock = held(lockKey);
        boolean bounded = !lock.run().options().maxHold().isZero();
        if (bounded && !RunBounds.of(lock.run()).holdAtMost(shorter(ttl, DurationText.LONGEST))) {
            throw lost(names.of(lockKey));
        }
    }

    private HeldLock held(Object lockKey) {
        String name = names.of(lockKey);
        HeldLock lock = find(name);
        if (lock == null) {
            throw new IllegalStateException("this thread does not hold the lock '" + name + "', so it cannot renew it");
        }
        if (lock.loss() != null) {
            throw lost(name);
        }
        return lock;
    }

    private static IllegalStateException lost(String name) {
        return new IllegalStateException("the lock '" + name + "' is lost, so it cannot be renewed");
    }

    JobGuard guard() {
        return guard;
    }

    RunRequest request(String name, @Nullable Duration ttl, Duration wait) {
        return RunRequest.lock(name).tune(options -> {
            RunOptions changed = ofLocks(change.apply(options));
            RunOptions timed = ttl == null ? changed : changed.withTtl(ttl);
            return wait.isZero()
                    ? timed.withOnConflict(OnConflict.SKIP)
                    : timed.withOnConflict(OnConflict.WAIT).withWaitTimeout(shorter(wait, LONGEST_WAIT));
        });
    }

    /** Without what is about runs that have a run key, or about jobs in a queue. */
    private static RunOptions ofLocks(RunOptions options) {
        boolean trustsLedger = options.whenUnavailable() == WhenUnavailable.LEDGER_ONLY;
        return (trustsLedger ? options.withWhenUnavailable(WhenUnavailable.FAIL_CLOSED) : options)
                .withAfterCrash(AfterCrash.RERUN)
                .withMode(LockMode.WHILE_EXECUTING);
    }

    static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** The calling thread's own; null if it does not hold it. */
    @Nullable
    HeldLock find(String name) {
        return HeldLock.find(this, name);
    }

    @Override
    public String toString() {
        return "HapaxLockRegistry[" + names.registryKey() + "]";
    }
}
