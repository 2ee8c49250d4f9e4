package io.hapax.jobrunr;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jobrunr.jobs.AbstractJob;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.JobState;
import org.jobrunr.jobs.states.ScheduledState;
import org.jobrunr.jobs.states.StateName;

/**
 * Rebuilds a job with another history.
 *
 * <p>JobRunr lets a running job only succeed, fail or be deleted. Going back to the queue through these would spend a
 * retry or wipe the metadata, so the job is rebuilt as if the attempt had not started.
 */
final class JobCopy {

    /** Starts the reason of every postponement, by which earlier ones are recognised. */
    static final String POSTPONED = "[hapax] postponed";

    private JobCopy() {}

    static Job of(Job job, List<JobState> history, Map<String, Object> metadata) {
        Job copy =
                new Job(job.getId(), job.getVersion(), job.getJobDetails(), history, new ConcurrentHashMap<>(metadata));
        copy.setJobName(job.getJobName());
        copy.setAmountOfRetries(job.getAmountOfRetries());
        job.getRecurringJobId().ifPresent(copy::setRecurringJobId);
        copyLabels(job, copy);
        return copy;
    }

    /**
     * Returns the states without the present attempt, and without an earlier postponement right before it: however often
     * a job is postponed, its history grows by one such entry. Only the tail is cut, since log lines of the dashboard
     * are tied to the position of their state.
     */
    static List<JobState> historyBeforeAttempt(Job job) {
        List<JobState> history = new ArrayList<>(job.getJobStates());
        int last = history.size() - 1;
        if (last > 0 && history.get(last).getName() == StateName.PROCESSING) {
            history.remove(last--);
        }
        boolean postponedBefore = last > 1
                && history.get(last).getName() == StateName.ENQUEUED
                && history.get(last - 1) instanceof ScheduledState scheduled
                && String.valueOf(scheduled.getReason()).startsWith(POSTPONED);
        return postponedBefore ? history.subList(0, last - 1) : history;
    }

    /** Labels are a set in JobRunr 7 and a list in JobRunr 8. */
    private static void copyLabels(Job from, Job to) {
        try {
            Method getter = AbstractJob.class.getMethod("getLabels");
            Object labels = getter.invoke(from);
            if (labels != null) {
                AbstractJob.class.getMethod("setLabels", getter.getReturnType()).invoke(to, labels);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this version of JobRunr keeps labels in another way", e);
        }
    }
}
