package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Prometheus' own tool says of its configuration, the rules, and what a worker serves. */
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
        Files.copy(FOLDER.resolve("alerts-test.yml"), copy.resolve("alerts-test.yml"));
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
        assertThat(names).hasSize(9).allMatch(name -> result.output().contains("alertname: " + name + ","));
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
