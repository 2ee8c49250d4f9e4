package io.hapax.spring;

import io.hapax.JobGuard;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.SmartLifecycle;

/**
 * Lets runs end when the application stops: after Quartz has stopped firing and the web server accept, and before any bean is
 * destroyed that they may need. Schedulers depend on it, so that they are destroyed before the guard.
 */
final class GuardShutdown implements SmartLifecycle, DisposableBean {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");

    private final JobGuard guard;
    private final Duration grace;
    private volatile boolean running = true;

    GuardShutdown(JobGuard guard, Duration grace) {
        this.guard = guard;
        this.grace = grace;
    }

    @Override
    public void start() {}

    @Override
    public void stop() {
        if (!running) {
            return;
        }
        running = false;
        if (!guard.shutdownBeforeStop(grace)) {
            LOG.warn(
                    "{} runs are still active after hapax.shutdown-grace={}, or after an interrupt that cut it short, and"
                            + " were asked to end",
                    guard.activeRuns(),
                    grace);
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** A guard that was shut down cannot be started again, so it is left alone while a test's context is paused. */
    @Override
    public boolean isPauseable() {
        return false;
    }

    /** Schedulers and web servers, which bring new work, are in higher phases, and stop before. */
    @Override
    public int getPhase() {
        return DEFAULT_PHASE / 2;
    }

    @Override
    public void destroy() {
        stop();
    }
}
