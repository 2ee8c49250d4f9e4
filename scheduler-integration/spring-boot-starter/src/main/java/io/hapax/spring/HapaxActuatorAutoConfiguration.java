package io.hapax.spring;

import io.hapax.GuardHealth;
import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.micrometer.GuardMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.time.InstantSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Meters, spans, health and an endpoint, as far as the application has what they need. */
@AutoConfiguration(
        after = HapaxAutoConfiguration.class,
        afterName = {
            "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration",
            "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration",
            // The same of Spring Boot 3.
            "org.springframework.boot.actuate.autoconfigure.metrics.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.metrics.export.simple.SimpleMetricsExportAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.observation.ObservationAutoConfiguration"
        })
@ConditionalOnProperty(name = "hapax.enabled", matchIfMissing = true)
public class HapaxActuatorAutoConfiguration {

    /** Created by Spring. */
    public HapaxActuatorAutoConfiguration() {}

    /** Meters. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(MeterRegistry.class)
    static class Meters {

        @Bean
        @ConditionalOnMissingBean
        @ConditionalOnBean(MeterRegistry.class)
        GuardMetrics hapaxMetrics(MeterRegistry registry) {
            return new GuardMetrics(registry);
        }

        /** Afterwards, since the guard is built with its listeners. */
        @Bean
        @ConditionalOnBean({GuardMetrics.class, JobGuard.class})
        SmartInitializingSingleton hapaxGauges(GuardMetrics metrics, JobGuard guard) {
            return () -> metrics.watch(guard);
        }
    }

    /** Spans around guarded bean methods. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(ObservationRegistry.class)
    static class Spans {

        @Bean
        @ConditionalOnBean(ObservationRegistry.class)
        RunObserver hapaxRunObserver(ObservationRegistry registry) {
            return (job, invocation) -> {
                Observation observation = Observation.createNotStarted("hapax.run", registry)
                        .contextualName("run " + job)
                        .lowCardinalityKeyValue("job", job)
                        .start();
                try (Observation.Scope scope = observation.openScope()) {
                    return invocation.proceed();
                } catch (Throwable thrown) {
                    observation.error(thrown);
                    throw thrown;
                } finally {
                    observation.stop();
                }
            };
        }
    }

    /** Health, as Spring Boot 4 asks for it; {@code io.hapax.spring.boot3} has what 3 asks for. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(HealthIndicator.class)
    static class HealthOfBoot4 {

        @Bean
        @ConditionalOnMissingBean(name = "hapaxHealthIndicator")
        @ConditionalOnProperty(name = "management.health.hapax.enabled", matchIfMissing = true)
        HealthIndicator hapaxHealthIndicator(
                JobGuard guard, ObjectProvider<LeaseStore> store, ObjectProvider<RunLedger> ledger) {
            LeaseStore asked = store.getIfUnique();
            if (asked == null) {
                return () -> Health.unknown()
                        .withDetail("store", "the JobGuard bean has its own")
                        .build();
            }
            GuardHealth health = new GuardHealth(guard, asked, ledger.getIfUnique());
            return () -> {
                GuardHealth.Answer answer = health.ask();
                return Health.status(answer.status().name())
                        .withDetails(answer.details())
                        .build();
            };
        }
    }

    /** The endpoint. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(Endpoint.class)
    static class Actuator {

        @Bean
        RecentEvents hapaxRecentEvents() {
            return new RecentEvents(InstantSource.system());
        }

        @Bean
        @ConditionalOnMissingBean
        HapaxEndpoint hapaxEndpoint(
                JobGuard guard, RecentEvents recent, HapaxProperties settings, ObjectProvider<LeaseStore> store) {
            LeaseStore asked = store.getIfUnique();
            return new HapaxEndpoint(
                    guard,
                    recent,
                    settings.isForceReleaseEnabled(),
                    asked == null ? settings.getShutdownGrace() : asked.answerTimeout());
        }
    }
}
