package io.hapax.quartz;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;

/** The job of the histories. */
@Guarded(key = "work/%{work}", mode = LockMode.UNTIL_EXECUTED, uniqueFor = "1h")
public class HistoryJob implements Job {

    /** What the job at work on this thread does. */
    static final ThreadLocal<@Nullable Runnable> BODY = new ThreadLocal<>();

    /** One of which only so many may be at work at once. */
    @Guarded(key = "%{key}", onConflict = OnConflict.SKIP)
    public static final class Limited implements Job {
        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            new HistoryJob().execute(context);
        }
    }

    @Override
    public void execute(JobExecutionContext context) throws JobExecutionException {
        try {
            Objects.requireNonNull(BODY.get()).run();
        } catch (UnsupportedOperationException onPurpose) {
            throw new JobExecutionException(onPurpose);
        }
    }
}
