package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Prometheus' own tool says of its configuration, the rules, and what a worker serves. */
@Tag("slow")
class PromtoolTest {

    private static final Path FOLDER = Path.of("observability");
    private static Tool promtool;

    @BeforeAll
    static void find() throws Exception {
        promtool = Tool.of("install the Debian package prometheus", List.of(List.of("promtool")), "--version");
    }

    private static void requireSuccess(Tool.Result result) {
        assertThat(result.code()).as(result.output()).isZero();
    }

    @Test
    void configuration_and_rules_are_valid() throws Exception {
        requireSuccess(promtool.run("check", "config", "--lint-fatal", path("prometheus.yml")));
        requireSuccess(promtool.run("check", "rules", "--lint-fatal", path("alerts.yml")));
    }

    @Test
    void each_alert_fires_when_it_should_and_only_then() throws Exception {
        requireSuccess(promtool.run("test", "rules", path("alerts-test.yml")));
    }

    /** Each alert on its own: promtool names those whose tests failed. */
    @ParameterizedTest
    @ValueSource(strings = {"vector(0) > 1", "vector(1)"})
    void the_tests_notice_alerts_that_never_fire_and_alerts_that_always_do(String broken, @TempDir Path copy)
            throws Exception {
        // Alerts that never fire, or always, need not be evaluated as often, which would take most of the time.
        Files.writeString(
                copy.resolve("alerts-test.yml"),
                Files.readString(FOLDER.resolve("alerts-test.yml"))
                        .replace("evaluation_interval: 15s", "evaluation_interval: 1m"));
        Matcher alert = Pattern.compile("(?s)(- alert: (\\w+)\\s+expr: ).*?(?=\\n +(?:for|labels):)")
                .matcher(Files.readString(FOLDER.resolve("alerts.yml")));
        Set<String> names = new TreeSet<>();
        String alerts = alert.replaceAll(found -> {
            names.add(found.group(2));
            return found.group(1) + broken;
        });
        Files.writeString(copy.resolve("alerts.yml"), alerts);
        Tool.Result result =
                promtool.run("test", "rules", copy.resolve("alerts-test.yml").toString());
        assertThat(result.code()).isEqualTo(1);
        assertThat(names).hasSize(10).allMatch(name -> result.output().contains("alertname: " + name + ","));
    }

    @Test
    void the_queries_of_the_dashboard_are_valid(@TempDir Path folder) throws Exception {
        JsonNode dashboard = new ObjectMapper()
                .readTree(FOLDER.resolve("grafana/dashboards/hapax.json").toFile());
        List<String> queries = dashboard.get("panels").findValues("expr").stream()
                .map(query -> query.asText().replace("$__rate_interval", "1m").replace("$job", ".*"))
                .toList();
        assertThat(queries).hasSizeGreaterThan(20).noneMatch(query -> query.contains("$"));
        requireSuccess(checked(queries, folder));
        assertThat(checked(List.of("sum(up"), folder).code()).isNotZero();
    }

    /** As recording rules, whose expressions promtool parses. */
    private static Tool.Result checked(List<String> queries, Path folder) throws Exception {
        List<Map<String, String>> rules = new ArrayList<>();
        for (int i = 0; i < queries.size(); i++) {
            rules.add(Map.of("record", "query:" + i, "expr", queries.get(i)));
        }
        Path file = folder.resolve("queries.json");
        Map<String, Object> group = Map.of("name", "queries", "rules", rules);
        new ObjectMapper().writeValue(file.toFile(), Map.of("groups", List.of(group)));
        return promtool.run("check", "rules", file.toString());
    }

    @Test
    void the_meters_of_the_guard_are_named_as_prometheus_wants_them() throws Exception {
        String ours = Scrape.ofEveryEvent();
        requireSuccess(promtool.run(List.of("check", "metrics"), ours));
        assertThat(promtool.run(List.of("check", "metrics"), "# TYPE hapaxRuns counter\nhapaxRuns 1\n")
                        .code())
                .isNotZero();
    }

    private static String path(String file) {
        return FOLDER.resolve(file).toString();
    }
}
