package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.postgres.PostgresRunLedger;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.yaml.snakeyaml.Yaml;

/** Documentation, rules and dashboard speak of meters that a worker really serves, and of no others. */
@Tag("slow")
class ObservabilityTest {

    private static final Path FOLDER = Path.of("observability");
    private static final Path DOCS = Path.of("..", "docs");
    /** Metrics of Prometheus itself. */
    private static final Set<String> OF_PROMETHEUS = Set.of("up", "ALERTS");

    private static Scrape scrape;

    @BeforeAll
    static void scrape() throws Exception {
        scrape = Scrape.ofEverything();
    }

    @Test
    void every_documented_meter_is_served_and_every_meter_of_the_guard_is_documented() throws IOException {
        Set<String> documented = documented();
        assertThat(documented).hasSizeGreaterThan(20);
        assertThat(scrape.names()).containsAll(documented);
        assertThat(documented)
                .containsAll(scrape.names().stream()
                        .filter(name -> name.startsWith("hapax_"))
                        .toList());
    }

    @Test
    void an_abandoned_occurrence_is_served_though_nobody_asks_for_it_again() throws Exception {
        String url = FleetTest.newDatabase();
        try (RunningWorker worker = RunningWorker.start(Map.of("DATABASE_URL", url))) {
            abandon(url);
            // The ledger is asked anew after half a minute, if it did not answer in time.
            await().atMost(Duration.ofMinutes(2))
                    .untilAsserted(
                            () -> assertThat(worker.get("/metrics").body()).contains("\nhapax_abandoned 1.0\n"));
        }
    }

    /** As a run of another worker that died leaves it, once its time is over. */
    private static void abandon(String url) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setURL(url);
        Duration minute = Duration.ofMinutes(1);
        JobIdentity identity = new JobIdentity(null, new RunKey("pay@7"));
        try (RunLedger ledger = PostgresRunLedger.builder(database)
                .namespace("hapax-worker")
                .answerTimeout(Duration.ofSeconds(30))
                .build()) {
            Claim claim = ledger.claim(new ClaimRequest(
                            identity, OwnerId.random(), "4711@host-2", minute, AfterCrash.ABANDON, minute))
                    .toCompletableFuture()
                    .join();
            ledger.release(((Claim.Claimed) claim).lease(), RunState.ABANDONED)
                    .toCompletableFuture()
                    .join();
        }
    }

    /** The names in the column "Prometheus" of the tables; {@code _sum} goes with the name before it. */
    private static Set<String> documented() throws IOException {
        Set<String> names = new TreeSet<>();
        int column = -1;
        for (String line : Files.readAllLines(DOCS.resolve("metrics.md"))) {
            List<String> cells = List.of(line.split("\\|", -1));
            if (!line.startsWith("|")) {
                column = -1;
            } else if (column < 0) {
                column = cells.indexOf(" Prometheus ");
            } else if (!line.startsWith("| ---")) {
                addNames(cells.get(column), names);
            }
        }
        return names;
    }

    private static void addNames(String cell, Set<String> names) {
        Matcher codes = Pattern.compile("`([a-z0-9_]+)`").matcher(cell);
        String base = "";
        while (codes.find()) {
            String code = codes.group(1);
            if (code.startsWith("_")) {
                names.add(base + code);
            } else {
                names.add(code);
                base = code.replaceAll("_count$", "");
            }
        }
    }

    @Test
    void every_value_of_a_label_that_is_documented_is_one_of_the_guard() throws IOException {
        String docs = Files.readString(DOCS.resolve("metrics.md"));
        assertThat(docs).contains("`outcome`: " + values(io.hapax.event.RunOutcome.values()));
        assertThat(docs).contains("`verdict`: " + values(io.hapax.event.Verdict.values()));
        assertThat(docs).contains("`reason`: " + values(io.hapax.event.LossReason.values()));
    }

    private static String values(Enum<?>... values) {
        return List.of(values).stream()
                .map(value -> "`" + value.name().toLowerCase(Locale.ROOT) + "`")
                .collect(Collectors.joining(", "));
    }

    @Test
    void rules_speak_of_meters_buckets_and_labels_that_exist() throws IOException {
        List<Map<String, Object>> rules = rules();
        Set<String> recorded = recorded(rules);
        List<String> expressions =
                rules.stream().map(rule -> String.valueOf(rule.get("expr"))).toList();
        assertThat(metricsIn(expressions)).contains("hapax_lost_total").allMatch(name -> exists(name, recorded));
        for (String expression : expressions) {
            Matcher buckets = Pattern.compile("(\\w+)\\{(le=\"[^\"]+\")}").matcher(expression);
            while (buckets.find()) {
                assertThat(scrape.text())
                        .containsPattern(buckets.group(1) + "\\{[^}]*" + Pattern.quote(buckets.group(2)));
            }
        }
    }

    private static boolean exists(String name, Set<String> recorded) {
        return scrape.names().contains(name) || recorded.contains(name) || OF_PROMETHEUS.contains(name);
    }

    @Test
    void every_alert_says_what_it_is_and_leads_to_a_part_of_the_runbook() throws IOException {
        Set<String> anchors = anchors("operations.md");
        List<Map<String, Object>> alerts =
                rules().stream().filter(rule -> rule.containsKey("alert")).toList();
        assertThat(alerts).hasSize(10);
        for (Map<String, Object> alert : alerts) {
            Map<String, String> annotations = map(alert.get("annotations"));
            assertThat(annotations).containsOnlyKeys("summary", "description", "runbook");
            assertThat(annotations.get("runbook")).startsWith("docs/operations.md#");
            assertThat(anchors).contains(annotations.get("runbook").replaceAll(".*#", ""));
            assertThat(ObservabilityTest.<String>map(alert.get("labels")).get("severity"))
                    .isIn("critical", "warning");
        }
    }

    /** As GitHub makes them of headings. */
    private static Set<String> anchors(String file) throws IOException {
        return Files.readAllLines(DOCS.resolve(file)).stream()
                .filter(line -> line.matches("#+ .*"))
                .map(line -> line.replaceAll("^#+ ", "").toLowerCase(Locale.ROOT))
                .map(line -> line.replaceAll("[^a-z0-9 -]", "").replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    @Test
    void the_dashboard_asks_the_provisioned_source_for_meters_that_exist() throws IOException {
        JsonNode dashboard = dashboard();
        Set<String> recorded = recorded(rules());
        List<String> expressions = new ArrayList<>();
        for (JsonNode panel : dashboard.get("panels")) {
            assertThat(panel.get("title").asText()).isNotBlank();
            for (JsonNode target : panel.get("targets")) {
                expressions.add(target.get("expr").asText());
            }
        }
        expressions.add(dashboard.at("/templating/list/0/query/query").asText());
        assertThat(metricsIn(expressions))
                .contains(
                        "hapax_runs_total",
                        "hapax_hold_seconds_bucket",
                        "hapax_active",
                        "hapax_waiting",
                        "hapax_abandoned")
                .allMatch(name -> exists(name, recorded));
        List<Map<String, Object>> sources =
                list(yaml("grafana/provisioning/datasources/prometheus.yml").get("datasources"));
        List<JsonNode> uids = dashboard.findValues("datasource");
        assertThat(uids)
                .hasSizeGreaterThan(15)
                .allSatisfy(source -> assertThat(source.get("uid").asText())
                        .isEqualTo(sources.get(0).get("uid")));
    }

    @Test
    void panels_of_the_dashboard_neither_overlap_nor_share_a_number() throws IOException {
        Set<Integer> ids = new TreeSet<>();
        Set<String> cells = new TreeSet<>();
        for (JsonNode panel : dashboard().get("panels")) {
            assertThat(ids.add(panel.get("id").asInt())).isTrue();
            JsonNode at = panel.get("gridPos");
            assertThat(at.get("x").asInt() + at.get("w").asInt()).isLessThanOrEqualTo(24);
            for (int x = at.get("x").asInt();
                    x < at.get("x").asInt() + at.get("w").asInt();
                    x++) {
                for (int y = at.get("y").asInt();
                        y < at.get("y").asInt() + at.get("h").asInt();
                        y++) {
                    assertThat(cells.add(x + "/" + y))
                            .as("%s at %d/%d", panel.get("title"), x, y)
                            .isTrue();
                }
            }
        }
    }

    private static JsonNode dashboard() throws IOException {
        return new ObjectMapper()
                .readTree(FOLDER.resolve("grafana/dashboards/hapax.json").toFile());
    }

    /** What is left of expressions without strings, labels, functions and durations. */
    private static Set<String> metricsIn(List<String> expressions) {
        Set<String> names = new TreeSet<>();
        for (String expression : expressions) {
            String bare = expression
                    .replaceAll("\"[^\"]*\"", "")
                    .replaceAll("\\{[^}]*}", "")
                    .replaceAll("\\[[^]]*]", "")
                    .replaceAll("\\b(by|on)\\s*\\([^)]*\\)", "")
                    .replaceAll("offset \\w+", "")
                    .replaceAll(", job\\)", ")");
            Matcher words = Pattern.compile("[a-zA-Z_:][\\w:]*(?!\\w*\\s*\\()").matcher(bare);
            while (words.find()) {
                names.add(words.group());
            }
        }
        names.removeAll(Set.of("or", "unless", "and", "sum", "max", "count", "time"));
        return names;
    }

    private static List<Map<String, Object>> rules() throws IOException {
        List<Map<String, Object>> groups = list(yaml("alerts.yml").get("groups"));
        return groups.stream()
                .flatMap(group -> ObservabilityTest.<Map<String, Object>>list(group.get("rules")).stream())
                .toList();
    }

    private static Set<String> recorded(List<Map<String, Object>> rules) {
        return rules.stream()
                .filter(rule -> rule.containsKey("record"))
                .map(rule -> String.valueOf(rule.get("record")))
                .collect(Collectors.toSet());
    }

    private static Map<String, Object> yaml(String file) throws IOException {
        return new Yaml().load(Files.readString(FOLDER.resolve(file)));
    }

    @SuppressWarnings("unchecked")
    private static <V> Map<String, V> map(Object value) {
        return (Map<String, V>) value;
    }

    @SuppressWarnings("unchecked")
    private static <V> List<V> list(Object value) {
        return (List<V>) value;
    }
}
