package io.hapax.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Lease;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.RunLedgerContract;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** The contract, with the job's transaction at READ COMMITTED; for the other levels see {@link CompleteInTest}. */
class PostgresRunLedgerTest extends RunLedgerContract {

    private static HikariDataSource database;

    private final List<RunLedger> opened = new ArrayList<>();
    private final RunLedger ledger = open("contract");
    private final RunLedger other = open("contract");

    @BeforeAll
    static void connect() {
        database = Attempts.pool(EmbeddedDatabase.shared(), 8, Duration.ofSeconds(5));
    }

    @AfterAll
    static void disconnect() {
        database.close();
    }

    private RunLedger open(String namespace) {
        RunLedger client = PostgresRunLedger.builder(database)
                .namespace(namespace)
                .migrate(true)
                .build();
        opened.add(client);
        return client;
    }

    @AfterEach
    void close() {
        opened.forEach(RunLedger::close);
    }

    @Override
    protected RunLedger ledger() {
        return ledger;
    }

    @Override
    protected RunLedger otherClient() {
        return other;
    }

    @Override
    protected RunLedger freshNamespace() {
        return open(Attempts.freshName("fresh"));
    }

    @Override
    protected Completion completeInTransaction(RunLedger client, Lease claim) {
        try {
            return CompleteInTest.completed(database, Connection.TRANSACTION_READ_COMMITTED, client, claim);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    protected void letPass(Duration ttl) {
        Attempts.letPass(ttl);
    }
}
