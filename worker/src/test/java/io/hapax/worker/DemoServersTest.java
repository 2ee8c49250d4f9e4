package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The demo on servers that somebody else uses as well. */
class DemoServersTest {

    @Test
    void each_part_has_empty_tables_in_a_given_database_and_nothing_is_left_of_them() throws SQLException {
        String database = FleetTest.newDatabase();
        Map<String, String> env = Map.of("REDIS_URL", "redis://given:6379", "DATABASE_URL", database);
        try (DemoServers servers = DemoServers.start(env)) {
            assertThat(servers.redisUrl()).isEqualTo("redis://given:6379");
            for (String part : new String[] {"first", "second"}) {
                try (HikariDataSource pool = DemoCommand.pool(servers.schema(part))) {
                    Observations observations = new Observations(pool);
                    observations.createTables();
                    assertThat(observations.of(part)).isEmpty();
                    JobRunrStorage.on(pool).close();
                }
            }
            assertThat(ownTables(database)).isPositive();
        }
        assertThat(ownTables(database)).isZero();
    }

    private static int ownTables(String database) throws SQLException {
        try (Connection connection = DriverManager.getConnection(database);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM pg_tables"
                        + " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")) {
            row.next();
            return row.getInt(1);
        }
    }

    @Test
    void a_wrong_address_is_told_before_anything_is_started() {
        assertThatThrownBy(() -> DemoServers.start(Map.of("DATABASE_URL", "mysql://h/db")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("DATABASE_URL must be jdbc:postgresql://host/db");
    }
}
