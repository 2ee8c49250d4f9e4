package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.cli.PostgresAddress;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

@Tag("slow")
class WorkerCommandTest {

    private static WorkerSettings settings(Map<String, String> env, String... args) {
        WorkerCommand command = new WorkerCommand();
        new CommandLine(command).parseArgs(args);
        return command.settings(env);
    }

    @Test
    void options_win_over_environment_variables_and_both_over_defaults() {
        WorkerSettings settings = settings(
                Map.of("REDIS_URL", "redis://env", "HAPAX_TTL", "12s", "DATABASE_URL", "postgres://u:p%21@db:1/x"),
                "--redis",
                "redis://option",
                "--guard",
                "off");
        assertThat(settings.redisUrls()).containsExactly("redis://option");
        assertThat(settings.ttl()).isEqualTo(Duration.ofSeconds(12));
        assertThat(settings.jdbcUrl()).isEqualTo("jdbc:postgresql://db:1/x?user=u&password=p%21");
        assertThat(settings.guarded()).isFalse();
        assertThat(settings.namespace()).isEqualTo("hapax-worker");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --ttl          | soon             | setting --ttl: 'soon' is not a duration; write 500ms
            --ttl          | 100ms            | --ttl must be at least 1s, was '100ms'
            --guard        | maybe            | --guard must be on or off, was 'maybe'
            --jobrunr      | maybe            | --jobrunr must be on or off, was 'maybe'
            --replace-settings | yes          | --replace-settings must be on or off, was 'yes'
            --quartz-store | disk             | --quartz-store must be ram, jdbc, both or none, was 'disk'
            --threads      | 0                | --threads must be a number from 1 to 500, was '0'
            --leases       | mysql            | --leases must be redis or postgres, was 'mysql'
            --http-port    | 70000            | --http-port must be a number from 0 to 65535, was '70000'
            --database     | mysql://u:p@h/db | --database must be jdbc:postgresql://host/db
            --database     | postgres:///db   | --database must be jdbc:postgresql://host/db
            --database     | postgres://u:p@h | --database must be jdbc:postgresql://host/db
            --database     | postgres://u:p@ h/db?a=u:p@ | --database must be jdbc:postgresql://host/db
            """)
    void a_wrong_setting_is_refused_with_what_is_allowed_and_exit_code_two(
            String option, String value, String message) {
        StringWriter errors = new StringWriter();
        CommandLine line = Answered.commandLine().setErr(new PrintWriter(errors));
        assertThat(line.execute("worker", option, value)).isEqualTo(2);
        assertThat(errors.toString()).contains("hapax: " + message).doesNotContain("u:p@");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            jdbc:postgresql://h/db?user=u           | jdbc:postgresql://h/db?user=u
            postgres://h/db                         | jdbc:postgresql://h:5432/db
            postgresql://u@[::1]:1/db               | jdbc:postgresql://[::1]:1/db?user=u
            postgres://u:p@h/db?sslmode=require&a=b | jdbc:postgresql://h:5432/db?user=u&password=p&sslmode=require&a=b
            postgres://u:a+b%20c%3A&d=:@h/db        | jdbc:postgresql://h:5432/db?user=u&password=a%2Bb+c%3A%26d%3D%3A
            """)
    void addresses_that_platforms_hand_out_become_addresses_of_jdbc_and_lose_nothing(String given, String expected) {
        assertThat(PostgresAddress.jdbcUrl("--database", given)).isEqualTo(expected);
    }

    @Test
    void every_setting_can_come_from_the_environment() {
        WorkerSettings settings = settings(Map.of(
                "QUARTZ_STORE",
                "ram",
                "JOBRUNR",
                "off",
                "HAPAX_THREADS",
                "3",
                "HAPAX_GUARD",
                "off",
                "HAPAX_TTL",
                "9s",
                "HAPAX_REPLACE_SETTINGS",
                "on"));
        assertThat(settings.quartz()).isEqualTo(WorkerSettings.QuartzStore.RAM);
        assertThat(settings.jobrunr()).isFalse();
        assertThat(settings.threads()).isEqualTo(3);
        assertThat(settings.replaceSettings()).isTrue();
        assertThat(settings(Map.of("HAPAX_REPLACE_SETTINGS", "on"), "--replace-settings", "off")
                        .replaceSettings())
                .isFalse();
        assertThat(settings.guarded()).isFalse();
    }

    @Test
    void a_worker_for_whom_nobody_named_a_database_keeps_its_jobs_in_memory() {
        // Compose hands out variables that are not set as empty ones.
        for (Map<String, String> env : List.of(Map.<String, String>of(), Map.of("DATABASE_URL", ""))) {
            WorkerSettings settings = settings(env);
            assertThat(settings.jdbcUrl()).isNull();
            assertThat(settings.ledger()).isFalse();
            assertThat(settings.quartz()).isEqualTo(WorkerSettings.QuartzStore.RAM);
            assertThat(settings.jobrunr()).isTrue();
        }
        WorkerSettings named = settings(Map.of(), "--database", "postgres://h/db");
        assertThat(named.ledger()).isTrue();
        assertThat(named.leases()).isEqualTo(WorkerSettings.Leases.REDIS);
        assertThat(named.quartz()).isEqualTo(WorkerSettings.QuartzStore.BOTH);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --ledger       | on
            --leases       | postgres
            --quartz-store | jdbc
            --quartz-store | both
            --record       | quorum
            """)
    void what_only_a_database_can_do_is_refused_where_none_is_named(String option, String value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(Map.of(), option, value))
                .withMessage(option + " " + value + " needs PostgreSQL: name one with --database or DATABASE_URL");
    }

    @Test
    void a_database_that_was_named_and_does_not_answer_is_an_error() {
        Answered told =
                Answered.by("worker", "--database", "postgres://127.0.0.1:1/db", "--redis", "redis://127.0.0.1:1");
        assertThat(told.code()).isEqualTo(1);
        assertThat(told.err()).contains("127.0.0.1:1 refused");
    }

    @Test
    void secrets_come_from_the_environment_or_a_file_and_are_not_shown(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("token"), "from a file\n# rotated in May\n");
        WorkerSettings settings =
                settings(Map.of("HAPAX_CONSOLE_TOKEN_FILE", file.toString(), "HAPAX_HASH_KEYS", "of the fleet"));
        assertThat(settings.web().consoleToken()).isEqualTo(new WorkerSettings.Secret("from a file"));
        assertThat(settings.hashKeys()).isEqualTo(new WorkerSettings.Secret("of the fleet"));
        assertThat(settings.toString()).doesNotContain("from a file", "of the fleet");
        // Compose hands out variables that are not set as empty ones.
        assertThat(settings(Map.of("HAPAX_CONSOLE_TOKEN", "")).web().consoleToken())
                .isNull();
        assertThat(new CommandLine(new WorkerCommand())
                        .getCommandSpec()
                        .optionsMap()
                        .keySet())
                .noneMatch(option -> option.contains("token") || option.contains("hash"));
    }

    @Test
    void a_secret_that_cannot_be_what_was_meant_is_refused(@TempDir Path folder) throws IOException {
        Path empty = Files.writeString(folder.resolve("empty"), "\n");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(Map.of("HAPAX_CONSOLE_TOKEN_FILE", empty.toString())))
                .withMessageContaining("starts with an empty line");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(Map.of("HAPAX_HASH_KEYS_FILE", "/no/such/file")))
                .withMessage("HAPAX_HASH_KEYS_FILE must be a file that can be read, was '/no/such/file'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(Map.of("HAPAX_HASH_KEYS_FILE", "x", "HAPAX_HASH_KEYS", "y")))
                .withMessage("set either HAPAX_HASH_KEYS or HAPAX_HASH_KEYS_FILE, not both");
    }

    @Test
    void the_web_server_listens_on_this_machine_only_unless_told_otherwise() {
        assertThat(settings(Map.of()).web().port()).isZero();
        assertThat(settings(Map.of("HTTP_PORT", "8080")).web().bind()).isEqualTo("127.0.0.1");
        assertThat(settings(Map.of("HTTP_BIND", "0.0.0.0"), "--http-bind", "::1")
                        .web()
                        .bind())
                .isEqualTo("::1");
    }

    @Test
    void no_proxy_is_believed_unless_it_is_named() {
        assertThat(settings(Map.of()).web().proxies()).isEmpty();
        assertThat(settings(Map.of("HTTP_PROXIES", " 10.0.0.0/8 , fd00::/8"))
                        .web()
                        .proxies())
                .containsExactly("10.0.0.0/8", "fd00::/8");
        assertThat(settings(Map.of("HTTP_PROXIES", "10.0.0.7"), "--http-proxies", "10.0.0.8")
                        .web()
                        .proxies())
                .containsExactly("10.0.0.8");
    }

    /** The packaged jar has the class path of the tests, but for the test kit and its servers. */
    @Test
    void the_commands_start_without_the_servers_that_are_not_in_the_packaged_jar() throws Exception {
        assertThat(packaged("worker", "--help")).contains("--shutdown-grace").contains("code 0");
        assertThat(packaged("demo", "--help")).contains("--keep").contains("code 0");
        assertThat(packaged("locks", "list", "--help")).contains("--older-than").contains("code 0");
        assertThat(packaged("demo"))
                .contains("hapax: the packaged jar has no servers for the demo in it: set REDIS_URL")
                .contains("code 1");
    }

    private static String packaged(String... arguments) throws IOException, InterruptedException {
        String classPath = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("testkit") && !entry.contains("embedded-") && !entry.contains("zonky"))
                .collect(Collectors.joining(File.pathSeparator));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classPath,
                WorkerMain.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeAll(Set.of("REDIS_URL", "DATABASE_URL"));
        Process process = ChildProcess.start(builder);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return output + "\ncode " + process.waitFor();
    }

    @Test
    void an_unreachable_redis_is_told_with_exit_code_one() {
        StringWriter errors = new StringWriter();
        CommandLine line = Answered.commandLine().setErr(new PrintWriter(errors));
        String database = FleetTest.newDatabase();
        assertThat(line.execute("worker", "--redis", "redis://127.0.0.1:1", "--database", database))
                .isEqualTo(1);
        assertThat(errors.toString()).contains("cannot connect to Redis at 127.0.0.1:1", "connection refused");
    }

    @Test
    void renewals_fit_into_any_ttl() {
        assertThat(settings(Map.of(), "--ttl", "30s").answerTimeout()).isEqualTo(Duration.ofSeconds(2));
        assertThat(settings(Map.of(), "--ttl", "3s").answerTimeout()).isEqualTo(Duration.ofMillis(500));
    }
}
