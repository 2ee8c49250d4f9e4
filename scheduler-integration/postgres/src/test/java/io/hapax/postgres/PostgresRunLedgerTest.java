package io.hapax.postgres;

import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.RunLedgerContract;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;

class PostgresRunLedgerTest {

    private static RunLedger open(DataSource database, String namespace) {
        return PostgresRunLedger.builder(database)
                .namespace(namespace)
                .migrate(true)
                .build();
    }

    /** The contract, with the job's transaction at one isolation level. */
    abstract static class AtLevel extends RunLedgerContract {
        private final DataSource database = EmbeddedDatabase.shared().dataSource();
        private final int isolation;
        private final RunLedger ledger = open(database, "contract");
        private final RunLedger other = open(database, "contract");

        AtLevel(int isolation) {
            this.isolation = isolation;
        }

        @AfterEach
        void close() {
            ledger.close();
            other.close();
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
            return open(database, "fresh-" + OwnerId.random());
        }

        @Override
        protected Completion completeInTransaction(RunLedger client, Lease claim) {
            try (Connection connection = database.getConnection()) {
                connection.setTransactionIsolation(isolation);
                connection.setAutoCommit(false);
                Completion answer = client.completeIn(connection, claim);
                if (answer == Completion.NOTED) {
                    connection.commit();
                } else {
                    connection.rollback();
                }
                return answer;
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        protected void letPass(Duration ttl) {
            Awaitility.await().pollDelay(ttl.plusMillis(20)).until(() -> true);
        }
    }

    @Nested
    class ReadCommitted extends AtLevel {
        ReadCommitted() {
            super(Connection.TRANSACTION_READ_COMMITTED);
        }
    }

    @Nested
    class RepeatableRead extends AtLevel {
        RepeatableRead() {
            super(Connection.TRANSACTION_REPEATABLE_READ);
        }
    }

    @Nested
    class Serializable extends AtLevel {
        Serializable() {
            super(Connection.TRANSACTION_SERIALIZABLE);
        }
    }
}
