package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.WorkTransaction;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.time.Ticker;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.LazyConnectionDataSourceProxy;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.jdbc.datasource.lookup.AbstractRoutingDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Whether the connection of a transaction leads to the ledger. */
class DataSourceCompletionTest {

    private final DataSource database = EmbeddedDatabase.shared().dataSource();
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(Ticker.SYSTEM);
    private final JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
            .ledger(ledger)
            .build();

    @AfterEach
    void close() {
        guard.close();
    }

    /** Whether a run is completed in a transaction of a source. */
    private boolean completes(DataSource ofTransaction, DataSource ofLedger) {
        boolean[] completed = new boolean[1];
        new TransactionTemplate(new JdbcTransactionManager(ofTransaction)).executeWithoutResult(status -> {
            GuardedRun run = admitted();
            WorkTransaction work = new WorkTransaction(run);
            new DataSourceCompletion(ofLedger).complete(work);
            completed[0] = !work.isOpenInLedger();
            run.close();
        });
        return completed[0];
    }

    private GuardedRun admitted() {
        try {
            return guard.admit(RunRequest.lock("k")).fold(run -> run, refusal -> {
                throw new AssertionError(refusal);
            });
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static AbstractRoutingDataSource router(DataSource to) {
        AbstractRoutingDataSource router = new AbstractRoutingDataSource() {
            @Override
            protected Object determineCurrentLookupKey() {
                return "tenant";
            }
        };
        router.setTargetDataSources(Map.of("tenant", to));
        router.afterPropertiesSet();
        return router;
    }

    @Test
    void the_source_itself_and_its_proxies_lead_to_the_ledger() {
        assertThat(completes(database, database)).isTrue();
        assertThat(completes(new LazyConnectionDataSourceProxy(database), database))
                .isTrue();
        assertThat(completes(database, new TransactionAwareDataSourceProxy(database)))
                .isTrue();
        assertThat(completes(
                        new TransactionAwareDataSourceProxy(new LazyConnectionDataSourceProxy(database)), database))
                .isTrue();
    }

    @Test
    void another_source_does_not_and_neither_does_a_router() {
        assertThat(completes(
                        new DriverManagerDataSource(EmbeddedDatabase.shared().jdbcUrl(), "postgres", ""), database))
                .isFalse();
        DataSource router = router(database);
        assertThat(completes(router, router)).isFalse();
    }

    @Test
    void a_connection_beside_the_transaction_of_another_source_does_not() {
        DataSource other = new DriverManagerDataSource(EmbeddedDatabase.shared().jdbcUrl(), "postgres", "");
        new TransactionTemplate(new JdbcTransactionManager(other)).executeWithoutResult(status -> {
            DataSourceUtils.releaseConnection(DataSourceUtils.getConnection(database), database);
            assertThat(TransactionSynchronizationManager.hasResource(database)).isTrue();
            GuardedRun run = admitted();
            WorkTransaction work = new WorkTransaction(run);
            new DataSourceCompletion(database).complete(work);
            assertThat(work.isOpenInLedger()).isTrue();
            run.close();
        });
    }
}
