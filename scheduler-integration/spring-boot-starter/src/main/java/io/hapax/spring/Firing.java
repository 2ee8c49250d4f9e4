package io.hapax.spring;

import io.hapax.AfterRefusal;
import io.hapax.OnConflict;
import io.hapax.OnFailure;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.Throttle;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A firing of a scheduler of Spring's, which its thread is at, or an attempt at it. Thread-safe. */
final class Firing {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");
    private static final ThreadLocal<@Nullable Firing> CURRENT = new ThreadLocal<>();

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);
    private static final Duration LONGEST_WAIT = Duration.ofDays(1);
    private static final int MOST_DOUBLED = 5;
    /** Clocks of a machine and its store may differ by this part. */
    private static final int DRIFT = 1_000;

    private final FiredTask task;
    private final Occurrence occurrence;
    private final int attempt;
    private final InstantSource clock;
    private final Retries retries;
    private final AtomicBoolean taken = new AtomicBoolean();

    /** Has a firing come again. */
    interface Retries {

        /** Fires after a time; throws if the scheduler does not take it, as one that has stopped. */
        void schedule(Consumer<Runnable> firing, Duration wait);

        /** Whether the application stops, and its schedulers with it. */
        default boolean areOver() {
            return false;
        }
    }

    private Firing(FiredTask task, Occurrence occurrence, int attempt, InstantSource clock, Retries retries) {
        this.task = task;
        this.occurrence = occurrence;
        this.attempt = attempt;
        this.clock = clock;
        this.retries = retries;
    }

    static Firing first(FiredTask task, Occurrence occurrence, InstantSource clock, Retries retries) {
        return new Firing(task, occurrence, 0, clock, retries);
    }

    /** Executes what is fired. */
    void execute(Runnable work) {
        Firing outer = CURRENT.get();
        CURRENT.set(this);
        try {
            work.run();
        } finally {
            if (outer == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(outer);
            }
        }
    }

    /** The firing of the calling thread, if it is that of this method, and this is its first call; else null. */
    static @Nullable Firing take(BeanMethod called) {
        Firing firing = CURRENT.get();
        return firing != null && firing.task.is(called) && firing.taken.compareAndSet(false, true) ? firing : null;
    }

    /** The keys of the firing: which one it is, unless the user says what must not happen twice. */
    JobIdentity identity(JobIdentity plain, BeanMethod of) {
        String name = occurrence.name();
        return name == null || plain.runKey() != null
                ? plain
                : new JobIdentity(plain.lockKey(), new RunKey(of.occurrence(name)));
    }

    /** @param isUsers whether the run key is one of the user's */
    RunRequest request(RunRequest plain, BeanMethod of, RunOptions options, boolean isUsers) {
        RunRequest request = plain;
        Instant next = occurrence.next();
        request = next == null ? request : request.nextIn(Duration.between(clock.instant(), next));
        Duration delay = occurrence.delay();
        if (delay != null) {
            return options.throttle().isLimited() ? request : paced(request, of, delay);
        }
        if (!isUsers) {
            request = request.planned();
            request = options.onFailure() == OnFailure.OVER ? request.endsWithFailure() : request;
        }
        if (attempt > 0) {
            return request.again().oneOff();
        }
        return isUsers ? request.inSeries(holder -> false) : request.inSeriesOfRunKey();
    }

    private static RunRequest paced(RunRequest request, BeanMethod of, Duration delay) {
        Duration period = delay.minus(delay.dividedBy(DRIFT)).truncatedTo(ChronoUnit.MILLIS);
        return period.isZero()
                ? request
                : request.tune(options -> options.withThrottle(new Throttle(1, period)))
                        .pacedBy(of.key());
    }

    /**
     * Takes note that it is refused, and fires it again later if it is to be tried again.
     *
     * @return whether the caller is to be notified of it by an error
     */
    boolean refused(String shown, Refusal refusal, AfterRefusal then, OnConflict policy) {
        if (then == AfterRefusal.TRY_AGAIN && occurrence.delay() == null && !isMadeUpFor(refusal, policy)) {
            tryAgain(shown, refusal);
        } else if (refusal.verdict() == Verdict.UNAVAILABLE && attempt > 0) {
            LOG.warn(
                    "GIVEN UP: {} of {} could not be asked for before its next firing was due; its work may not be done."
                            + " Last refusal: {}",
                    shown,
                    occurrence.name(),
                    refusal);
        }
        return then == AfterRefusal.FAIL;
    }

    /** What waits its turn behind others, as nobody has said it must, does not pile up. */
    private boolean isMadeUpFor(Refusal refusal, OnConflict policy) {
        Instant next = occurrence.next();
        return policy == OnConflict.AUTO
                && refusal.verdict() == Verdict.OVERLAP
                && next != null
                && !clock.instant().isBefore(next);
    }

    private void tryAgain(String shown, Refusal refusal) {
        Duration wait = jittered(pause(refusal));
        Firing next = new Firing(task, occurrence, attempt + 1, clock, retries);
        try {
            retries.schedule(next::execute, wait);
            LOG.debug("{} of {} is tried again in {}: {}", shown, occurrence.name(), wait, refusal);
        } catch (RuntimeException notTaken) {
            if (retries.areOver()) {
                LOG.debug("{} of {} is not tried again: the application stops", shown, occurrence.name(), notTaken);
            } else {
                LOG.error(
                        "LOST: {} of {} was refused, and its scheduler does not take it once more; its work is not done. {}",
                        shown,
                        occurrence.name(),
                        refusal,
                        notTaken);
            }
        }
    }

    /** A key may become free at any moment; this very firing elsewhere is asked for again when its lease can have ended. */
    private Duration pause(Refusal refusal) {
        Duration doubled = FIRST_PAUSE.multipliedBy(1L << Math.min(attempt, MOST_DOUBLED));
        Duration backoff = doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
        boolean later =
                refusal.verdict() != Verdict.OVERLAP && refusal.retryAfter().compareTo(backoff) > 0;
        return later ? refusal.retryAfter() : backoff;
    }

    private static Duration jittered(Duration wait) {
        long millis = Math.min(wait.toMillis(), LONGEST_WAIT.toMillis());
        return Duration.ofMillis(millis + ThreadLocalRandom.current().nextLong(millis / 5 + 1));
    }
}
