package io.hapax.quartz;

import io.hapax.Guarded;
import io.hapax.LockMode;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;

/** The job of the histories on a real scheduler. */
@Guarded(key = "live/%{work}", mode = LockMode.UNTIL_EXECUTED, uniqueFor = "1h")
public class LiveJob implements Job {

    @Override
    public void execute(JobExecutionContext context) throws JobExecutionException {
        LiveScheduler.perform(
                context.getJobDetail().getKey().getName(),
                context.getMergedJobDataMap().getString("work"));
    }
}
