package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.yaml.snakeyaml.Yaml;
import picocli.CommandLine;

/** The compose file cannot be started here, without an engine; but it can be read. {@link PackagedWorkerIT} goes on. */
@Tag("slow")
class ComposeFileTest {

    private static final List<String> WORKERS = List.of("worker-1", "worker-2", "worker-3");

    @Test
    void nothing_is_missing_from_the_compose_file_and_nothing_is_open_to_others() throws Exception {
        ComposeFile file = ComposeFile.read(Map.of());
        assertThat(file.services().keySet()).contains("redis", "postgres", "prometheus", "grafana");
        assertThat(file.services().keySet()).containsAll(WORKERS);
        assertThat(file.faults()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            observability/alerts.yml:      | observability/alarms.yml: | mounts what does not exist: ./worker/observability/alarms.yml
            alerts.yml:ro                  | alerts.yml                | prometheus may write to ./worker/observability/alerts.yml
            prometheus-data:/prometheus    | metrics:/prometheus       | prometheus mounts an unknown volume: metrics
            HTTP_BIND:                     | BIND:                     | worker-1 does not read BIND
            HTTP_PORT:                     | HEALTH_PORT:              | worker-2 does not read HEALTH_PORT
            HAPAX_WORKER: worker-3         | HAPAX_WORKER: worker-2    | worker-3 does not read its own name
            condition: service_healthy     | condition: started        | worker-1 does not wait for redis
            '    redis:'                   | '    valkey:'             | worker-1 depends on an unknown service: valkey
            127.0.0.1:3000:                | 0.0.0.0:3000:             | grafana is open to other machines: 0.0.0.0:3000:3000
            127.0.0.1:9090:9090"]          | 9090:9090"]               | prometheus is open to other machines: 9090:9090
            prometheus:v3.5.0              | prometheus:latest         | prometheus takes any version: prom/prometheus:latest
            """)
    void a_broken_copy_is_noticed(String whole, String broken, String fault) throws Exception {
        String text = Files.readString(ComposeFile.FILE);
        assertThat(text).contains(whole);
        List<String> faults =
                ComposeFile.of(text.replace(whole, broken), Map.of()).faults();
        assertThat(faults).anyMatch(each -> each.contains(fault));
    }

    @Test
    void workers_are_started_with_a_command_and_addresses_that_a_worker_knows() throws Exception {
        ComposeFile file = ComposeFile.read(Map.of("HAPAX_CONSOLE_TOKEN", "a-token-for-tests"));
        for (String name : WORKERS) {
            List<String> command = file.command(name);
            assertThat(command).startsWith("java").contains("-jar", "/app/hapax-worker.jar");
            List<String> arguments = command.subList(command.indexOf("/app/hapax-worker.jar") + 1, command.size());
            assertThat(Answered.commandLine()
                            .parseArgs(arguments.toArray(String[]::new))
                            .hasSubcommand())
                    .isTrue();
            WorkerCommand worker = new WorkerCommand();
            new CommandLine(worker).parseArgs();
            WorkerSettings settings = worker.settings(file.environment(name));
            assertThat(settings.redisUrls()).containsExactly("redis://redis:6379");
            assertThat(settings.jdbcUrl()).isEqualTo("jdbc:postgresql://postgres:5432/hapax?user=hapax&password=hapax");
            assertThat(settings.web())
                    .isEqualTo(new WorkerSettings.Web(8080, "0.0.0.0", new WorkerSettings.Secret("a-token-for-tests")));
            assertThat(file.services().get(name)).containsKeys("depends_on", "stop_grace_period");
        }
        assertThat(ComposeFile.read(Map.of()).environment("worker-1")).containsEntry("HAPAX_CONSOLE_TOKEN", "");
    }

    @Test
    void prometheus_scrapes_the_workers_of_the_compose_file() throws Exception {
        Map<String, Object> prometheus = new Yaml().load(Files.readString(Path.of("observability", "prometheus.yml")));
        assertThat(prometheus.toString())
                .contains("targets=[worker-1:8080, worker-2:8080, worker-3:8080]", "honor_labels=true");
    }

    @Test
    void compose_itself_accepts_the_file_and_refuses_a_broken_one(@TempDir Path folder) throws Exception {
        Tool compose = Tool.of(
                "install the Debian package docker-compose, which needs no engine for this",
                List.of(List.of("docker", "compose"), List.of("docker-compose")),
                "version");
        Tool.Result accepted = compose.run("-f", ComposeFile.FILE.toString(), "config", "-q");
        assertThat(accepted.code()).as(accepted.output()).isZero();
        String text = Files.readString(ComposeFile.FILE);
        for (String word : List.of("healthcheck:", "image:", "    ports:")) {
            Path broken = Files.writeString(folder.resolve("compose.yml"), text.replace(word, word.replace(":", "s:")));
            assertThat(compose.run("-f", broken.toString(), "config", "-q").code())
                    .as(word)
                    .isNotZero();
        }
    }
}
