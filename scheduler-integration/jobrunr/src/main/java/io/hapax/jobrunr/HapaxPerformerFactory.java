package io.hapax.jobrunr;

import io.hapax.time.Ticker;
import java.time.InstantSource;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jobrunr.jobs.Job;
import org.jobrunr.server.BackgroundJobPerformer;
import org.jobrunr.server.BackgroundJobPerformerFactory;
import org.jobrunr.server.BackgroundJobServer;

/**
 * Lets JobRunr perform its jobs under the guard.
 *
 * <p>JobRunr finds it through {@link java.util.ServiceLoader}; nobody else needs to create one. The guard comes from
 * {@link JobRunrGuard}. Thread-safe.
 */
public final class HapaxPerformerFactory implements BackgroundJobPerformerFactory {

    /** Above JobRunr's own factory, which has 10. */
    static final int PRIORITY = 1000;

    private final JobClasses classes = new JobClasses();
    /** By server: JobRunr makes a factory for each. */
    private final Map<UUID, HandOver> lines = new ConcurrentHashMap<>();

    /** Creates the factory; called by {@link java.util.ServiceLoader}. */
    public HapaxPerformerFactory() {}

    @Override
    public int getPriority() {
        return PRIORITY;
    }

    @Override
    public BackgroundJobPerformer newBackgroundJobPerformer(BackgroundJobServer server, Job job) {
        HandOver line = lines.computeIfAbsent(server.getId(), id -> new HandOver(server, Ticker.SYSTEM));
        return new GuardedPerformer(server, job, classes, line.turn(job), InstantSource.system());
    }
}
