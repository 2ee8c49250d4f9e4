package io.hapax.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.LeaseHistoryContract;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

/** Random histories of statements about leases that are carried out after their callers gave up, on PostgreSQL. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LateLeaseHistoriesTest extends LeaseHistoryContract {

    private HikariDataSource pool;
    private List<PostgresLeaseStore> clients = List.of();

    @BeforeAll
    void open() {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 8, Duration.ofSeconds(5));
        String namespace = Attempts.freshName("late");
        clients = Stream.generate(() -> PostgresLeaseStore.builder(pool)
                        .namespace(namespace)
                        .migrate(true)
                        .answerTimeout(Duration.ofSeconds(15))
                        .build())
                .limit(2)
                .toList();
    }

    @Override
    protected List<? extends LeaseStore> clients() {
        return clients;
    }

    @AfterAll
    void close() {
        clients.forEach(PostgresLeaseStore::close);
        pool.close();
    }
}
