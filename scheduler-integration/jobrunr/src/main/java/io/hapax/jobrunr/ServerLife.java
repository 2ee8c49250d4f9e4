package io.hapax.jobrunr;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jobrunr.server.BackgroundJobServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether a server takes work. Thread-safe. */
final class ServerLife {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; the server is taken for stopping", what, failure));
    private static final ExecutorService QUESTIONS = THREADS.pool("hapax-jobrunr-server", 1);
    private static final Duration ANSWER = Duration.ofSeconds(1);

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

    /** False from the moment in which a server starts to stop. JobRunr 7.0 answers only when it has stopped. */
    static boolean isRunning(BackgroundJobServer server) {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        QUESTIONS.execute(() -> {
            boolean running = false;
            try {
                running = server.isRunning();
            } finally {
                // Also if it throws, which is reported: nobody waits for an answer that does not come.
                answer.complete(running);
            }
        });
        try {
            return answer.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException silent) {
            return false;
        }
    }
}
