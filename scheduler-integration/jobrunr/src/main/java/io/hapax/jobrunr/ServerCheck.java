package io.hapax.jobrunr;

import java.lang.reflect.Field;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jobrunr.server.BackgroundJobPerformerFactory;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfigurationReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds what is wrong with a server before it does harm. */
final class ServerCheck {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    /** Server id and subject of what has been said, so that it is said once. */
    private static final Set<String> SAID = ConcurrentHashMap.newKeySet();

    private static final int SAID_AT_MOST = 1000;

    private ServerCheck() {}

    /** JobRunr has no way to ask which factory it chose, hence the look into its field. */
    static void verify(BackgroundJobServer server) {
        Object factory;
        try {
            Field field = BackgroundJobServer.class.getDeclaredField("backgroundJobPerformerFactory");
            field.setAccessible(true);
            factory = field.get(server);
        } catch (ReflectiveOperationException | RuntimeException unknown) {
            LOG.warn(
                    "cannot tell whether {} performs its jobs under the guard, because this version of JobRunr hides it;"
                            + " look for the log line 'guarding' of its first job",
                    server,
                    unknown);
            return;
        }
        if (!(factory instanceof HapaxPerformerFactory)) {
            throw new IllegalStateException(foreign(server, factory));
        }
    }

    private static String foreign(BackgroundJobServer server, Object factory) {
        String priority =
                factory instanceof BackgroundJobPerformerFactory other ? " (priority " + other.getPriority() + ")" : "";
        return server + " performs its jobs by " + factory.getClass().getName() + priority + ", not by "
                + HapaxPerformerFactory.class.getName() + " (priority " + HapaxPerformerFactory.PRIORITY
                + "), so they are NOT guarded. JobRunr takes the factory of highest priority that the thread's context"
                + " class loader showed when the server was created: remove the other one, or create the server on a"
                + " thread whose context class loader sees hapax-jobrunr";
    }

    /** Says once a server that its jobs are guarded. */
    static void firstJob(BackgroundJobServer server, Duration ttl, String worker) {
        if (once(server, "guarding")) {
            LOG.info("guarding the jobs of {} as worker '{}'", server, worker);
        }
        warnOfLongTtl(server, "the guard's default ttl", ttl);
    }

    /**
     * A crashed worker's lease should be gone before JobRunr gives its job to another one; otherwise that one is
     * postponed once more than needed.
     */
    static void warnOfLongTtl(BackgroundJobServer server, String subject, Duration ttl) {
        Duration timeout = timeoutOf(server);
        if (ttl.compareTo(timeout) > 0 && once(server, subject + ttl)) {
            LOG.warn(
                    "{} is {}, longer than the {} after which {} takes a worker for dead (poll interval times"
                            + " multiplicand): a crashed worker's jobs are taken over late. Use a ttl of at most {}",
                    subject,
                    ttl,
                    timeout,
                    server,
                    timeout.dividedBy(2));
        }
    }

    static void hidesActivator(BackgroundJobServer server, Exception hidden) {
        if (once(server, "hidden activator")) {
            LOG.warn(
                    "this version of JobRunr hides which classes {} has for jobs that are enqueued through an interface:"
                            + " @Guarded on such a class has no effect. Put it on the interface",
                    server,
                    hidden);
        }
    }

    static void noGuard(BackgroundJobServer server) {
        if (once(server, "no guard")) {
            LOG.error(
                    "hapax-jobrunr is on the class path, but no guard is installed for {}: its jobs are POSTPONED, not"
                            + " run. Call JobRunrGuard.install(guard) before the server starts, or"
                            + " JobRunrGuard.allowUnguarded() to run them without a guard",
                    server);
        }
    }

    private static Duration timeoutOf(BackgroundJobServer server) {
        BackgroundJobServerConfigurationReader configuration = server.getConfiguration();
        return configuration.getPollInterval().multipliedBy(configuration.getServerTimeoutPollIntervalMultiplicand());
    }

    private static boolean once(BackgroundJobServer server, String subject) {
        return SAID.size() < SAID_AT_MOST && SAID.add(server.getId() + " " + subject);
    }
}
