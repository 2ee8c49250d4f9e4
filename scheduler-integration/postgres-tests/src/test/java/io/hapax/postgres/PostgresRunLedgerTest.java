package io.hapax.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** The contract of run ledgers, as the owner of the tables and under a role that has the documented rights only. */
@Tag("slow")
class PostgresRunLedgerTest {

    private static HikariDataSource pool;
    private static DocumentedGrants grants;
    private static HikariDataSource poolOfRole;

    @BeforeAll
    static void connect() throws SQLException {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 16, Duration.ofSeconds(5));
        grants = DocumentedGrants.of("hapax");
        poolOfRole = Attempts.pool(grants.asRole(), 16, Duration.ofSeconds(5));
    }

    @AfterAll
    static void disconnect() throws SQLException {
        pool.close();
        poolOfRole.close();
        grants.close();
    }

    @Nested
    class AsTheOwner extends ContractOnPostgres {
        @Override
        DataSource database() {
            return pool;
        }
    }

    @Nested
    class UnderTheDocumentedRights extends ContractOnPostgres {
        @Override
        DataSource database() {
            return poolOfRole;
        }
    }
}
