package io.hapax.spring.boot3;

import io.hapax.GuardHealth;
import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/** Health, as the actuator of Spring Boot 3 asks for it. */
@AutoConfiguration(afterName = "io.hapax.spring.HapaxAutoConfiguration")
@ConditionalOnClass(HealthIndicator.class)
@ConditionalOnProperty(name = "hapax.enabled", matchIfMissing = true)
public class HapaxHealthAutoConfiguration {

    /** Created by Spring. */
    public HapaxHealthAutoConfiguration() {}

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
