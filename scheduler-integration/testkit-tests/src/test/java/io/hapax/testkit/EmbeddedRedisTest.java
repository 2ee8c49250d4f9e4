package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class EmbeddedRedisTest {

    @Test
    void a_started_server_answers_with_text_integers_nil_lists_and_errors() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertThat(redis.url()).isEqualTo("redis://127.0.0.1:" + redis.port());
            assertThat(redis.command("PING")).isEqualTo("PONG");
            assertThat(redis.command("SET", "schlüssel", "zwei\r\nZeilen")).isEqualTo("OK");
            assertThat(redis.command("GET", "schlüssel")).isEqualTo("zwei\r\nZeilen");
            assertThat(redis.command("INCR", "n")).isEqualTo("1");
            assertThat(redis.command("GET", "absent")).isEqualTo("(nil)");
            assertThat(redis.command("RPUSH", "list", "a", "b")).isEqualTo("2");
            assertThat(redis.command("LRANGE", "list", "0", "-1")).isEqualTo("a\nb");
            assertThat(redis.command("INFO", "server")).contains("redis_version:7.0");
            assertThatThrownBy(() -> redis.command("INCR", "list"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("WRONGTYPE");
        }
    }

    @Test
    void command_stats_count_calls() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            redis.command("CONFIG", "RESETSTAT");
            redis.command("SET", "a", "1");
            redis.command("SET", "b", "1");

            assertThat(redis.commandStats()).containsEntry("set", 2L).containsEntry("config|resetstat", 1L);
        }
    }

    @Test
    void further_arguments_win_and_a_password_among_them_is_used() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--requirepass", "secret", "--maxmemory", "9mb")) {
            assertThat(redis.command("CONFIG", "GET", "maxmemory")).isEqualTo("maxmemory\n9437184");

            redis.authenticate(null);
            assertThatThrownBy(() -> redis.command("GET", "a")).hasMessageContaining("NOAUTH");
            redis.authenticate("secret");
            assertThat(redis.command("GET", "a")).isEqualTo("(nil)");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_named_server_is_used_and_keeps_its_environment_over_restarts(@TempDir Path folder) throws IOException {
        String named = System.getenv("REDIS_SERVER");
        Path binary;
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            binary = named != null
                    ? Path.of(named)
                    : Files.readSymbolicLink(Path.of("/proc", Long.toString(redis.pid()), "exe"));
        }
        Path seen = folder.resolve("seen");
        Path script = folder.resolve("redis-server");
        Files.writeString(script, "#!/bin/sh\necho \"$HAPAX_TEST\" >>'" + seen + "'\nexec '" + binary + "' \"$@\"\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        System.setProperty("hapax.redis.server", script.toString());
        try (EmbeddedRedis redis = EmbeddedRedis.start(Map.of("HAPAX_TEST", "of-its-own"))) {
            redis.restart();
            assertThat(seen).hasContent("of-its-own\nof-its-own\n");
        } finally {
            System.clearProperty("hapax.redis.server");
        }
    }

    @Test
    void a_named_server_that_is_not_there_is_told_with_the_setting() {
        System.setProperty("hapax.redis.server", "/no/such/redis-server");
        try {
            assertThatThrownBy(EmbeddedRedis::start)
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("/no/such/redis-server could not be run")
                    .hasMessageContaining("REDIS_SERVER");
        } finally {
            System.clearProperty("hapax.redis.server");
        }
    }

    @Test
    void a_wrong_argument_fails_with_the_log() {
        assertThatThrownBy(() -> EmbeddedRedis.start("--no-such-setting", "1"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("ended at once")
                .hasMessageContaining("no-such-setting");
    }

    @Test
    void a_killed_server_is_gone_and_restarts_on_its_port_without_what_it_did_not_save() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            redis.command("SET", "a", "1");
            long pid = redis.pid();
            redis.kill();

            await().until(() -> ProcessHandle.of(pid).isEmpty());
            assertThatThrownBy(() -> redis.command("PING")).isInstanceOf(UncheckedIOException.class);
            assertThatThrownBy(redis::freeze).hasMessageContaining("does not run");

            redis.restart();
            assertThat(redis.command("GET", "a")).isEqualTo("(nil)");
            assertThat(redis.pid()).isNotEqualTo(pid);
        }
    }

    @Test
    void what_was_saved_survives_a_restart_but_not_an_empty_one() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--appendonly", "yes", "--appendfsync", "always")) {
            int port = redis.port();
            redis.command("SET", "a", "1");
            redis.restart();
            assertThat(redis.command("GET", "a")).isEqualTo("1");
            redis.kill();
            redis.restart();
            assertThat(redis.command("GET", "a")).isEqualTo("1");

            redis.restartEmpty();
            assertThat(redis.command("GET", "a")).isEqualTo("(nil)");
            assertThat(redis.port()).isEqualTo(port);
        }
    }

    @Test
    void a_frozen_server_answers_once_thawed() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            redis.freeze();
            CompletableFuture<String> answer = OwnThread.supply(() -> redis.command("PING"));
            await().during(Duration.ofMillis(300))
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> !answer.isDone());
            redis.thaw();
            await().atMost(Duration.ofSeconds(30)).until(answer::isDone);
            assertThat(answer.join()).isEqualTo("PONG");
        }
    }

    @Test
    void a_frozen_server_can_be_stopped_and_closed() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            redis.freeze();
            redis.stop();
            redis.stop();
            redis.restart();
            redis.freeze();
        }
    }

    @Test
    void the_shared_server_is_one() {
        assertThat(EmbeddedRedis.shared()).isSameAs(EmbeddedRedis.shared());
        assertThat(EmbeddedRedis.shared().command("PING")).isEqualTo("PONG");
    }

    @Test
    void an_external_server_is_talked_to_but_never_broken() {
        try (EmbeddedRedis own = EmbeddedRedis.start("--requirepass", "p:w");
                EmbeddedRedis external = EmbeddedRedis.external("redis://:p:w@127.0.0.1:" + own.port())) {
            assertThat(external.command("PING")).isEqualTo("PONG");
            assertThatThrownBy(external::kill)
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("cannot be killed");
            assertThatThrownBy(external::freeze).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(external::restartEmpty).isInstanceOf(UnsupportedOperationException.class);
            external.close();
            assertThat(own.command("PING")).isEqualTo("PONG");
        }
        assertThatThrownBy(() -> EmbeddedRedis.external("http://localhost"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("redis://");
    }

    /** As the owner of one lease in sixty-four. */
    @Test
    void a_value_that_begins_like_an_error_is_a_value() {
        try (EmbeddedRedis server = EmbeddedRedis.start()) {
            server.command("SET", "k", "-Owner|1");
            assertThat(server.command("GET", "k")).isEqualTo("-Owner|1");
        }
    }
}
