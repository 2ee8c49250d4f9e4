package io.hapax.shedlock;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.LeaseStore;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;

/** The contract of ShedLock's providers on what production has. */
class HapaxLockProviderTest {

    /** The longest that the default ttl allows: a busy machine is no fault of a server. */
    private static final Duration PATIENCE = Duration.ofSeconds(6);

    @Nested
    class OnRedis extends LockProviderContract {
        @Override
        LeaseStore connect() {
            return RedissonLeaseStore.builder()
                    .url(EmbeddedRedis.shared().url())
                    .namespace("shedlock-contract")
                    .answerTimeout(PATIENCE)
                    .firstStart(WallClock.now())
                    .build();
        }
    }

    @Nested
    class OnPostgres extends LockProviderContract {

        private final HikariDataSource pool = new HikariDataSource();

        @Override
        LeaseStore connect() {
            if (pool.getJdbcUrl() == null) {
                EmbeddedDatabase database = EmbeddedDatabase.shared();
                pool.setJdbcUrl(database.jdbcUrl());
                pool.setUsername(database.user());
                pool.setPassword(database.password());
                pool.setMaximumPoolSize(16);
            }
            return PostgresLeaseStore.builder(pool)
                    .namespace("shedlock-contract")
                    .answerTimeout(PATIENCE)
                    .migrate(true)
                    .build();
        }

        @AfterAll
        void closePool() {
            pool.close();
        }
    }
}
