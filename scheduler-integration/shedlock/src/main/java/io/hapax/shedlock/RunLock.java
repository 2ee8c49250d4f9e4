package io.hapax.shedlock;

import io.hapax.GuardedRun;
import io.hapax.LeaseLostException;
import io.hapax.RunBounds;
import io.hapax.event.RunOutcome;
import io.hapax.lease.LeaseStoreException;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.support.LockException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A lock that somebody holds, until it is unlocked or extended; extended, it is another one of the same run. */
final class RunLock implements SimpleLock {

    private static final Logger LOG = LoggerFactory.getLogger(HapaxLockProvider.class);

    /** Longer than the shortest place by more than a clock is slewed in that time. */
    private static final Duration PLACE_IS_OVER = Duration.ofMillis(10);

    private final BoundRun bound;
    private final String name;
    private final Duration atLeast;
    private final NanoTime since = Ticker.SYSTEM.now();
    private final AtomicBoolean used = new AtomicBoolean();

    RunLock(BoundRun bound, LockConfiguration configuration) {
        this(bound, configuration.getName(), configuration.getLockAtLeastFor());
    }

    private RunLock(BoundRun bound, String name, Duration atLeast) {
        this.bound = bound;
        this.name = name;
        this.atLeast = atLeast;
    }

    @Override
    public void unlock() {
        use();
        GuardedRun run = bound.run();
        try {
            if (atLeast.isZero()) {
                letNextOneBegin(run);
            }
            RunOutcome outcome = run.complete();
            if (outcome == RunOutcome.LOST) {
                LOG.debug("the lock '{}' was lost before it was unlocked: {}", name, run.lost());
            }
        } finally {
            bound.leave();
        }
    }

    /** A caller that is done within a millisecond has kept the next one away for the rest of it. */
    private void letNextOneBegin(GuardedRun run) {
        if (Ticker.SYSTEM.now().since(since).compareTo(PLACE_IS_OVER) > 0) {
            return;
        }
        try {
            RunBounds.of(run)
                    .keepOthersAway(Duration.ZERO)
                    .toCompletableFuture()
                    .join();
        } catch (LeaseLostException | IllegalStateException | CompletionException over) {
            LOG.debug("the place of the lock '{}' is left to run out", name, over);
        }
    }

    @Override
    public Optional<SimpleLock> extend(Duration lockAtMostFor, Duration lockAtLeastFor) {
        if (lockAtLeastFor.compareTo(lockAtMostFor) > 0) {
            throw new IllegalArgumentException("the lock '" + name + "' cannot be held for at least " + lockAtLeastFor
                    + " and at most " + lockAtMostFor);
        }
        use();
        boolean extended = false;
        try {
            extended = prolong(lockAtMostFor, lockAtLeastFor);
        } finally {
            // What was not extended is still to be unlocked.
            used.set(extended);
        }
        return extended ? Optional.of(new RunLock(bound, name, lockAtLeastFor)) : Optional.empty();
    }

    private boolean prolong(Duration lockAtMostFor, Duration lockAtLeastFor) {
        RunBounds bounds = RunBounds.of(bound.run());
        if (!bounds.holdAtMost(HapaxLockProvider.atMost(lockAtMostFor))) {
            return false;
        }
        try {
            Duration away = lockAtLeastFor.isZero() ? Duration.ZERO : HapaxLockProvider.atLeast(lockAtLeastFor);
            bounds.keepOthersAway(away).toCompletableFuture().join();
            return true;
        } catch (LeaseLostException | IllegalStateException over) {
            return false;
        } catch (CompletionException e) {
            if (e.getCause() instanceof LeaseStoreException unreachable) {
                throw new LockException(
                        "the lock '" + name
                                + "' is held on, but the lease store cannot record for how long others are to be"
                                + " kept away",
                        unreachable);
            }
            throw e;
        }
    }

    private void use() {
        if (!used.compareAndSet(false, true)) {
            throw new IllegalStateException(
                    "the lock '" + name + "' has been unlocked or extended already; use the lock that extend returned");
        }
    }
}
