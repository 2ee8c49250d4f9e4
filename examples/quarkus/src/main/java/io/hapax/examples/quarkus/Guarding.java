package io.hapax.examples.quarkus;

import io.hapax.GuardHealth;
import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.micrometer.GuardMetrics;
import io.hapax.policy.GuardedCall;
import io.hapax.policy.GuardedPlacement;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.quartz.HapaxPlugin;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import javax.sql.DataSource;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobBuilder;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;

/** The guard, and its place in the application. */
@Singleton
class Guarding {

    @Produces
    @Singleton
    LeaseStore leases(DataSource source) {
        return PostgresLeaseStore.builder(source)
                .namespace("shop")
                .migrate(true)
                .build();
    }

    @Produces
    @Singleton
    JobGuard guard(LeaseStore store, MeterRegistry registry, @ConfigProperty(name = "shop.ttl") Duration ttl) {
        GuardMetrics metrics = new GuardMetrics(registry);
        JobGuard guard = JobGuard.builder(store)
                .closesStore()
                .defaults(all -> all.withTtl(ttl))
                .listener(metrics)
                .build();
        metrics.watch(guard);
        return guard;
    }

    void close(@Disposes JobGuard guard) {
        guard.close();
    }

    /** Quarkus starts the scheduler at PLATFORM_BEFORE. What is wrong fails the start, and not each call. */
    // snippet:quarkus-start
    void start(
            @Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE - 1) StartupEvent starting,
            Scheduler scheduler,
            JobGuard guard)
            throws SchedulerException {
        HapaxPlugin.install(scheduler, guard);
        GuardedPlacement.methods(Shop.class).forEach(method -> GuardedCall.of(guard, Shop.class, method));
    }
    // end

    void scheduleStocktaking(@Observes StartupEvent started, Scheduler scheduler) throws SchedulerException {
        scheduler.scheduleJob(
                JobBuilder.newJob(Stocktaking.class).withIdentity("stock").build(),
                TriggerBuilder.newTrigger()
                        .withIdentity("stock")
                        .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                        .build());
    }

    void endRuns(
            @Observes ShutdownEvent stopping,
            JobGuard guard,
            @ConfigProperty(name = "shop.shutdown-grace") Duration grace) {
        guard.shutdownBeforeStop(grace);
    }

    @Produces
    @Readiness
    @Singleton
    HealthCheck health(JobGuard guard, LeaseStore store) {
        GuardHealth health = new GuardHealth(guard, store, null);
        return () -> {
            GuardHealth.Answer answer = health.ask();
            HealthCheckResponseBuilder response =
                    HealthCheckResponse.named("hapax").status(answer.status() == GuardHealth.Status.UP);
            answer.details().forEach((name, value) -> response.withData(name, String.valueOf(value)));
            return response.build();
        };
    }
}
