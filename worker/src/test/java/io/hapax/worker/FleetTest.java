package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.FreePort;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.storage.StorageProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Real worker processes that are asked to end, frozen and killed. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class FleetTest {

    /** Where a test waits until a lease has expired. What piles up behind it takes its turns for much longer. */
    private static final Duration SHORT_TTL = Duration.ofSeconds(3);
    /** The same, where a process must not lose its lease though it stands still for some seconds. */
    private static final Duration LONGER_TTL = Duration.ofSeconds(6);

    @TempDir
    private Path logs;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final String jdbcUrl = newDatabase();
    private final HikariDataSource database = DemoCommand.pool(jdbcUrl);
    private final Observations observations = new Observations(database);
    private final List<Replica> fleet = new ArrayList<>();
    private Duration ttl = Duration.ofSeconds(30);

    /** An empty database of the server that the tests share, with the credentials in its address. */
    static String newDatabase() {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("worker_" + UUID.randomUUID().toString().substring(0, 8));
        return database.jdbcUrl() + "?user=" + database.user() + "&password=" + database.password();
    }

    @BeforeEach
    void createTables() {
        observations.createTables();
    }

    @AfterEach
    void stop() {
        fleet.forEach(Replica::close);
        database.close();
        redis.close();
    }

    private Replica start(String name, String... more) {
        return start(name, Duration.ofSeconds(10), more);
    }

    private Replica start(String name, Duration grace, String... more) {
        return start(name, grace, Map.of(), more);
    }

    /** Its long jobs last until it has ended, however long that takes. */
    private Replica startEndlessly(String name, Duration grace, String... more) {
        return start(name, grace, lasting(120), more);
    }

    private static Map<String, String> lasting(int seconds) {
        return Map.of("JAVA_TOOL_OPTIONS", "-Dhapax.sample.seconds=" + seconds);
    }

    private Replica start(String name, Duration grace, Map<String, String> environment, String... more) {
        List<String> options = new ArrayList<>(List.of(
                "--redis",
                redis.url(),
                "--database",
                jdbcUrl,
                "--first-start",
                WallClock.now().toString(),
                "--ttl",
                ttl.toSeconds() + "s",
                "--jobrunr-poll",
                "1s",
                "--checkin",
                "1s",
                "--shutdown-grace",
                grace.toMillis() + "ms",
                "--record",
                "test"));
        options.addAll(List.of(more));
        Replica replica = Replica.start(name, logs, options, environment);
        fleet.add(replica);
        await().atMost(Duration.ofMinutes(2)).until(replica::isUp);
        return replica;
    }

    private List<ObservedRun> runs(Predicate<ObservedRun> filter) {
        return observations.of("test").stream().filter(filter).toList();
    }

    private ObservedRun awaitRun(Predicate<ObservedRun> filter) {
        return await().atMost(Duration.ofMinutes(2))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> runs(filter), found -> !found.isEmpty())
                .get(0);
    }

    /** The keys of all leases: by lock key, or by run key where there is no lock key. */
    private List<String> leases() {
        return redis.command("KEYS", "hapax:{*}:[lr]:*")
                .lines()
                .filter(line -> line.contains("hapax:"))
                .toList();
    }

    private Instant databaseTime() throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT clock_timestamp()")) {
            row.next();
            return row.getTimestamp(1).toInstant();
        }
    }

    @Test
    void a_worker_that_is_asked_to_end_finishes_its_runs_and_gives_its_leases_back_at_once() throws Exception {
        Replica worker = start("polite", Duration.ofSeconds(40));
        awaitRun(run -> run.kind() == Kind.REPORT
                && run.effectAt() == null
                && run.steps().size() >= 3);
        await().until(() -> !leases().isEmpty());
        worker.terminate();
        assertThat(worker.awaitEnd(90)).isTrue();
        assertThat(worker.exitCode()).isZero();
        assertThat(runs(run -> run.effectAt() == null)).isEmpty();
        assertThat(leases()).isEmpty();
        assertThat(worker.log()).doesNotContain("LEASE LOST").doesNotContain("could not be closed");
    }

    @Test
    void a_frozen_worker_loses_its_run_to_another_one_and_is_told_when_it_thaws() throws Exception {
        ttl = LONGER_TTL;
        // Long enough to be running when it is frozen.
        start("first", Duration.ofSeconds(10), lasting(8));
        start("second", Duration.ofSeconds(10), lasting(8));
        fleet.forEach(Replica::drain);
        try (StorageProvider storage = JobRunrStorage.on(database)) {
            new JobScheduler(storage).<SampleJobs.Queue>enqueue(jobs -> jobs.transfer(1, 1));
        }
        String holder = awaitRun(
                        run -> run.kind() == Kind.TRANSFER && run.steps().size() >= 3)
                .worker();
        Replica frozen = fleet.stream()
                .filter(each -> each.name().equals(holder))
                .findFirst()
                .orElseThrow();
        frozen.freeze();
        awaitRun(run -> run.kind() == Kind.TRANSFER && !run.worker().equals(holder) && run.effectAt() != null);
        Instant thawedAt = databaseTime();
        frozen.thaw();
        await().atMost(Duration.ofMinutes(1)).until(() -> frozen.log().contains("LEASE LOST"));
        assertThat(runs(run -> run.worker().equals(holder) && run.kind() == Kind.TRANSFER))
                .allSatisfy(run -> {
                    assertThat(run.effectAt()).isNull();
                    // A step whose statement was on its way when the process was frozen may arrive late.
                    assertThat(run.progressBetween(thawedAt, Instant.MAX)).isLessThan(2);
                });
        assertThat(runs(run -> run.kind() == Kind.TRANSFER && run.effectAt() != null))
                .hasSize(1);
        frozen.terminate();
        assertThat(frozen.awaitEnd(90)).isTrue();
    }

    @Test
    void when_a_worker_is_killed_its_key_is_free_after_the_ttl_and_its_occurrence_is_run_by_another_one()
            throws Exception {
        ttl = SHORT_TTL;
        start("first");
        start("second");
        ObservedRun running = awaitRun(run -> run.kind() == Kind.REPORT
                && run.effectAt() == null
                && run.steps().size() >= 3);
        Instant killedAt = databaseTime();
        fleet.stream().filter(each -> each.name().equals(running.worker())).forEach(Replica::kill);
        ObservedRun next = awaitRun(run -> run.kind() == Kind.REPORT
                && !run.worker().equals(running.worker())
                && run.begin().isAfter(killedAt));
        // Long after the ttl on a busy machine, but not for as long as a key that nobody frees.
        assertThat(next.begin()).isBetween(killedAt, killedAt.plus(SHORT_TTL).plusSeconds(40));
        // The very occurrence may have to wait for others under the same lock key, in no order. No more of them come
        // now:
        // on a busy machine each takes longer than from one firing to the next.
        fleet.stream().filter(each -> !each.name().equals(running.worker())).forEach(Replica::drain);
        awaitRun(run ->
                run.kind() == Kind.REPORT && run.occurrence().equals(running.occurrence()) && run.effectAt() != null);
        assertThat(runs(run -> run.occurrence().equals(running.occurrence())
                        && run.kind() == Kind.REPORT
                        && run.effectAt() != null))
                .hasSize(1);
    }

    @Test
    void when_one_worker_of_a_cluster_ends_the_others_go_on_to_fire_its_jobs() throws Exception {
        Replica leaving = start("leaving", "--quartz-store", "jdbc", "--jobrunr", "off");
        start("staying", "--quartz-store", "jdbc", "--jobrunr", "off");
        awaitRun(run -> run.kind() == Kind.CLUSTER);
        leaving.terminate();
        assertThat(leaving.awaitEnd(60)).isTrue();
        Instant left = databaseTime();
        assertThat(awaitRun(run -> run.kind() == Kind.CLUSTER && run.begin().isAfter(left))
                        .worker())
                .isEqualTo("staying");
    }

    @Test
    void a_run_that_does_not_end_within_the_grace_does_not_keep_its_worker_from_ending() throws Exception {
        Replica worker =
                startEndlessly("impatient", Duration.ofMillis(500), "--quartz-store", "jdbc", "--jobrunr", "off");
        awaitRun(run -> run.kind() == Kind.CLUSTER && run.effectAt() == null);
        worker.terminate();
        assertThat(worker.awaitEnd(60)).isTrue();
        assertThat(worker.exitCode()).isZero();
        // On a busy machine the next one may have started as well.
        assertThat(worker.log()).containsPattern("[1-9] job\\(s\\) of scheduler cluster did not end within PT0\\.5S");
        // It takes two minutes, and was not waited for.
        assertThat(runs(run -> run.effectAt() != null && run.kind() == Kind.CLUSTER))
                .isEmpty();
    }

    @Test
    void a_queued_job_that_does_not_end_within_the_grace_is_interrupted_and_done_by_another_worker() throws Exception {
        Replica leaving = startEndlessly("leaving", Duration.ofMillis(500), "--quartz-store", "none");
        try (StorageProvider storage = JobRunrStorage.on(database)) {
            new JobScheduler(storage).<SampleJobs.Queue>enqueue(jobs -> jobs.transfer(1, 1));
        }
        awaitRun(run -> run.kind() == Kind.TRANSFER && run.steps().size() >= 3);
        assertThat(leases()).hasSize(1);
        leaving.terminate();
        assertThat(leaving.awaitEnd(60)).isTrue();
        assertThat(leaving.exitCode()).isZero();
        // It takes two minutes, and was not waited for.
        assertThat(runs(run -> run.effectAt() != null)).isEmpty();
        assertThat(leases()).isEmpty();
        start("staying", "--quartz-store", "none");
        assertThat(awaitRun(run -> run.effectAt() != null).worker()).isEqualTo("staying");
    }

    @Test
    void health_is_503_while_redis_does_not_answer() throws Exception {
        int port = FreePort.next();
        start("healthy", "--quartz-store", "none", "--jobrunr", "off", "--http-port", Integer.toString(port));
        HttpResponse<String> up =
                await().atMost(Duration.ofMinutes(1)).until(() -> health(port), answer -> answer.statusCode() == 200);
        assertThat(up.body()).isEqualTo("{\"status\":\"UP\",\"worker\":\"healthy\",\"activeRuns\":0}\n");
        redis.freeze();
        assertThat(health(port).statusCode()).isEqualTo(503);
        assertThat(health(port).body()).contains("\"status\":\"DOWN\"");
        redis.thaw();
        await().atMost(Duration.ofMinutes(1)).until(() -> health(port).statusCode() == 200);
    }

    private static HttpResponse<String> health(int port) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + port + "/health");
        HttpRequest request =
                HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(40)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }
}
