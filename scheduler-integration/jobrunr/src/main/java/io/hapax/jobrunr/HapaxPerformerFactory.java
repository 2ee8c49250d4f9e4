package io.hapax.jobrunr;

import java.time.InstantSource;
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

    /** Creates the factory; called by {@link java.util.ServiceLoader}. */
    public HapaxPerformerFactory() {}

    @Override
    public int getPriority() {
        return PRIORITY;
    }

    @Override
    public BackgroundJobPerformer newBackgroundJobPerformer(BackgroundJobServer server, Job job) {
        return new GuardedPerformer(server, job, classes, InstantSource.system());
    }
}
