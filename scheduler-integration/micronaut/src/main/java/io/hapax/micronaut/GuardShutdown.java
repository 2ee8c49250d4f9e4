package io.hapax.micronaut;

import io.hapax.JobGuard;
import io.micronaut.context.annotation.Context;
import io.micronaut.context.annotation.Requires;
import io.micronaut.context.annotation.Value;
import io.micronaut.context.event.ApplicationEventListener;
import io.micronaut.context.event.ShutdownEvent;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets runs end when the application stops, before any bean is destroyed that they may need. */
@Context
@Requires(property = "hapax.enabled", notEquals = "false")
@Requires(beans = JobGuard.class)
final class GuardShutdown implements ApplicationEventListener<ShutdownEvent> {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.micronaut");

    private final JobGuard guard;
    private final Duration grace;

    GuardShutdown(JobGuard guard, @Value("${hapax.shutdown-grace:20s}") Duration grace) {
        this.guard = guard;
        this.grace = grace;
    }

    @Override
    public void onApplicationEvent(ShutdownEvent stopping) {
        if (!guard.shutdownBeforeStop(grace)) {
            LOG.warn(
                    "{} runs are still active after hapax.shutdown-grace={}, or after an interrupt that cut it short, and"
                            + " were asked to end",
                    guard.activeRuns(),
                    grace);
        }
    }
}
