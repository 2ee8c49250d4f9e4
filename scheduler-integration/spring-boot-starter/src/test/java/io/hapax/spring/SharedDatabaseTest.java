package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** An application and its own tests, which keep leases in memory, on one development database. */
class SharedDatabaseTest {

    private final DatabaseAddress database = EmbeddedDatabase.shared()
            .createDatabase("shared_" + UUID.randomUUID().toString().replace('-', '_'));
    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(BootGeneration.withDataSource(HapaxAutoConfiguration.class))
            .withPropertyValues(
                    "spring.application.name=shared",
                    "spring.datasource.url=" + database.jdbcUrl(),
                    "spring.datasource.username=" + database.user(),
                    "spring.datasource.password=" + database.password(),
                    "hapax.ledger.enabled=true",
                    "hapax.ledger.migrate=true",
                    "hapax.redis.answer-timeout=6s",
                    "hapax.redis.first-start=" + WallClock.now());
    private final ApplicationContextRunner tests = runner.withUserConfiguration(InMemoryHapax.Store.class);

    private static void starts(ApplicationContextRunner application) {
        application.run(context -> assertThat(context).hasNotFailed().hasSingleBean(JobGuard.class));
    }

    @Test
    void tests_do_not_lock_the_application_out_nor_the_application_its_tests() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            ApplicationContextRunner real = runner.withPropertyValues("hapax.redis.url=" + redis.url());
            starts(tests);
            starts(real);
            starts(tests);
            starts(real);
        }
    }
}
