package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class SharedServersTest {

    @Test
    void system_properties_point_the_shared_servers_elsewhere() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--requirepass", "s3cret")) {
            String redisUrl = "redis://:s3cret@127.0.0.1:" + redis.port();
            String databaseUrl = "jdbc:postgresql://postgres@127.0.0.1:"
                    + EmbeddedDatabase.shared().port() + "/postgres";
            List<String> lines = ChildJvm.run(
                    UseShared.class, 0, "-Dhapax.redis.url=" + redisUrl, "-Dhapax.database.url=" + databaseUrl);

            assertThat(lines)
                    .containsExactly(
                            redisUrl,
                            "PONG",
                            EmbeddedDatabase.shared().jdbcUrl(),
                            "postgres",
                            "the Redis of REDIS_URL or hapax.redis.url is not ours and cannot be killed;"
                                    + " use EmbeddedRedis.start() for tests that break a server");
            assertThat(redis.command("PING")).isEqualTo("PONG");
        }
    }

    @Test
    void addresses_are_read_with_their_defaults() {
        assertThat(RedisAddress.parse("rediss://user:p%40ss@[::1]"))
                .isEqualTo(new RedisAddress("rediss://user:p%40ss@[::1]", "[::1]", 6379, "user", "p@ss"));
        assertThatThrownBy(() -> RedisAddress.parse("redis://user:p@ss@[::1]"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("%40")
                .hasMessageNotContaining("p@ss");
        assertThat(RedisAddress.parse("redis://host:1/3").password()).isNull();
        assertThat(DatabaseAddress.parse("postgres://me:a:b@db/app"))
                .isEqualTo(new DatabaseAddress("db", 5432, "app", "me", "a:b"))
                .hasToString("me@jdbc:postgresql://db:5432/app");
        assertThat(DatabaseAddress.parse("postgresql://db:99/app"))
                .isEqualTo(new DatabaseAddress("db", 99, "app", "postgres", ""));
    }

    /** Prints what it finds and breaks nothing. */
    static final class UseShared {
        private UseShared() {}

        public static void main(String[] args) throws SQLException {
            System.out.println(EmbeddedRedis.shared().url());
            System.out.println(EmbeddedRedis.shared().command("PING"));
            EmbeddedDatabase database = EmbeddedDatabase.shared();
            System.out.println(database.jdbcUrl());
            try (Connection connection = database.dataSource().getConnection()) {
                System.out.println(connection.getCatalog());
            }
            try {
                EmbeddedRedis.shared().kill();
            } catch (UnsupportedOperationException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
