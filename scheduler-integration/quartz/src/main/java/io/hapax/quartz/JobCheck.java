package io.hapax.quartz;

import io.hapax.lease.VisibleText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.listeners.SchedulerListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what would let a job fail at its firings: when the scheduler starts, in the jobs that it has, and when a job or a trigger
 * is added.
 */
final class JobCheck extends SchedulerListenerSupport {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    private static final int MOST_AT_START = 1000;
    private static final int MOST_KEPT = 1000;

    private final Scheduler scheduler;
    private final Gate gate;
    /** What the keys of jobs name that their own data does not have, so that triggers have to bring it. */
    private final Map<JobKey, Set<String>> missing = new ConcurrentHashMap<>();

    private final Set<String> told = ConcurrentHashMap.newKeySet();

    JobCheck(Scheduler scheduler, Gate gate) {
        this.scheduler = scheduler;
        this.gate = gate;
    }

    /**
     * Looks at the jobs that the scheduler has already. What is wrong in the data of a job, which others may have stored, is only logged.
     *
     * @throws IllegalArgumentException if the code of one is wrong; the message names job and annotation
     */
    void requireOfAll() {
        for (JobDetail job : all()) {
            try {
                check(job);
            } catch (IllegalArgumentException wrong) {
                if (gate.onlyObserves() || JobSettings.hasSettings(job.getJobDataMap())) {
                    tell(String.valueOf(wrong.getMessage()));
                } else if (!isMendedByTriggers(job.getKey())) {
                    throw wrong;
                }
            } catch (LinkageError unreadable) {
                unreadable(job, unreadable);
            }
        }
    }

    /** Tells of all jobs that the scheduler has already, and of their triggers. */
    void lookAtAll() {
        for (JobDetail job : all()) {
            jobAdded(job);
            try {
                if (missing.containsKey(job.getKey())) {
                    scheduler.getTriggersOfJob(job.getKey()).forEach(this::jobScheduled);
                }
            } catch (SchedulerException unreadable) {
                LOG.debug("triggers of job {} could not be looked at", JobSettings.name(job), unreadable);
            }
        }
    }

    private List<JobDetail> all() {
        List<JobDetail> jobs = new ArrayList<>();
        try {
            for (JobKey key : scheduler.getJobKeys(GroupMatcher.anyJobGroup()).stream()
                    .limit(MOST_AT_START)
                    .toList()) {
                JobDetail job = job(key);
                if (job != null) {
                    jobs.add(job);
                }
            }
        } catch (SchedulerException unreadable) {
            LOG.debug("jobs could not be looked at", unreadable);
        }
        return jobs;
    }

    private @Nullable JobDetail job(JobKey key) {
        try {
            return scheduler.getJobDetail(key);
        } catch (SchedulerException unreadable) {
            // Such as a job of another application on the same tables, whose class is not here.
            LOG.debug("job {} could not be looked at", VisibleText.of(key.toString()), unreadable);
            return null;
        }
    }

    @Override
    public void jobAdded(JobDetail job) {
        try {
            check(job);
            Set<String> needed = gate.missing(job);
            if (needed.isEmpty()) {
                missing.remove(job.getKey());
            } else if (missing.size() < MOST_KEPT) {
                missing.put(job.getKey(), needed);
            }
        } catch (IllegalArgumentException wrong) {
            if (!isMendedByTriggers(job.getKey())) {
                tell(String.valueOf(wrong.getMessage()));
            }
        } catch (LinkageError unreadable) {
            // The job is stored already, and its class has methods for libraries that are not here.
            unreadable(job, unreadable);
        }
    }

    private static void unreadable(JobDetail job, LinkageError unreadable) {
        LOG.debug("the class of job {} could not be looked at", JobSettings.name(job), unreadable);
    }

    /** Asks for the triggers only of a job that is wrong without them. */
    private void check(JobDetail job) {
        try {
            gate.check(job, false);
        } catch (IllegalArgumentException wrong) {
            if (!isCompletedByTriggers(job)) {
                throw wrong;
            }
            gate.check(job, true);
        }
    }

    /** A durable job without a trigger gets triggers, which may bring its key. */
    private boolean isCompletedByTriggers(JobDetail job) {
        try {
            return job.isDurable() && scheduler.getTriggersOfJob(job.getKey()).isEmpty();
        } catch (SchedulerException unreadable) {
            return false;
        }
    }

    /** What their data says is nearer than all else, and each firing is checked with it. */
    private boolean isMendedByTriggers(JobKey job) {
        try {
            return scheduler.getTriggersOfJob(job).stream()
                    .anyMatch(trigger -> JobSettings.hasSettings(trigger.getJobDataMap()));
        } catch (SchedulerException unreadable) {
            return false;
        }
    }

    @Override
    public void jobScheduled(Trigger trigger) {
        Set<String> needed = missing.get(trigger.getJobKey());
        if (needed == null
                || JobSettings.hasSettings(trigger.getJobDataMap())
                || Kept.of(trigger).runKey() != null
                || FiringIdentity.isRecovery(trigger)) {
            return;
        }
        JobDataMap data = trigger.getJobDataMap();
        for (String name : new TreeSet<>(needed)) {
            if (data.get(name) == null) {
                tell("job " + trigger.getJobKey() + ": its key names %{" + name
                        + "}, and neither its data nor that of its trigger "
                        + trigger.getKey() + " has it; there are " + new TreeSet<>(Set.of(data.getKeys()))
                        + " in that of the trigger. Add it with usingJobData, or correct the key");
            }
        }
    }

    private void tell(String wrong) {
        String line = VisibleText.of(wrong);
        if (told.size() < MOST_KEPT && told.add(line)) {
            LOG.error(
                    "{}: {}",
                    gate.onlyObserves()
                            ? "a job would not be run, but the guard only observes"
                            : "a job will not be run",
                    line);
        }
    }
}
