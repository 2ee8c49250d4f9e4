package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.OnConflict;
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

    /** Alone. */
    @Job(retries = 0)
    @Guarded(key = "%0", onConflict = OnConflict.SKIP)
    public void limited1(String key) {
        Objects.requireNonNull(BODY.get()).run();
    }

    /** Beside one other. */
    @Job(retries = 0)
    @Guarded(key = "%0", onConflict = OnConflict.SKIP, concurrency = 2)
    public void limited2(String key) {
        Objects.requireNonNull(BODY.get()).run();
    }

    /** Beside two others. */
    @Job(retries = 0)
    @Guarded(key = "%0", onConflict = OnConflict.SKIP, concurrency = 3)
    public void limited3(String key) {
        Objects.requireNonNull(BODY.get()).run();
    }
}
