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
import org.junit.jupiter.api.TestInstance;

/** The contract of lease stores, as the owner of the tables and under a role that has the documented rights only. */
@Tag("slow")
class PostgresLeaseStoreTest {

    private static HikariDataSource pool;
    private static DocumentedGrants grants;
    private static HikariDataSource poolOfRole;

    @BeforeAll
    static void connect() throws SQLException {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 16, Duration.ofSeconds(5));
        grants = DocumentedGrants.of("hapax_leases");
        poolOfRole = Attempts.pool(grants.asRole(), 16, Duration.ofSeconds(5));
    }

    @AfterAll
    static void disconnect() throws SQLException {
        pool.close();
        poolOfRole.close();
        grants.close();
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class AsTheOwner extends LeaseContractOnPostgres {
        @Override
        DataSource database() {
            return pool;
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class UnderTheDocumentedRights extends LeaseContractOnPostgres {
        @Override
        DataSource database() {
            return poolOfRole;
        }
    }
}
