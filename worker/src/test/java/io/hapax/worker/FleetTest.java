package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Predicate;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.storage.StorageProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real worker processes that are asked to end, frozen and killed. Leases live 3 s. */
class FleetTest {

    private static final Duration TTL = Duration.ofSeconds(3);

    @TempDir
    private Path logs;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final String jdbcUrl = DemoServers.url(EmbeddedDatabase.shared()
            .createDatabase("fleet_" + UUID.randomUUID().toString().substring(0, 8)));
    private final HikariDataSource database = DemoCommand.pool(jdbcUrl);
    private final Observations observations = new Observations(database);
    private final List<Replica> fleet = new ArrayList<>();

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

    private Replica start(String name) {
        Replica replica = Replica.start(
                name,
                logs,
                List.of(
                        "--redis", redis.url(),
                        "--database", jdbcUrl,
                        "--fresh", "on",
                        "--ttl", TTL.toSeconds() + "s",
                        "--jobrunr-poll", "1s",
                        "--checkin", "1s",
                        "--shutdown-grace", "10s",
                        "--record", "test"));
        fleet.add(replica);
        await().atMost(Duration.ofSeconds(40)).until(replica::isUp);
        return replica;
    }

    private List<ObservedRun> runs(Predicate<ObservedRun> filter) {
        return observations.of("test").stream().filter(filter).toList();
    }

    private ObservedRun awaitRun(Predicate<ObservedRun> filter) {
        return await().atMost(Duration.ofSeconds(40))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> runs(filter), found -> !found.isEmpty())
                .get(0);
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
        Replica worker = start("polite");
        awaitRun(run -> run.kind() == Kind.REPORT
                && run.effectAt() == null
                && run.steps().size() >= 3);
        worker.terminate();
        assertThat(worker.awaitEnd(20)).isTrue();
        assertThat(worker.exitCode()).isZero();
        assertThat(runs(run -> run.effectAt() == null)).isEmpty();
        assertThat(redis.command("KEYS", "*:l:*")).doesNotContain("hapax");
        assertThat(worker.log()).doesNotContain("LEASE LOST").doesNotContain("could not be closed");
    }

    @Test
    void a_frozen_worker_loses_its_run_to_another_one_and_is_told_when_it_thaws() throws Exception {
        start("first");
        start("second");
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
        await().atMost(Duration.ofSeconds(10)).until(() -> frozen.log().contains("LEASE LOST"));
        assertThat(runs(run -> run.worker().equals(holder) && run.kind() == Kind.TRANSFER))
                .allSatisfy(run -> {
                    assertThat(run.effectAt()).isNull();
                    // A step whose statement was on its way when the process was frozen may arrive late.
                    assertThat(run.progressBetween(thawedAt, Instant.MAX)).isLessThan(2);
                });
        assertThat(runs(run -> run.kind() == Kind.TRANSFER && run.effectAt() != null))
                .hasSize(1);
        frozen.terminate();
        assertThat(frozen.awaitEnd(30)).isTrue();
    }

    @Test
    void when_a_worker_is_killed_its_key_is_free_after_the_ttl_and_its_occurrence_is_run_by_another_one()
            throws Exception {
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
        assertThat(next.begin()).isBetween(killedAt, killedAt.plus(TTL).plusSeconds(2));
        // The very occurrence may have to wait for others under the same lock key.
        awaitRun(run ->
                run.kind() == Kind.REPORT && run.occurrence().equals(running.occurrence()) && run.effectAt() != null);
        assertThat(runs(run -> run.occurrence().equals(running.occurrence())
                        && run.kind() == Kind.REPORT
                        && run.effectAt() != null))
                .hasSize(1);
    }

    @Test
    void when_one_worker_of_a_cluster_ends_the_others_go_on_to_fire_its_jobs() throws Exception {
        Replica leaving = start("leaving");
        start("staying");
        awaitRun(run -> run.kind() == Kind.CLUSTER);
        leaving.terminate();
        assertThat(leaving.awaitEnd(20)).isTrue();
        Instant left = databaseTime();
        assertThat(awaitRun(run -> run.kind() == Kind.CLUSTER && run.begin().isAfter(left))
                        .worker())
                .isEqualTo("staying");
    }
}
