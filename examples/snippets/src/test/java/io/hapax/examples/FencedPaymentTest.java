package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.JobGuard;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class FencedPaymentTest {

    private static final int RETRIES = 5;

    @Test
    void a_payment_is_booked_once_even_if_redis_has_forgotten_it() throws Exception {
        DatabaseAddress address = EmbeddedDatabase.shared().createDatabase("fenced_payment");
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                HikariDataSource database = new HikariDataSource()) {
            database.setJdbcUrl(address.jdbcUrl());
            database.setUsername(address.user());
            database.setPassword(address.password());
            try (Connection connection = database.getConnection();
                    Statement sql = connection.createStatement()) {
                sql.execute("CREATE TABLE booking (id bigserial, payment int NOT NULL, cents bigint NOT NULL)");
            }
            assertThat(answered(redis, database)).startsWith("booked as 1");
            assertThat(answered(redis, database)).startsWith("not booked, DONE: completed by ");
            redis.restartEmpty();
            assertThat(answered(redis, database)).startsWith("not booked, DONE: completed by ");
        }
    }

    /** Asked again where a server of a busy machine answered too late. */
    private static String answered(EmbeddedRedis redis, HikariDataSource database) throws Exception {
        String told = pay(redis, database);
        for (int n = 0; n < RETRIES && told.contains("UNAVAILABLE"); n++) {
            told = pay(redis, database);
        }
        return told;
    }

    private static String pay(EmbeddedRedis redis, HikariDataSource database) throws Exception {
        try (RedissonLeaseStore store = RedissonLeaseStore.builder()
                        .namespace("shop")
                        .url(redis.url())
                        .answerTimeout(Duration.ofSeconds(6))
                        .firstStart(WallClock.now())
                        .build();
                JobGuard guard = FencedPayment.guard(store, database)) {
            return FencedPayment.pay(guard, database, 7, 1999);
        }
    }
}
