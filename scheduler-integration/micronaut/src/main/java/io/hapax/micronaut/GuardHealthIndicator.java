package io.hapax.micronaut;

import io.hapax.GuardHealth;
import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.micronaut.context.annotation.Requires;
import io.micronaut.core.async.publisher.AsyncSingleResultPublisher;
import io.micronaut.health.HealthStatus;
import io.micronaut.management.endpoint.health.HealthEndpoint;
import io.micronaut.management.health.indicator.HealthIndicator;
import io.micronaut.management.health.indicator.HealthResult;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;

/** The guard's part of {@code /health}, under {@code hapax}; {@code endpoints.health.hapax.enabled=false} leaves it out. */
@Singleton
@Requires(classes = HealthIndicator.class)
@Requires(property = "hapax.enabled", notEquals = "false")
@Requires(beans = {HealthEndpoint.class, JobGuard.class, LeaseStore.class})
@Requires(property = HealthEndpoint.PREFIX + ".hapax.enabled", notEquals = "false")
final class GuardHealthIndicator implements HealthIndicator {

    private final ExecutorService executor;
    private final GuardHealth health;

    GuardHealthIndicator(
            @Named(TaskExecutors.BLOCKING) ExecutorService executor,
            JobGuard guard,
            LeaseStore store,
            @Nullable RunLedger ledger) {
        this.executor = executor;
        this.health = new GuardHealth(guard, store, ledger);
    }

    @Override
    public Publisher<HealthResult> getResult() {
        return new AsyncSingleResultPublisher<>(executor, this::ask);
    }

    private HealthResult ask() {
        GuardHealth.Answer answer = health.ask();
        return HealthResult.builder("hapax", status(answer.status()))
                .details(answer.details())
                .build();
    }

    private static HealthStatus status(GuardHealth.Status status) {
        return switch (status) {
            case UP -> HealthStatus.UP;
            case UNKNOWN -> HealthStatus.UNKNOWN;
            // As Spring Boot calls it; any status that says it is not operational answers 503.
            case OUT_OF_SERVICE -> new HealthStatus("OUT_OF_SERVICE", null, false, null);
            case DOWN -> HealthStatus.DOWN;
        };
    }
}
