package io.hapax.quartz;

import org.quartz.JobDetail;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;

/**
 * Refuses jobs whose data is kept from run to run where each replica would keep its own: the guard spreads the firings over the
 * replicas, so the data would drift apart.
 *
 * @param isPerReplica whether each replica has a job store of its own, as far as anybody has said
 */
record KeptData(boolean isPerReplica) {

    static KeptData of(Scheduler scheduler, boolean alone) throws SchedulerException {
        return new KeptData(!alone && !scheduler.getMetaData().isJobStoreSupportsPersistence());
    }

    /** @throws IllegalArgumentException if it is such a job; the message says what to do */
    void require(JobDetail job) {
        if (isPerReplica && job.isPersistJobDataAfterExecution() && !isAlone(job)) {
            throw new IllegalArgumentException("job " + JobSettings.name(job)
                    + " keeps its data from run to run (@PersistJobDataAfterExecution), but the job store is in memory: each"
                    + " replica would keep other data. Use a job store with a database (org.quartz.jobStore.class), or, if no"
                    + " other replica runs this scheduler, set alone = true on the plugin or " + JobSettings.ALONE
                    + " = true in the data of the job");
        }
    }

    private static boolean isAlone(JobDetail job) {
        return job.getJobDataMap().containsKey(JobSettings.ALONE)
                && JobSettings.flag(JobSettings.ALONE, job.getJobDataMap());
    }
}
