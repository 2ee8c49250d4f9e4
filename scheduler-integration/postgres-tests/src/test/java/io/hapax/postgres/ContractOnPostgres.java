package io.hapax.postgres;

import io.hapax.lease.Lease;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.testkit.RunLedgerContract;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The contract of run ledgers, with the job's transaction at READ COMMITTED; for the other levels see {@link CompleteInTest}. */
@Execution(ExecutionMode.CONCURRENT)
abstract class ContractOnPostgres extends RunLedgerContract {

    private final List<RunLedger> opened = new ArrayList<>();
    private RunLedger ledger;
    private RunLedger other;

    /** Where the tables are. */
    abstract DataSource database();

    private RunLedger open(String namespace) {
        RunLedger client = PostgresRunLedger.builder(database())
                .answerTimeout(Attempts.PATIENCE)
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
        if (ledger == null) {
            ledger = open("contract");
        }
        return ledger;
    }

    @Override
    protected RunLedger otherClient() {
        if (other == null) {
            other = open("contract");
        }
        return other;
    }

    @Override
    protected RunLedger freshNamespace() {
        return open(Attempts.freshName("fresh"));
    }

    @Override
    protected Completion completeInTransaction(RunLedger client, Lease claim) {
        try {
            return CompleteInTest.completed(database(), Connection.TRANSACTION_READ_COMMITTED, client, claim);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    protected void letPass(Duration ttl) {
        Attempts.letPass(ttl);
    }
}
