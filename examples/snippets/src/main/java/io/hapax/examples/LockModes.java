package io.hapax.examples;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.event.Refusal;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.quartz.HapaxPlugin;
import java.util.Optional;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.configuration.JobRunrConfiguration;
import org.jobrunr.storage.StorageProvider;
import org.quartz.Job;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;

/** Jobs that are unique while they are queued, and limits of runs. */
public final class LockModes {

    private LockModes() {}

    /** Imports a file, which is in the queue once. */
    // snippet:quartz-lock-mode
    @Guarded(key = "import/%{file}", mode = LockMode.UNTIL_EXECUTED)
    public static class ImportJob implements Job {
        // end
        /** Created by Quartz. */
        public ImportJob() {}

        @Override
        public void execute(JobExecutionContext context) {
            context.setResult(context.getMergedJobDataMap().getString("file"));
        }
    }

    /** Reports, of which at most one more waits while one is running. */
    // snippet:overlap
    @Guarded(onConflict = OnConflict.BUFFER_ONE)
    public static class ReportJob implements Job {
        // end
        /** Created by Quartz. */
        public ReportJob() {}

        @Override
        public void execute(JobExecutionContext context) {
            context.setResult("reported");
        }
    }

    /** Calls of a partner's interface, which are limited. */
    public static final class Partner {

        /** Created by JobRunr. */
        public Partner() {}

        /**
         * Sends an order.
         *
         * @param order which
         * @return what was sent
         */
        // snippet:limits
        @Guarded(key = "partner-api", ignoreArguments = true, concurrency = 3, throttle = "100/1m")
        public String send(int order) {
            return "sent " + order;
        }
        // end
    }

    /**
     * Schedules a job unless the same work is queued.
     *
     * @param scheduler guarded by the plugin
     * @param job an import
     * @param once fires once
     * @return whether it was scheduled
     * @throws SchedulerException if Quartz does not take it
     */
    public static boolean schedule(Scheduler scheduler, JobDetail job, Trigger once) throws SchedulerException {
        // snippet:schedule-unique
        Optional<Refusal> refusal = HapaxPlugin.of(scheduler).scheduleUnique(job, once);
        // end
        return refusal.isEmpty();
    }

    /**
     * Configures JobRunr where jobs are put into the queue.
     *
     * @param storage where the jobs are stored
     * @return the configuration, to go on with
     */
    public static JobRunrConfiguration configure(StorageProvider storage) {
        // snippet:unique-in-queue
        return JobRunr.configure().useStorageProvider(JobRunrGuard.uniqueInQueue(storage));
        // end
    }
}
