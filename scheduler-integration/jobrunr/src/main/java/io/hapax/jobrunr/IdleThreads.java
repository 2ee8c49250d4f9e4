package io.hapax.jobrunr;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import org.jobrunr.server.BackgroundJobServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has one server of JobRunr's fetch work for threads of it that have become idle here. Thread-safe. */
final class IdleThreads {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    private static final Duration MOMENT = Duration.ofMillis(10);
    private static final Duration LAST = Duration.ofSeconds(10);
    private static final GuardThreads THREADS = new GuardThreads((what, failure) ->
            LOG.warn("{} failed; it is tried again, at the latest with the next poll", what, failure));

    private final BackgroundJobServer server;
    // Of each server, since a storage that hangs must not stop others.
    private final ExecutorService fetches = THREADS.pool("hapax-jobrunr-fetch", 1);
    private final Duration poll;
    /** How often it was asked to fetch since it last had nothing to do. */
    private final AtomicInteger asked = new AtomicInteger();

    IdleThreads(BackgroundJobServer server) {
        this.server = server;
        this.poll = server.getConfiguration().getPollInterval();
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
        if (asked.getAndIncrement() == 0) {
            try {
                var unused = THREADS.after(MOMENT, fetches, () -> fetchForOthers(MOMENT));
            } catch (VirtualMachineError noMemory) {
                // The next one that asks tries again; until then JobRunr fetches with its poll.
                asked.set(0);
            }
        }
    }

    /** On a thread of the fetches. */
    private void fetchAfter(Duration delay) {
        var unused = THREADS.again(delay, fetches, () -> fetchForOthers(delay));
    }

    /**
     * Does not learn whether work was fetched: JobRunr leaves it out while another thread fetches, which may have counted this one as
     * occupied, and a storage can fail. Hence it asks again, after longer and longer, until the poll is near.
     */
    private void fetchForOthers(Duration delay) {
        int before = asked.get();
        try {
            if (ServerLife.isRunningUninterrupted(server)) {
                server.getJobSteward().notifyThreadOccupied();
                fetch();
            }
        } finally {
            Duration next = delay.multipliedBy(4);
            if (next.compareTo(poll) < 0 && next.compareTo(LAST) < 0 && asked.get() == before) {
                fetchAfter(next);
            } else if (!asked.compareAndSet(before, 0)) {
                // Other threads have become idle meanwhile.
                fetchAfter(MOMENT);
            }
        }
    }
}
