package io.hapax.shedlock;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.LeaseStore;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;

/** The contract of ShedLock's providers on what production has. */
class HapaxLockProviderTest {

    @Nested
    class OnRedis extends LockProviderContract {
        @Override
        LeaseStore connect() {
            return RedissonLeaseStore.builder()
                    .url(EmbeddedRedis.shared().url())
                    .namespace("shedlock-contract")
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
                    .migrate(true)
                    .build();
        }

        @AfterAll
        void closePool() {
            pool.close();
        }
    }
}
