package io.hapax.shedlock;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.RunBounds;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.Throttle;
import io.hapax.WhenUnavailable;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.ledger.AfterCrash;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.Optional;
import java.util.function.UnaryOperator;
import net.javacrumbs.shedlock.core.ExtensibleLockProvider;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.support.LockException;

/**
 * ShedLock's locks as leases of a guard: replace the bean of your {@code LockProvider} by this one, and the annotations stay.
 *
 * <p>The name of the lock is the lock key. While the job works its lease is renewed; when {@code lockAtMostFor} is over, the lock
 * ends, and the job is notified, by an interrupt unless {@link RunOptions#onLeaseLost()} says otherwise. If the process dies, the lock
 * ends after the ttl. {@code lockAtLeastFor} keeps the next one away, whatever happens to this process. On the thread that
 * took the lock {@link io.hapax.CurrentRun} answers with the run, its fencing token included.
 *
 * <p>A lock that somebody else holds is an empty answer; a {@link LockException} says that the store could not tell. The locks
 * may be unlocked and extended on any thread. Thread-safe.
 */
public final class HapaxLockProvider implements ExtensibleLockProvider {

    private static final Duration SHORTEST = Duration.ofMillis(1);
    private static final Duration LONGEST_AT_LEAST = Duration.ofDays(366);

    private final JobGuard guard;
    private final UnaryOperator<RunOptions> change;

    private HapaxLockProvider(JobGuard guard, UnaryOperator<RunOptions> change) {
        this.guard = guard;
        this.change = change;
    }

    /**
     * Provides locks of a guard.
     *
     * @param guard whose leases they are
     * @return the provider
     */
    public static HapaxLockProvider of(JobGuard guard) {
        return of(guard, UnaryOperator.identity());
    }

    /**
     * Provides locks of a guard with options of their own, such as the ttl, or how a run learns of a loss.
     *
     * @param guard whose leases they are
     * @param change from the guard's defaults to the options of the locks; {@code maxHold}, {@code throttle} and
     *     {@code onConflict} are ShedLock's to say
     * @return the provider
     */
    public static HapaxLockProvider of(JobGuard guard, UnaryOperator<RunOptions> change) {
        return new HapaxLockProvider(guard, change);
    }

    /**
     * Takes a lock, unless somebody holds it.
     *
     * @param configuration which lock, and for how long at least and at most
     * @return the lock; empty if it is held, its last holder keeps others away, its key is paused, or the store does not grant
     *     anything yet
     * @throws LockException if the store cannot tell, or the thread is interrupted
     * @throws IllegalArgumentException if the name breaks a rule of {@link io.hapax.lease.LockKey}
     */
    @Override
    public Optional<SimpleLock> lock(LockConfiguration configuration) {
        BoundRun.leaveWhatIsOver();
        return admit(configuration) instanceof Admission.Admitted admitted
                ? begin(admitted.run(), configuration)
                : Optional.empty();
    }

    private Admission admit(LockConfiguration configuration) {
        RunRequest request = RunRequest.lock(configuration.getName())
                .tune(options -> ofLocks(change.apply(options))
                        .withThrottle(new Throttle(1, atLeast(configuration.getLockAtLeastFor()))));
        try {
            Admission admission = guard.admit(request);
            if (admission instanceof Admission.Refused refused) {
                refuseIfUnknown(configuration, refused.refusal());
            }
            return admission;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LockException("interrupted while the lock '" + configuration.getName() + "' was asked for", e);
        }
    }

    /** Without what is about runs that have a run key, or about jobs in a queue. */
    private static RunOptions ofLocks(RunOptions options) {
        boolean trustsLedger = options.whenUnavailable() == WhenUnavailable.LEDGER_ONLY;
        return (trustsLedger ? options.withWhenUnavailable(WhenUnavailable.FAIL_CLOSED) : options)
                .withOnConflict(OnConflict.SKIP)
                // Said once the lock is held: a very short one is to be a lock all the same.
                .withMaxHold(Duration.ZERO)
                .withAfterCrash(AfterCrash.RERUN)
                .withMode(LockMode.WHILE_EXECUTING);
    }

    /** That nothing is granted yet, as in the first moments of a namespace, is known, and over soon. */
    private static void refuseIfUnknown(LockConfiguration configuration, Refusal refusal) {
        if (refusal.verdict() == Verdict.UNAVAILABLE && refusal.cause() != null) {
            throw new LockException(
                    "the lease store cannot tell whether the lock '" + configuration.getName() + "' is free",
                    refusal.cause());
        }
    }

    private static Optional<SimpleLock> begin(GuardedRun run, LockConfiguration configuration) {
        BoundRun bound;
        try {
            bound = BoundRun.enter(run);
        } catch (LeaseLostException lapsed) {
            // Its answer came so late that nobody may rely on it.
            run.close();
            return Optional.empty();
        }
        try {
            return Optional.of(bounded(bound, configuration));
        } catch (Throwable failure) {
            // Its caller has nothing to unlock it by, and it is renewed until it ends.
            try {
                run.close();
            } finally {
                bound.leave();
            }
            throw failure;
        }
    }

    private static SimpleLock bounded(BoundRun bound, LockConfiguration configuration) {
        GuardedRun run = bound.run();
        // Before the ttl is over: a caller that has held a lock for too long is not waited for.
        run.onLeaseLost(loss -> {
            if (loss.reason() == LossReason.MAX_HOLD) {
                run.close();
            }
        });
        boolean unused = RunBounds.of(run).holdAtMost(atMost(configuration.getLockAtMostFor()));
        return new RunLock(bound, configuration);
    }

    static Duration atMost(Duration time) {
        return between(time, DurationText.LONGEST);
    }

    /** Also if it is zero: what the holder said later keeps away those who say nothing. */
    static Duration atLeast(Duration time) {
        return between(time, LONGEST_AT_LEAST);
    }

    private static Duration between(Duration time, Duration longest) {
        Duration atLeast = time.compareTo(SHORTEST) < 0 ? SHORTEST : time;
        return atLeast.compareTo(longest) > 0 ? longest : atLeast;
    }
}
