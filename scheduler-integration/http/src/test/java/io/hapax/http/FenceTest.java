package io.hapax.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.FencingToken;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** Fences remember the highest token of each key, wherever they keep it. */
class FenceTest {

    private static final Duration DAY = Duration.ofDays(1);

    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Contract {

        private final String key = "key/" + UUID.randomUUID();

        abstract Fence fence();

        private long raise(String name, long token) {
            return fence().raise(key + name, new FencingToken(token)).value();
        }

        @Test
        void the_highest_token_is_kept_and_told() {
            assertThat(raise("highest", 7)).isEqualTo(7);
            assertThat(raise("highest", 7)).isEqualTo(7);
            assertThat(raise("highest", 9)).isEqualTo(9);
            assertThat(raise("highest", 8)).isEqualTo(9);
            assertThat(raise("highest", 9)).isEqualTo(9);
        }

        @Test
        void tokens_are_compared_as_numbers_whatever_their_length() {
            assertThat(raise("length", 999)).isEqualTo(999);
            assertThat(raise("length", 1_000)).isEqualTo(1_000);
            assertThat(raise("length", 999)).isEqualTo(1_000);
            assertThat(raise("length", Long.MAX_VALUE - 1)).isEqualTo(Long.MAX_VALUE - 1);
            assertThat(raise("length", Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
            assertThat(raise("length", Long.MAX_VALUE - 1)).isEqualTo(Long.MAX_VALUE);
        }

        @Test
        void keys_do_not_touch_each_other() {
            assertThat(raise("one", 9)).isEqualTo(9);
            assertThat(raise("two", 3)).isEqualTo(3);
            assertThat(raise("one", 4)).isEqualTo(9);
        }

        @Test
        void of_many_at_once_the_highest_wins() throws Exception {
            ExecutorService threads = Executors.newFixedThreadPool(4);
            try {
                List<Future<Long>> answers = new ArrayList<>();
                for (int n = 1; n <= 100; n++) {
                    long token = n % 2 == 0 ? n : 101 - n;
                    answers.add(threads.submit(() -> raise("many", token)));
                }
                for (Future<Long> answer : answers) {
                    assertThat(answer.get()).isBetween(1L, 100L);
                }
            } finally {
                threads.shutdownNow();
            }
            assertThat(raise("many", 1)).isEqualTo(100);
        }
    }

    @Nested
    class InMemory extends Contract {

        private final Fence fence = Fence.inMemory(DAY);

        @Override
        Fence fence() {
            return fence;
        }
    }

    @Nested
    class OnRedis extends Contract {

        private RedissonClient client;
        private Fence fence;

        @BeforeAll
        void connect() {
            Config config = new Config();
            config.useSingleServer()
                    .setAddress(EmbeddedRedis.shared().url())
                    .setConnectionMinimumIdleSize(1)
                    .setSubscriptionConnectionMinimumIdleSize(0);
            client = Redisson.create(config);
            fence = RedisFence.of(client, "receiver", DAY);
        }

        @AfterAll
        void disconnect() {
            client.shutdown();
        }

        @Override
        Fence fence() {
            return fence;
        }

        @Test
        void each_key_has_a_time_to_live() {
            fence.raise("lives", new FencingToken(1));
            assertThat(client.getBucket("hapax-fence:receiver:lives").remainTimeToLive())
                    .isBetween(1L, DAY.toMillis());
        }

        @Test
        void receivers_of_other_namespaces_have_other_fences() {
            fence.raise("shared", new FencingToken(9));
            assertThat(RedisFence.of(client, "other", DAY).raise("shared", new FencingToken(3)))
                    .isEqualTo(new FencingToken(3));
        }
    }

    @Nested
    class OnPostgres extends Contract {

        private final HikariDataSource pool = new HikariDataSource();
        private Fence fence;

        @BeforeAll
        void connect() {
            EmbeddedDatabase database = EmbeddedDatabase.shared();
            pool.setJdbcUrl(database.jdbcUrl());
            pool.setUsername(database.user());
            pool.setPassword(database.password());
            pool.setMaximumPoolSize(4);
            fence = PostgresFence.of(pool, DAY).createTable().createTable();
        }

        @AfterAll
        void disconnect() {
            pool.close();
        }

        @Override
        Fence fence() {
            return fence;
        }

        @Test
        void what_is_older_than_the_retention_is_forgotten_in_time() throws SQLException {
            Fence forgetful = PostgresFence.of(pool, DAY);
            forgetful.raise("old", new FencingToken(9));
            forgetful.raise("new", new FencingToken(9));
            try (Connection connection = pool.getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("UPDATE hapax_fence SET seen_at = seen_at - interval '2 days' WHERE key = 'old'");
            }
            for (int n = 2; n < PostgresFence.SWEEP_EVERY; n++) {
                forgetful.raise("busy", new FencingToken(n));
            }
            assertThat(forgetful.raise("old", new FencingToken(3))).isEqualTo(new FencingToken(3));
            assertThat(forgetful.raise("new", new FencingToken(3))).isEqualTo(new FencingToken(9));
        }

        @Test
        void a_table_that_is_missing_is_told_with_the_key() {
            DataSource empty =
                    EmbeddedDatabase.shared().createDatabase("without_a_fence").dataSource();
            assertThatExceptionOfType(FenceException.class)
                    .isThrownBy(() -> PostgresFence.of(empty, DAY).raise("k", new FencingToken(1)))
                    .withMessageContaining("the fence of 'k'");
        }
    }

    @Test
    void memory_forgets_a_key_after_its_retention_and_does_not_grow() {
        ManualTicker ticker = new ManualTicker();
        InMemoryFence fence = new InMemoryFence(Duration.ofMinutes(1), ticker);
        fence.raise("k", new FencingToken(9));
        ticker.advance(Duration.ofSeconds(59));
        assertThat(fence.raise("k", new FencingToken(3))).isEqualTo(new FencingToken(9));
        ticker.advance(Duration.ofSeconds(60));
        assertThat(fence.raise("k", new FencingToken(3))).isEqualTo(new FencingToken(3));
        for (int n = 0; n < 10_000; n++) {
            fence.raise("key " + n, new FencingToken(1));
            ticker.advance(Duration.ofMillis(60));
        }
        assertThat(fence.size()).isLessThanOrEqualTo(2_001);
    }

    @Test
    void a_fence_that_remembers_nothing_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Fence.inMemory(Duration.ZERO))
                .withMessageContaining("retention");
    }
}
