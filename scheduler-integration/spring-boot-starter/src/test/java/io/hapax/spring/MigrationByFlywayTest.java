package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** The first start of an application on an empty database, whose migrations create the tables of the ledger. */
class MigrationByFlywayTest {

    @TempDir
    private Path migrations;

    private void hasMigrations() throws Exception {
        Files.writeString(migrations.resolve("V1__orders.sql"), "CREATE TABLE orders (id int)");
        try (InputStream script = Objects.requireNonNull(
                PostgresRunLedger.class.getResourceAsStream("/io/hapax/postgres/hapax-ledger-1.sql"))) {
            Files.copy(script, migrations.resolve("V2__hapax.sql"));
        }
    }

    private ApplicationContextRunner runner() {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("flyway_" + UUID.randomUUID().toString().replace('-', '_'));
        return new ApplicationContextRunner()
                .withConfiguration(BootGeneration.withFlyway(HapaxAutoConfiguration.class))
                .withPropertyValues(
                        "spring.application.name=migrated",
                        "spring.datasource.url=" + database.jdbcUrl(),
                        "spring.datasource.username=" + database.user(),
                        "spring.datasource.password=" + database.password(),
                        "spring.flyway.locations=filesystem:" + migrations);
    }

    private static void works(ApplicationContextRunner application) {
        application.run(context -> {
            assertThat(context).hasNotFailed();
            // A database of a busy machine may once answer too late.
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(
                                    context.getBean(JobGuard.class).run(RunRequest.occurrence("first"), run -> 1))
                            .isInstanceOf(RunResult.Ran.class));
        });
    }

    @Test
    void the_ledger_opens_when_its_tables_have_been_created() throws Exception {
        hasMigrations();
        works(runner().withUserConfiguration(InMemoryHapax.Store.class)
                .withPropertyValues("hapax.ledger.enabled=true"));
    }

    /** Flyway refuses a schema that is new to it and has tables. */
    @Test
    void leases_in_the_database_come_after_the_first_migration() throws Exception {
        hasMigrations();
        works(runner().withPropertyValues("hapax.leases=postgres", "hapax.postgres.answer-timeout=6s"));
    }
}
