package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.ReportWriter;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code hapax watch} beside workers that report, and beside some that do not. */
@Tag("slow")
class WatchCommandTest {

    private static final Duration LONG = Duration.ofMinutes(10);

    @TempDir
    private Path folder;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = RedissonLeaseStore.builder()
            .url(redis.url())
            .namespace("shop")
            .longestTtl(LONG)
            .answerTimeout(Duration.ofSeconds(10))
            .firstStart(WallClock.now())
            .build();

    @BeforeEach
    void hold() {
        LeaseRequest request = new LeaseRequest(
                new JobIdentity(new LockKey("invoice/42"), null), OwnerId.random(), "4711@host-2", LONG, false);
        assertThat(store.acquire(request).toCompletableFuture().join()).isInstanceOf(Acquisition.Granted.class);
    }

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    private void report(String worker, String more) {
        store.board()
                .post(FleetBoard.Posting.of(
                        worker, "{\"worker\":\"" + worker + "\",\"number\":1," + more + "}", Duration.ofHours(1)))
                .toCompletableFuture()
                .join();
    }

    private void report() {
        long now = WallClock.now().toEpochMilli();
        report(
                "alice",
                "\"active\":2,\"runs\":[{\"job\":\"nightly\",\"lock\":\"report\",\"run\":\"\",\"since\":"
                        + (now - 62_000)
                        + ",\"left\":24000},{\"job\":\"import\",\"lock\":\"\",\"run\":\"import@7\",\"since\":" + now
                        + ",\"left\":0}],\"waiting\":[{\"job\":\"weekly\",\"lock\":\"report\",\"run\":\"\",\"waited\":3000,"
                        + "\"reason\":\"the key is held by alice\"}],\"chart\":{\"runs\":[3,4],\"refused\":[1],\"lost\":[]}");
        report(
                "bob",
                "\"active\":1,\"runs\":null,\"from\":\"a later version\",\"events\":[{\"at\":" + (now - 9_000)
                        + ",\"what\":\"refused\",\"job\":\"nightly\",\"keys\":\"lock report\",\"why\":\"OVERLAP\",\"reason\":\"held\"},"
                        + "{\"at\":" + now + ",\"what\":\"refused\",\"job\":\"usual\",\"why\":\"DONE\"},"
                        + "{\"at\":" + (now - 5_000)
                        + ",\"what\":\"lost\",\"job\":\"import\",\"keys\":\"run import@6\",\"why\":\"GONE\"}],"
                        + "\"chart\":{\"runs\":[10],\"refused\":[2],\"lost\":[1]}");
        store.board()
                .post(FleetBoard.Posting.of("not ours", "no report", LONG))
                .toCompletableFuture()
                .join();
    }

    private Answered watch(String... arguments) {
        return Answered.by(arguments, new String[] {"--redis", redis.url(), "--namespace", "shop"});
    }

    @Test
    void what_runs_waits_and_was_refused_or_lost_is_in_one_table() {
        report();
        Answered once = watch("watch", "--once");
        assertThat(once.code()).isZero();
        assertThat(once.err()).isEmpty();
        assertThat(once.out().lines().toList().get(0))
                .matches("\\S+Z {2}namespace shop: 2 workers, 3 running, 1 waiting");
        assertThat(once.out())
                .contains("in the last hour 17 started, 3 refused, 1 lost\n")
                .containsPattern("running +nightly +report +alice +\\S+ +\\d+ m \\d+ s +24 s left\n")
                .containsPattern("running +import +import@7 +alice .* not renewed\n")
                .containsPattern("waiting +weekly +report +alice +\\S+ +3 s +the key is held by alice\n")
                .containsPattern(
                        "(?s)lost +import +run import@6 +bob .* GONE\nrefused +nightly +lock report +bob .* OVERLAP: held\n")
                .doesNotContain("usual");
        JsonNode document = watch("watch", "--once", "--json", "--limit", "1").json();
        assertThat(document.get("running").asInt()).isEqualTo(3);
        assertThat(document.get("complete").asBoolean()).isTrue();
        assertThat(document.get("rows")).hasSize(3);
    }

    /** As a worker with a console does, which says more as soon as somebody reads. */
    @Test
    void what_a_worker_says_line_by_line_is_shown_as_it_is_now() throws Exception {
        ReportWriter writer = new ReportWriter("alice", LONG, Ticker.SYSTEM);
        long now = WallClock.now().toEpochMilli();
        Map<String, String> lines = Map.of(
                "w0", "{\"worker\":\"alice\",\"observes\":false,\"colour\":\"of a later version\"}",
                "a0", "3",
                "r1", "{\"job\":\"nightly\",\"lock\":\"report\",\"run\":\"\",\"since\":" + now + ",\"end\":5000000}",
                "r2", "{\"job\":\"import\",\"lock\":\"\",\"run\":\"import@7\",\"since\":" + now + ",\"end\":0}",
                "r3", "{\"job\":\"long\",\"lock\":\"long\",\"run\":\"\",\"since\":" + now + ",\"end\":1000}",
                "e72000", "3",
                "q4",
                        "{\"job\":\"weekly\",\"lock\":\"report\",\"run\":\"\",\"from\":-60000,\"reason\":\"held by bob\"}",
                "v5",
                        "{\"at\":" + now
                                + ",\"what\":\"lost\",\"job\":\"import\",\"keys\":\"run import@6\",\"why\":\"GONE\"}",
                "c6", "[3,2,1]",
                "z7", "whatever a later version says");
        ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor();
        try {
            worker.scheduleWithFixedDelay(() -> post(writer, lines), 0, 100, TimeUnit.MILLISECONDS);
            // On a busy machine it may post too late for the first looks.
            Answered once = await().atMost(Duration.ofMinutes(2))
                    .until(
                            () -> watch("watch", "--once"),
                            answered -> answered.out().contains("nightly"));
            assertThat(once.err()).isEmpty();
            assertThat(once.out())
                    .contains("namespace shop: 1 worker, 3 running, 1 waiting\n")
                    .contains("in the last hour 3 started, 2 refused, 1 lost\n")
                    .containsPattern("running +nightly +report +alice +.* 1 h 2\\d m( \\d+ s)? left\n")
                    .containsPattern("running +import +import@7 +alice .* not renewed\n")
                    .containsPattern("running +long +long +alice .* (2 h|1 h 5\\d m).* left\n")
                    .containsPattern("waiting +weekly +report +alice +\\S+ +\\d m.*held by bob\n")
                    .containsPattern("lost +import +run import@6 +alice .* GONE\n");
        } finally {
            worker.shutdownNow();
        }
    }

    @Test
    void runs_of_which_no_worker_has_told_more_yet_are_explained() {
        report("alice", "\"active\":2");
        Answered once = watch("watch", "--once");
        assertThat(once.err()).isEmpty();
        assertThat(once.out())
                .contains("namespace shop: 1 worker, 2 running, 0 waiting\n")
                .contains("No worker has reported yet what it runs; look again in a few seconds.\n");
        report();
        assertThat(watch("watch", "--once").out())
                .contains("2 workers, 3 running")
                .doesNotContain("No worker has reported");
    }

    private void post(ReportWriter writer, Map<String, String> lines) {
        FleetBoard.Posting posting = writer.next(() -> "{\"worker\":\"alice\"}", out -> lines.forEach(out::line));
        writer.answered(
                posting, store.board().post(posting).toCompletableFuture().join());
    }

    /** It comes too late for the first change that others were told, and has to ask for all of it. */
    @Test
    void what_a_worker_says_to_other_readers_already_is_shown_as_well() {
        store.board().news(Map.of(), LONG).toCompletableFuture().join();
        ReportWriter writer = new ReportWriter("alice", LONG, Ticker.SYSTEM);
        Map<String, String> lines = new ConcurrentHashMap<>(Map.of(
                "w0", "{\"worker\":\"alice\"}", "r1", "{\"job\":\"nightly\",\"lock\":\"report\",\"end\":5000000}"));
        post(writer, lines);
        for (int n = 0; n <= FleetBoard.CHANGES_KEPT; n++) {
            lines.put("a0", Integer.toString(n));
            post(writer, lines);
        }
        ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor();
        try {
            // As seldom as workers do that have much to do.
            worker.scheduleWithFixedDelay(() -> post(writer, lines), 1400, 1400, TimeUnit.MILLISECONDS);
            Answered once = watch("watch", "--once");
            assertThat(once.err()).isEmpty();
            assertThat(once.out()).containsPattern("running +nightly +report +alice ");
        } finally {
            worker.shutdownNow();
        }
    }

    /** Whoever writes to the namespace can put them up. */
    @ParameterizedTest
    @ValueSource(strings = {"w0", "r1", "q1", "c1"})
    void lines_that_are_none_of_a_report_do_not_hide_the_other_workers(String odd) {
        report();
        store.board().news(Map.of(), LONG).toCompletableFuture().join();
        ReportWriter writer = new ReportWriter("mallory", LONG, Ticker.SYSTEM);
        post(writer, Map.of(odd, "null"));
        post(writer, Map.of(odd, "null"));
        Answered once = watch("watch", "--once");
        assertThat(once.err()).isEmpty();
        assertThat(once.out()).contains("namespace shop: 2 workers, 3 running");
    }

    @Test
    void where_no_worker_reports_the_leases_are_shown() {
        Answered once = watch("watch", "--once");
        assertThat(once.out())
                .containsPattern("namespace shop: 1 running\n")
                .contains("No worker has a console")
                .containsPattern("running +invoice/42 +invoice/42 +4711@host-2 ");
        assertThat(watch("watch", "--every", "1ms").err()).contains("--every must be at least 200ms");
        assertThat(watch("watch", "--limit", "0").err()).contains("--limit must be at least 1");
    }

    /** What goes into a file has no escape sequences, and goes on while Redis does not answer. */
    @Test
    void it_is_shown_again_and_again_until_it_is_ended_whatever_redis_does() throws Exception {
        report();
        Map<String, String> environment = Map.of("REDIS_URL", redis.url(), "HAPAX_NAMESPACE", "shop");
        try (CommandProcesses watch = new CommandProcesses(folder("watch"), environment);
                CommandProcesses doctor = new CommandProcesses(folder("doctor"), environment)) {
            List<Process> both = List.of(
                    watch.start("watch", "--every", "1s"),
                    doctor.start("doctor", "--watch", "--no-ledger", "--every", "1s"));
            await().atMost(CommandProcesses.LONGEST)
                    .until(() ->
                            times(watch, "2 workers, 3 running") > 2 && times(doctor, "namespace shop: 0 errors") > 1);
            redis.freeze();
            await().atMost(CommandProcesses.LONGEST)
                    .until(() -> watch.told("out").matches(".*\\d\\dZ: \\S.*")
                            && times(doctor, "namespace shop: 1 error") > 0);
            redis.thaw();
            int before = times(watch, "3 running");
            await().atMost(CommandProcesses.LONGEST).until(() -> times(watch, "3 running") > before);
            for (Process process : both) {
                CommandProcesses.signal("TERM", process);
                assertThat(CommandProcesses.ended(process)).isEqualTo(128 + 15);
            }
            assertThat(watch.told("out")).doesNotContain("\u001b");
        }
    }

    private Path folder(String name) throws IOException {
        return Files.createDirectory(folder.resolve(name));
    }

    private static int times(CommandProcesses command, String text) throws IOException {
        return command.told("out").split(text, -1).length - 1;
    }
}
