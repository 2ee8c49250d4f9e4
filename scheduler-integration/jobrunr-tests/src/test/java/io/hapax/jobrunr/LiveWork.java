package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.LockMode;
import org.jobrunr.jobs.annotations.Job;

/** The job of the histories on a real server. */
public class LiveWork {

    /** Does what its history says. */
    @Job(retries = 2)
    @Guarded(key = "live/%0", mode = LockMode.UNTIL_EXECUTED, uniqueFor = "1h")
    public void work(String work) {
        LiveServer.perform(work);
    }
}
