package io.hapax.jobrunr;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jobrunr.server.BackgroundJobServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has one server of JobRunr's fetch work for threads of it that have become idle here. Thread-safe. */
final class IdleThreads {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    private static final Duration MOMENT = Duration.ofMillis(10);
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; it is fetched with the next poll", what, failure));

    private final BackgroundJobServer server;
    // Of each server, since a storage that hangs must not stop others.
    private final ExecutorService fetches = THREADS.pool("hapax-jobrunr-fetch", 1);
    private final AtomicBoolean fetching = new AtomicBoolean();

    IdleThreads(BackgroundJobServer server) {
        this.server = server;
    }

    /** Counts a thread as idle. JobRunr asks its storage for work then; a job of ours must not suffer when that fails. */
    void fetch() {
        boolean unused =
                THREADS.call("fetching work", () -> server.getJobSteward().notifyThreadIdle());
    }

    /**
     * JobRunr fetches no work for a thread that becomes idle while it still hands out the work before, as happens where jobs that
     * it has just fetched do nothing but wait: without this their threads would idle until the next poll.
     */
    void fetchLater() {
        if (fetching.compareAndSet(false, true)) {
            var unused = THREADS.after(MOMENT, fetches, this::fetchForOthers);
        }
    }

    private void fetchForOthers() {
        fetching.set(false);
        if (ServerCheck.isRunningUninterrupted(server)) {
            server.getJobSteward().notifyThreadOccupied();
            fetch();
        }
    }
}
