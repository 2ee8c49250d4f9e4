package io.hapax.spring;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.Environment;

/**
 * After how long JobRunr takes a server for dead, as its own settings say. A lease that outlives a crashed server by more than that
 * keeps its jobs from being taken over.
 *
 * @param timeout poll interval times multiplicand; null if this application has no server
 */
record JobRunrTimeout(@Nullable Duration timeout) {

    /** That of the starter for JobRunr 8, and of the one for 7. */
    private static final String[] PREFIXES = {"jobrunr.background-job-server.", "org.jobrunr.background-job-server."};

    private static final int POLL_SECONDS = 15;
    private static final int MULTIPLICAND = 4;
    /** A shorter ttl would not bear a pause of a busy machine. */
    private static final Duration SHORTEST = Duration.ofSeconds(10);

    private static final Duration USUAL = Duration.ofSeconds(30);

    static JobRunrTimeout of(Environment environment) {
        for (String prefix : PREFIXES) {
            if (environment.getProperty(prefix + "enabled", Boolean.class, false)) {
                int seconds = environment.getProperty(prefix + "poll-interval-in-seconds", Integer.class, POLL_SECONDS);
                int times = environment.getProperty(
                        prefix + "server-timeout-poll-interval-multiplicand", Integer.class, MULTIPLICAND);
                return new JobRunrTimeout(Duration.ofSeconds((long) seconds * times));
            }
        }
        return new JobRunrTimeout(null);
    }

    /**
     * Half of it, so that the lease is over when JobRunr gives the jobs to another server; null if the usual ttl is short enough, or
     * none that is shorter will do.
     *
     * @param answerTimeout what the settings say, several of which have to fit into a ttl; null if they say nothing
     */
    @Nullable
    Duration fittingTtl(@Nullable Duration answerTimeout) {
        if (timeout == null) {
            return null;
        }
        Duration needed = answerTimeout == null ? SHORTEST : longer(SHORTEST, answerTimeout.multipliedBy(6));
        Duration fitting = longer(needed, timeout.dividedBy(2));
        return fitting.compareTo(USUAL) < 0 ? fitting : null;
    }

    private static Duration longer(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? b : a;
    }
}
