package io.hapax.micronaut;

import io.hapax.JobGuard;
import io.hapax.micrometer.GuardMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.annotation.Factory;
import io.micronaut.context.annotation.Requires;
import io.micronaut.context.event.BeanCreatedEvent;
import io.micronaut.context.event.BeanCreatedEventListener;
import jakarta.inject.Provider;
import jakarta.inject.Singleton;

/** Meters of the guard in the application's registry. */
@Factory
@Requires(classes = {MeterRegistry.class, GuardMetrics.class})
@Requires(beans = MeterRegistry.class)
final class GuardMeters {

    @Singleton
    GuardMetrics hapaxMetrics(MeterRegistry registry) {
        return new GuardMetrics(registry);
    }

    /** Afterwards, since the guard is built with its listeners. */
    @Singleton
    BeanCreatedEventListener<JobGuard> hapaxGauges(Provider<GuardMetrics> metrics) {
        return (BeanCreatedEvent<JobGuard> created) -> {
            metrics.get().watch(created.getBean());
            return created.getBean();
        };
    }
}
