package io.hapax.jobrunr;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jobrunr.server.BackgroundJobServer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether a server takes work. Thread-safe. */
final class ServerLife {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; the server counts as stopping", what, failure));
    /** Of each server, since JobRunr 7.0 answers for one that stops only when it has stopped. */
    private static final Map<BackgroundJobServer, Questions> QUESTIONS =
            Collections.synchronizedMap(new WeakHashMap<>());

    private static final Duration ANSWER = Duration.ofSeconds(1);
    /** How often that is waited for a server that is not locked. */
    private static final int MOST = 20;

    /** So many looks in a row: it may be locked for a moment, or this process may have stood still. */
    private static final int SURELY_LOCKED = 2;

    private ServerLife() {}

    /** Whether a server takes work, also asked on a thread that is interrupted, and stays so. */
    static boolean isRunningUninterrupted(BackgroundJobServer server) {
        boolean interrupted = Thread.interrupted();
        try {
            return isRunning(server);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** False from the moment in which a server starts to stop, and for a thread that is interrupted meanwhile. */
    static boolean isRunning(BackgroundJobServer server) {
        try {
            return QUESTIONS.computeIfAbsent(server, unused -> new Questions()).isRunning(server);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** To one server. Does not hold it. */
    private static final class Questions {

        private final ExecutorService thread = THREADS.pool("hapax-jobrunr-server", 1);
        private volatile @Nullable Thread asking;

        boolean isRunning(BackgroundJobServer server) throws InterruptedException {
            CompletableFuture<Boolean> answer = new CompletableFuture<>();
            thread.execute(() -> ask(server, answer));
            int waited = 0;
            int locked = 0;
            do {
                try {
                    return answer.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
                } catch (ExecutionException failed) {
                    return false;
                } catch (TimeoutException silent) {
                    // On a busy machine a question takes its time.
                    waited++;
                    locked = isLocked() ? locked + 1 : 0;
                }
            } while (waited < MOST && locked < SURELY_LOCKED);
            return answer.getNow(false);
        }

        private void ask(BackgroundJobServer server, CompletableFuture<Boolean> answer) {
            boolean running = false;
            asking = Thread.currentThread();
            try {
                running = server.isRunning();
            } finally {
                asking = null;
                // Also if it throws, which is reported: nobody waits for an answer that does not come.
                answer.complete(running);
            }
        }

        /** Whether the server answers nobody, because it is being stopped. */
        private boolean isLocked() {
            Thread asks = asking;
            return asks != null && asks.getState() != Thread.State.RUNNABLE;
        }
    }
}
