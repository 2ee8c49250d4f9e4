package io.hapax.jobrunr;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.RunKey;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.JobState;
import org.jobrunr.jobs.states.ScheduledState;
import org.jobrunr.jobs.states.StateName;

/** Which occurrence of its work a job is. */
final class Occurrence {

    private Occurrence() {}

    /**
     * Names the occurrence alike for all attempts on all workers. A job that is put into the queue again after it has
     * succeeded is a new occurrence, and so is another job under an id that was used before; a retry is not.
     */
    static String runKey(Job job) {
        return planned(job).orElseGet(() -> created(job)) + "#" + successes(job);
    }

    /** Whether a person has put it into the queue again after it had succeeded, whatever key for its occurrence it has chosen. */
    static boolean isRepetition(Job job) {
        return successes(job) > 0;
    }

    /** The keys with this occurrence instead of another one. */
    static JobIdentity named(Job job, JobIdentity identity) {
        return new JobIdentity(identity.lockKey(), new RunKey(runKey(job)));
    }

    private static long successes(Job job) {
        return job.getJobStates().stream()
                .filter(state -> state.getName() == StateName.SUCCEEDED)
                .count();
    }

    /** To a millisecond, which every storage keeps. */
    private static String created(Job job) {
        return "job:" + job.getId() + "@" + job.getJobState(0).getCreatedAt().truncatedTo(ChronoUnit.MILLIS);
    }

    /** A recurring job and its instant; empty for one-off jobs, and for recurring ones triggered by hand. */
    private static Optional<String> planned(Job job) {
        return job.getRecurringJobId()
                .flatMap(id -> plannedAt(job.getJobState(0)).map(instant -> "recurring:" + id + "@" + instant));
    }

    /** Only the first state tells: later scheduled states are retries and postponements. */
    private static Optional<Instant> plannedAt(JobState first) {
        if (first instanceof ScheduledState scheduled) {
            return Optional.of(scheduled.getScheduledAt());
        }
        // Carbon aware jobs, which JobRunr 7 does not have: they run hours away from the instant that names them.
        try {
            Object preferred = first.getClass().getMethod("getPreferredInstant").invoke(first);
            return preferred instanceof Instant instant ? Optional.of(instant) : Optional.empty();
        } catch (ReflectiveOperationException notCarbonAware) {
            return Optional.empty();
        }
    }
}
