package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class EmbeddedDatabaseTest {

    @Test
    void a_killed_server_restarts_on_its_port_with_what_was_committed() throws SQLException {
        try (EmbeddedDatabase database = EmbeddedDatabase.start(Map.of("log_statement", "all"))) {
            DataSource source = database.dataSource();
            assertThat(ask(source, "SHOW server_version")).startsWith("18");
            assertThat(ask(source, "SHOW log_statement")).isEqualTo("all");
            execute(source, "CREATE TABLE t AS SELECT 42 AS n");

            try (Connection open = source.getConnection()) {
                database.kill();
                assertThat(open.isValid(1)).isFalse();
            }
            assertThatThrownBy(source::getConnection).isInstanceOf(SQLException.class);
            assertThatThrownBy(database::freeze).hasMessageContaining("does not run");

            database.restart();
            assertThat(ask(source, "SELECT n FROM t")).isEqualTo("42");
            database.restart();
            assertThat(ask(source, "SELECT n FROM t")).isEqualTo("42");
        }
    }

    @Test
    void a_frozen_server_answers_once_thawed() {
        EmbeddedDatabase database = EmbeddedDatabase.shared();
        database.freeze();
        CompletableFuture<String> answer = OwnThread.supply(() -> ask(database.dataSource(), "SELECT 1"));
        try {
            await().during(Duration.ofMillis(300))
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> !answer.isDone());
        } finally {
            database.thaw();
        }
        await().atMost(Duration.ofSeconds(30)).until(answer::isDone);
        assertThat(answer.join()).isEqualTo("1");
    }

    /** As when the server ended by itself, and left its file behind. */
    @Test
    void a_process_that_has_the_number_of_a_server_that_ended_is_left_alone() throws Exception {
        Process other = new ProcessBuilder("sleep", "600").start();
        try (EmbeddedDatabase database = EmbeddedDatabase.start()) {
            Path file = Path.of(ask(database.dataSource(), "SHOW data_directory"), "postmaster.pid");
            List<String> lines = new ArrayList<>(Files.readAllLines(file));
            String postmaster = lines.set(0, Long.toString(other.pid()));
            Files.write(file, lines);
            assertThatThrownBy(database::freeze).hasMessageContaining("has ended by itself");
            database.kill();
            assertThat(other.isAlive()).isTrue();
            ProcessHandle.of(Long.parseLong(postmaster.trim()))
                    .ifPresent(server -> ServerProcesses.kill(Stream.concat(Stream.of(server), server.descendants())
                            .toList()));
        } finally {
            other.destroyForcibly();
        }
    }

    @Test
    void databases_of_one_server_are_apart() {
        EmbeddedDatabase database = EmbeddedDatabase.shared();
        DatabaseAddress one = database.createDatabase("apart_1");
        DatabaseAddress two = database.createDatabase("apart_2");
        execute(one.dataSource(), "CREATE TABLE t AS SELECT 1 AS n");

        assertThat(ask(one.dataSource(), "SELECT count(*) FROM t")).isEqualTo("1");
        assertThat(ask(two.dataSource(), "SELECT to_regclass('t')::text IS NULL"))
                .isEqualTo("t");
        assertThatThrownBy(() -> database.createDatabase("a;b")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> database.createDatabase("apart_1"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("apart_1");
    }

    @Test
    void an_external_server_is_talked_to_but_never_broken() {
        EmbeddedDatabase shared = EmbeddedDatabase.shared();
        String url = "postgres://" + shared.user() + ":pw@127.0.0.1:" + shared.port() + "/postgres";
        EmbeddedDatabase external = EmbeddedDatabase.external(url);

        assertThat(ask(external.dataSource(), "SELECT 1")).isEqualTo("1");
        assertThat(external.jdbcUrl()).isEqualTo(shared.jdbcUrl());
        assertThatThrownBy(external::kill).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(external::freeze).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(external::restart).isInstanceOf(UnsupportedOperationException.class);
        external.close();
        assertThat(ask(shared.dataSource(), "SELECT 1")).isEqualTo("1");
        assertThatThrownBy(() -> EmbeddedDatabase.external("postgresql://host"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("host[:port]/database");
    }

    private static String ask(DataSource source, String query) {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            result.next();
            return result.getString(1);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static void execute(DataSource source, String sql) {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }
}
