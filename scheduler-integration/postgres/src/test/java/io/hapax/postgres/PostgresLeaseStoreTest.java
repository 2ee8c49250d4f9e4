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

/** The contract of lease stores, as the owner of the tables. */
@Tag("slow")
class PostgresLeaseStoreTest {

    private static HikariDataSource pool;

    @BeforeAll
    static void connect() throws SQLException {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 16, Duration.ofSeconds(5));
    }

    @AfterAll
    static void disconnect() throws SQLException {
        pool.close();
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class AsTheOwner extends LeaseContractOnPostgres {
        @Override
        DataSource database() {
            return pool;
        }
    }
}
