package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.time.Duration;
import java.util.Locale;
import java.util.UUID;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** A DataSource and one property, and no Redis anywhere. */
class LeasesInPostgresTest {

    private final DatabaseAddress database = EmbeddedDatabase.shared()
            .createDatabase(
                    "leases_" + UUID.randomUUID().toString().replace('-', '_').toLowerCase(Locale.ROOT));

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
            .withPropertyValues("hapax.leases=postgres", "spring.application.name=shop");

    private ApplicationContextRunner withDataSource() {
        return runner.withBean(DataSource.class, database::dataSource);
    }

    @Test
    void one_property_and_a_data_source_suffice_and_two_replicas_keep_each_other_out() {
        ApplicationContextRunner patient = withDataSource().withPropertyValues("hapax.postgres.answer-timeout=6s");
        patient.run(one -> patient.run(two -> {
            assertThat(one.getBean(LeaseStore.class)).isInstanceOf(PostgresLeaseStore.class);
            RunRequest report = RunRequest.lock("report");
            RunResult<?> outer = one.getBean(JobGuard.class).run(report, run -> {
                JobIdentity identity = new JobIdentity(new LockKey("report"), null);
                assertThat(((AdministeredStore) two.getBean(LeaseStore.class))
                                .admin()
                                .holder(identity)
                                .toCompletableFuture()
                                .join())
                        .isPresent();
                assertThat(two.getBean(JobGuard.class).run(report, again -> true))
                        .isInstanceOf(RunResult.Refused.class);
                return true;
            });
            assertThat(outer).isInstanceOf(RunResult.Ran.class);
            assertThat(two.getBean(JobGuard.class).run(report, run -> true)).isInstanceOf(RunResult.Ran.class);
        }));
    }

    @Test
    void leases_and_ledger_share_the_data_source() {
        withDataSource()
                .withPropertyValues("hapax.ledger.enabled=true", "hapax.ledger.migrate=true", "hapax.defaults.ttl=9s")
                .run(context -> {
                    assertThat(context.getBean(LeaseStore.class).answerTimeout())
                            .isEqualTo(Duration.ofMillis(1500));
                    assertThat(context.getBean(RunLedger.class).answerTimeout()).isEqualTo(Duration.ofMillis(1500));
                    // A database of a busy machine may once answer too late.
                    await().atMost(Duration.ofSeconds(30))
                            .untilAsserted(() -> assertThat(
                                            context.getBean(JobGuard.class).run(RunRequest.lock("both"), run -> true))
                                    .isInstanceOf(RunResult.Ran.class));
                });
    }

    @Test
    void the_ledger_may_have_its_own_answer_timeout() {
        withDataSource()
                .withPropertyValues(
                        "hapax.ledger.enabled=true", "hapax.ledger.migrate=true", "hapax.ledger.answer-timeout=5s")
                .run(context -> assertThat(context.getBean(RunLedger.class).answerTimeout())
                        .isEqualTo(Duration.ofSeconds(5)));
        withDataSource()
                .withPropertyValues(
                        "hapax.ledger.enabled=true", "hapax.ledger.migrate=true", "hapax.ledger.answer-timeout=5ms")
                .run(context -> assertThat(context)
                        .getFailure()
                        .hasMessageContaining("hapax.ledger")
                        .hasMessageContaining("must be 100 ms to 10 min"));
    }

    @Test
    void what_is_missing_is_told_with_the_setting_and_a_remedy() {
        runner.run(context -> assertThat(context)
                .getFailure()
                .rootCause()
                .hasMessageContaining("hapax.leases")
                .hasMessageContaining("one DataSource bean for PostgreSQL"));
        withDataSource()
                .withPropertyValues("hapax.postgres.migrate=false")
                .run(context -> assertThat(context)
                        .getFailure()
                        .hasStackTraceContaining("the tables of the lease store are missing")
                        .hasStackTraceContaining("hapax-leases-1.sql"));
        withDataSource()
                .withPropertyValues("hapax.postgres.namespace=default")
                .run(context -> assertThat(context).getFailure().hasStackTraceContaining("hapax.postgres.namespace"));
    }
}
