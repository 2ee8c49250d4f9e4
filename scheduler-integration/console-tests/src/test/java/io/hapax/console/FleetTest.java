package io.hapax.console;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.ReportWriter;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.Ticker;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FleetTest {

    private static final Instant NOW = Instant.parse("2026-11-24T01:00:00Z");

    private final JsonMapper json = JsonMapper.builder().build();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(Ticker.SYSTEM);
    private Instant now = NOW;
    private final Fleet fleet = new Fleet(store, ledger, json, () -> now, Ticker.SYSTEM);

    private void post(String worker, String text) {
        store.board()
                .post(FleetBoard.Posting.of(worker, text, Duration.ofMinutes(1)))
                .toCompletableFuture()
                .join();
    }

    private void post(String worker, String instance, long number, String settings, Report.Run... runs)
            throws IOException {
        post(
                worker,
                json.writeValueAsString(new Report(
                        worker,
                        instance,
                        number,
                        settings,
                        false,
                        runs.length,
                        List.of(runs),
                        List.of(),
                        List.of(),
                        new Report.Chart(RunHistory.STEP_SECONDS, 0, List.of(), List.of(), List.of()),
                        List.of())));
    }

    private static Report.Run run(String owner, long left) {
        return new Report.Run(owner, "7", "job", "key", "", 1, NOW.toEpochMilli(), "thread", 30_000, left);
    }

    private void later(Duration time) {
        now = now.plus(time);
    }

    private long until(String owner) throws InterruptedException {
        Map<String, Object> run = fleet.look().runs().get(owner);
        return (Long) run.get("until") - NOW.toEpochMilli();
    }

    @Test
    void when_a_lease_ends_seems_to_move_only_when_it_was_renewed() throws Exception {
        post("alice", "one", 1, "same", run("a", 30_000));
        assertThat(until("a")).isEqualTo(30_000);
        later(Duration.ofMillis(400));
        // The same report is read again, and then one that took longer to arrive.
        assertThat(until("a")).isEqualTo(30_000);
        post("alice", "one", 2, "same", run("a", 30_000));
        assertThat(until("a")).isEqualTo(30_000);
        later(Duration.ofSeconds(10));
        post("alice", "one", 3, "same", run("a", 29_900));
        assertThat(until("a")).isEqualTo(40_300);
        post("alice", "one", 4, "same", run("a", 0));
        assertThat(fleet.look().runs().get("a")).containsEntry("until", 0L);
    }

    /** A process that tells its lines to whoever reads. */
    private final class Process {

        private final ReportWriter writer = new ReportWriter("alice", Duration.ofMinutes(1), Ticker.SYSTEM);
        private final Map<String, String> lines = new LinkedHashMap<>();

        Process(String instance) {
            lines.put("w0", "{\"worker\":\"alice\",\"instance\":\"" + instance + "\",\"settings\":\"same\"}");
        }

        void post() {
            FleetBoard.Posting posting = writer.next(() -> "{\"worker\":\"alice\"}", out -> lines.forEach(out::line));
            writer.answered(
                    posting, store.board().post(posting).toCompletableFuture().join());
        }
    }

    @Test
    void what_a_worker_tells_line_by_line_is_shown_beside_what_another_one_says_of_itself() throws Exception {
        post("bob", "two", 0, "same", run("b", 30_000));
        Process alice = new Process("one");
        alice.post();
        assertThat(fleet.look().view().workers())
                .extracting(FleetView.Worker::name)
                .containsExactly("alice", "bob");
        alice.post();
        alice.lines.put("r1", "{\"owner\":\"a\",\"job\":\"job\",\"end\":" + (alice.writer.clock() + 3_600_000) + "}");
        alice.lines.put("z1", "what a later version says");
        alice.post();
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.runs()).containsOnlyKeys("a", "b");
        assertThat((Long) seen.runs().get("a").get("until"))
                .isBetween(NOW.toEpochMilli() + 3_590_000, NOW.toEpochMilli() + 3_610_000);
        assertThat(seen.view().warnings()).isEmpty();
        alice.lines.remove("r1");
        alice.post();
        assertThat(fleet.look().runs()).containsOnlyKeys("b");
        alice.lines.put("r2", "no run");
        alice.post();
        assertThat(fleet.look().view().warnings()).singleElement().asString().contains("worker alice cannot be read");
    }

    /** Whoever writes to the namespace can put them up. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "w0 null",
                "a1 null",
                "r1 null",
                "r1 17",
                "e1 x",
                "q1 null",
                "q1 []",
                "v1 null",
                "c1 null",
                "c1 {}",
                "j1 null",
                "p1 null",
                "p1 1 null",
                "p1 x {}"
            })
    void lines_that_are_none_of_a_report_do_not_hide_the_other_workers(String line) throws Exception {
        post("bob", "two", 0, "same", run("b", 30_000));
        fleet.look();
        Process alice = new Process("one");
        alice.post();
        fleet.look();
        int space = line.indexOf(' ');
        alice.lines.put(line.substring(0, space), line.substring(space + 1));
        alice.post();
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.runs()).containsOnlyKeys("b");
        assertThat(seen.view().warnings()).singleElement().asString().contains("worker alice cannot be read");
    }

    @Test
    void a_worker_that_starts_again_under_its_name_is_what_it_is_now_and_two_of_one_name_are_warned_about()
            throws Exception {
        fleet.look();
        Process before = new Process("one");
        before.post();
        before.lines.put("r1", "{\"owner\":\"old\",\"end\":1}");
        before.post();
        assertThat(fleet.look().runs()).containsOnlyKeys("old");
        Process after = new Process("two");
        after.post();
        after.lines.put("r1", "{\"owner\":\"new\",\"end\":1}");
        after.post();
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.runs()).containsOnlyKeys("new");
        assertThat(seen.view().warnings()).isEmpty();
        // It has not ended: each of them finds that the board does not have what it has put up.
        before.post();
        before.post();
        assertThat(fleet.look().view().warnings()).singleElement().asString().contains("two workers are named alice");
    }

    @Test
    void workers_whose_settings_differ_are_warned_about() throws Exception {
        post("alice", "one", 1, "longestTtl=30000ms");
        post("bob", "two", 1, "longestTtl=60000ms");
        assertThat(fleet.look().view().warnings())
                .singleElement()
                .asString()
                .contains("different settings", "longestTtl=30000ms", "longestTtl=60000ms");
    }

    @Test
    void two_workers_of_one_name_are_warned_about_but_not_one_that_was_restarted() throws Exception {
        post("alice", "one", 1, "same");
        fleet.look();
        post("alice", "two", 1, "same");
        assertThat(fleet.look().view().warnings()).isEmpty();
        post("alice", "one", 2, "same");
        assertThat(fleet.look().view().warnings()).singleElement().asString().contains("two workers are named alice");
    }

    @Test
    void a_report_that_cannot_be_read_is_told_and_the_others_are_shown() throws Exception {
        post("old", "{\"worker\": 7, \"runs\": \"?\"");
        post("alice", "one", 1, "same", run("a", 30_000));
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.view().warnings()).singleElement().asString().contains("worker old cannot be read");
        assertThat(seen.runs()).containsOnlyKeys("a");
    }

    @Test
    void odd_reports_hide_no_others() throws Exception {
        post("null", "null");
        post("nameless", "{\"instance\":\"i\",\"number\":1}");
        post("number", "17");
        post(
                "holes",
                "{\"worker\":\"holes\",\"runs\":[null,{}],\"waiting\":[null,{}],\"events\":[null,{}],"
                        + "\"chart\":{\"step\":30,\"runs\":[null]}}");
        post("alice", "one", 1, "same", run("a", 30_000));
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.view().warnings())
                .filteredOn(warning -> warning.contains("cannot be read"))
                .hasSize(3);
        assertThat(seen.runs()).containsKey("a");
        assertThat(seen.view().workers()).extracting(FleetView.Worker::name).contains("alice", "holes");
    }

    @Test
    void what_is_usual_among_replicas_pushes_out_nothing_else() throws Exception {
        for (int n = 0; n < 20; n++) {
            List<Report.Event> all = new ArrayList<>();
            for (int m = 0; m < 30; m++) {
                all.add(new Report.Event(1000 + m, "refused", "job", "k", "RUNNING", "r", "", null));
            }
            all.add(new Report.Event(n, "lost", "job", "k", "NOT_RENEWED", "r", "", null));
            Report.Chart none = new Report.Chart(30, 0, List.of(), List.of(), List.of());
            post(
                    "worker-" + n,
                    json.writeValueAsString(new Report(
                            "worker-" + n, "i", 1, "s", false, 0, List.of(), List.of(), all, none, List.of())));
        }
        assertThat(fleet.look().view().events())
                .hasSizeLessThan(200)
                .filteredOn(event -> "lost".equals(event.get("what")))
                .hasSize(20);
    }

    @Test
    void a_report_of_a_later_version_with_further_fields_is_read() throws Exception {
        post(
                "next",
                "{\"worker\":\"next\",\"instance\":\"i\",\"number\":1,\"settings\":\"s\",\"active\":0,\"colour\":\"red\","
                        + "\"runs\":[],\"waiting\":[],\"events\":[],\"chart\":{\"step\":30,\"from\":0,\"runs\":[],\"refused\":[],\"lost\":[]}}");
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.view().warnings()).isEmpty();
        assertThat(seen.view().workers()).extracting(FleetView.Worker::name).containsExactly("next");
    }

    @Test
    void a_report_that_lacks_what_an_earlier_version_did_not_know_is_read() throws Exception {
        post("past", "{\"worker\":\"past\",\"instance\":\"i\",\"number\":1,\"settings\":\"s\",\"active\":2}");
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.view().workers()).extracting(FleetView.Worker::active).containsExactly(2);
    }

    @Test
    void the_charts_of_workers_are_added_by_time() throws Exception {
        List<Integer> ones = java.util.Collections.nCopies(RunHistory.STEPS, 1);
        long first = NOW.getEpochSecond() - (RunHistory.STEPS - 1L) * RunHistory.STEP_SECONDS;
        for (int late : new int[] {-1, 0, 1000}) {
            post(
                    "worker-" + late,
                    json.writeValueAsString(new Report(
                            "worker-" + late,
                            "i",
                            1,
                            "s",
                            false,
                            0,
                            List.of(),
                            List.of(),
                            List.of(),
                            new Report.Chart(
                                    RunHistory.STEP_SECONDS,
                                    first + (long) late * RunHistory.STEP_SECONDS,
                                    ones,
                                    ones,
                                    ones),
                            List.of())));
        }
        Report.Chart sum = fleet.look().view().chart();
        // One worker is a step behind, and the clock of another one is hours ahead.
        assertThat(sum.from()).isEqualTo(first);
        assertThat(sum.runs()).startsWith(2, 2).endsWith(2, 1).hasSize(RunHistory.STEPS);
    }

    @Test
    void trouble_of_store_and_ledger_is_shown_and_what_was_known_stays() throws Exception {
        post("alice", "one", 1, "same", run("a", 30_000));
        fleet.look();
        store.close();
        ledger.close();
        Fleet.Snapshot seen = fleet.look();
        assertThat(seen.runs()).containsOnlyKeys("a");
        assertThat(seen.view().warnings())
                .anySatisfy(warning -> assertThat(warning).contains("said last"));
        assertThat(seen.view().servers())
                .singleElement()
                .satisfies(server -> assertThat(server.up()).isFalse());
        assertThat(seen.view().ledger().up()).isFalse();
    }
}
