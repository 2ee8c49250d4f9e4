package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.LockMode;
import java.util.Objects;
import org.jobrunr.jobs.annotations.Job;
import org.jspecify.annotations.Nullable;

/** The job of the histories. */
public class HistoryWork {

    /** What the job at work on this thread does. */
    static final ThreadLocal<@Nullable Runnable> BODY = new ThreadLocal<>();

    /** Does what the history says. */
    @Job(retries = 2)
    @Guarded(key = "work/%0", mode = LockMode.UNTIL_EXECUTED, uniqueFor = "1h")
    public void work(String work) {
        Objects.requireNonNull(BODY.get()).run();
    }
}
