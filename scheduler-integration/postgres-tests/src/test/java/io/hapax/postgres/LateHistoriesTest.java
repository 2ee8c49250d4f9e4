package io.hapax.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.ledger.RunLedger;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.LedgerHistoryContract;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

/** Random histories of statements that are carried out after their callers gave up, on PostgreSQL. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LateHistoriesTest extends LedgerHistoryContract {

    private HikariDataSource pool;
    private PostgresRunLedger ledger;

    @BeforeAll
    void open() {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 4, Duration.ofSeconds(5));
        ledger = PostgresRunLedger.builder(pool)
                .answerTimeout(Attempts.PATIENCE)
                .namespace(Attempts.freshName("late"))
                .migrate(true)
                .build();
    }

    @Override
    protected RunLedger ledger() {
        return ledger;
    }

    @AfterAll
    void close() {
        ledger.close();
        pool.close();
    }
}
