package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** The first start of an application on an empty database, whose change log calls the script of the ledger in our jar. */
class MigrationByLiquibaseTest {

    private static final String CHANGE_LOG = """
            databaseChangeLog:
              - changeSet:
                  id: orders
                  author: shop
                  changes:
                    - sql:
                        sql: CREATE TABLE orders (id int)
              - changeSet:
                  id: hapax-ledger-1
                  author: hapax
                  changes:
                    - sqlFile:
                        path: io/hapax/postgres/hapax-ledger-1.sql
                        splitStatements: false
            """;

    @TempDir
    private Path changes;

    private ApplicationContextRunner runner() throws Exception {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("liquibase_" + UUID.randomUUID().toString().replace('-', '_'));
        Path log = Files.writeString(changes.resolve("changes.yaml"), CHANGE_LOG);
        return new ApplicationContextRunner()
                .withConfiguration(BootGeneration.withLiquibase(HapaxAutoConfiguration.class))
                .withPropertyValues(
                        "spring.application.name=migrated",
                        "spring.datasource.url=" + database.jdbcUrl(),
                        "spring.datasource.username=" + database.user(),
                        "spring.datasource.password=" + database.password(),
                        "spring.liquibase.change-log=" + log.toUri());
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
        works(runner().withUserConfiguration(InMemoryHapax.Store.class)
                .withPropertyValues("hapax.ledger.enabled=true"));
    }

    @Test
    void leases_in_the_database_come_after_the_first_change() throws Exception {
        works(runner().withPropertyValues("hapax.leases=postgres", "hapax.postgres.answer-timeout=6s"));
    }
}
