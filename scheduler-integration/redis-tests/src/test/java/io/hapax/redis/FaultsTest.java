package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LeaseStoreProvider;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;

/** What happens to runs when Redis is killed, frozen, emptied, locked or not there. */
@Isolated
@Tag("slow")
class FaultsTest {

    private static final Duration TTL = Duration.ofSeconds(2);
    /** A renewal can just be tried twice. */
    private static final Duration ANSWER_TIMEOUT = Duration.ofMillis(400);

    private static final Duration LONGEST_TTL = Duration.ofSeconds(4);
    /** Of runs that have to keep their leases while servers stop and start. */
    private static final Duration LONG_TTL = Duration.ofSeconds(16);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = Fixture.opened(() -> Fixture.store(redis.url())
            .answerTimeout(ANSWER_TIMEOUT)
            .longestTtl(LONGEST_TTL)
            .firstStart(WallClock.now())
            .build());
    private final JobGuard guard =
            JobGuard.builder(store).defaults(o -> o.withTtl(TTL)).build();
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    FaultsTest() {
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        ((Logger) LoggerFactory.getLogger("io.hapax")).addAppender(lines);
    }

    @AfterEach
    void stop() {
        ((Logger) LoggerFactory.getLogger("io.hapax")).detachAppender(lines);
        guard.close();
        store.close();
        redis.close();
    }

    private List<String> warnings() {
        return lines.list.stream()
                .filter(line -> line.getLevel().isGreaterOrEqual(Level.WARN))
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    /** Waits as long for an answer as its guard's ttl allows: for tests in which Redis does answer. */
    private RedissonLeaseStore patient() {
        RedissonLeaseStore patient = Fixture.store(redis.url())
                .answerTimeout(LONG_TTL.dividedBy(5))
                .longestTtl(LONG_TTL)
                .firstStart(WallClock.now())
                .build();
        lines.list.clear();
        return patient;
    }

    private static JobGuard guard(LeaseStore patient) {
        return JobGuard.builder(patient).defaults(o -> o.withTtl(LONG_TTL)).build();
    }

    private static String leaseOf(String occurrence, RedissonLeaseStore of) {
        return "hapax:{" + of.namespace() + ":0}:r:" + occurrence;
    }

    private void assertFailsClosedWithOneLine(JobGuard asked, String why) throws InterruptedException {
        long start = System.nanoTime();
        Admission admission = asked.admit(RunRequest.lock("closed").job("report"));
        assertThat(admission).isInstanceOfSatisfying(Admission.Refused.class, refused -> {
            assertThat(refused.refusal().verdict()).isEqualTo(Verdict.UNAVAILABLE);
            assertThat(refused.refusal().cause()).hasMessageContaining(why);
        });
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        assertThat(warnings()).singleElement().asString().contains("not run job=report", "UNAVAILABLE", why);
    }

    private static GuardedRun admitted(JobGuard asked, String key) throws InterruptedException {
        return asked.admit(RunRequest.occurrence(key)).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    @Test
    void a_killed_redis_refuses_new_runs_with_one_line_and_works_again_after_a_restart() throws Exception {
        redis.kill();
        assertFailsClosedWithOneLine(guard, "");
        redis.restart();
        await().until(() -> guard.admit(RunRequest.lock("later")) instanceof Admission.Admitted);
    }

    @Test
    void a_frozen_redis_refuses_new_runs_within_the_answer_timeout() throws Exception {
        redis.freeze();
        assertFailsClosedWithOneLine(guard, "no answer within 400 ms");
        redis.thaw();
        await().until(() -> guard.admit(RunRequest.lock("later")) instanceof Admission.Admitted);
    }

    @Test
    void a_run_may_fail_open_and_says_so() throws Exception {
        redis.freeze();
        var result = guard.run(
                RunRequest.lock("k").tune(o -> o.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)), run -> run.guarded());
        redis.thaw();
        assertThat(result.ran()).isTrue();
        assertThat(warnings()).singleElement().asString().contains("UNGUARDED (fail open)");
    }

    @Test
    void a_run_rides_out_a_short_freeze_and_completes() throws Exception {
        try (RedissonLeaseStore patient = patient();
                JobGuard steady = guard(patient)) {
            GuardedRun run = admitted(steady, "blip");
            try (var scope = run.enter()) {
                redis.freeze();
                // Its first renewal is under way then.
                Duration freeze = LONG_TTL.dividedBy(3).plusMillis(500);
                await().pollDelay(freeze).until(() -> true);
                redis.thaw();
                long leftOtherwise = LONG_TTL.minus(freeze).toMillis();
                await().until(() ->
                        Long.parseLong(redis.command("PTTL", leaseOf("blip", patient))) > leftOtherwise + 500);
                run.ensureHeld();
                Fixture.complete(run, patient, Fixture.run("blip"));
            }
        }
    }

    @Test
    void a_run_whose_redis_is_killed_is_told_before_its_lease_could_end_and_tries_only_now_and_then() throws Exception {
        Fastest.time(TTL, this::timeToLoss);
    }

    private Duration timeToLoss() throws Exception {
        RunRequest request = RunRequest.occurrence("killed").tune(o -> o.withOnLeaseLost(OnLeaseLost.SIGNAL));
        // After another try Redis has forgotten everything, and grants nothing for a while.
        GuardedRun run = await().pollInSameThread()
                .until(
                        () -> guard.admit(request).fold(admitted -> admitted, refusal -> null),
                        admitted -> admitted != null);
        lines.list.clear();
        CompletableFuture<Long> told = new CompletableFuture<>();
        long start = System.nanoTime();
        run.onLeaseLost(loss -> told.complete(System.nanoTime() - start));
        try (var scope = run.enter()) {
            redis.kill();
            assertThat(told).succeedsWithin(Duration.ofMinutes(1));
            assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        }
        await().untilAsserted(() ->
                assertThat(warnings()).hasSizeLessThan(4).anyMatch(line -> line.startsWith("LEASE LOST job=killed")));
        redis.restart();
        return Duration.ofNanos(told.get());
    }

    @Test
    void a_run_whose_redis_restarts_empty_reasserts_its_lease_and_nobody_else_is_let_in() throws Exception {
        try (RedissonLeaseStore patient = patient();
                JobGuard steady = guard(patient)) {
            GuardedRun run = admitted(steady, "restart");
            try (var scope = run.enter()) {
                redis.restartEmpty();
                await().until(() ->
                        redis.command("EXISTS", leaseOf("restart", patient)).equals("1"));
                run.ensureHeld();
                try (RedissonLeaseStore other = Fixture.store(redis.url())
                        .namespace(patient.namespace())
                        .longestTtl(LONG_TTL)
                        .firstStart(WallClock.now())
                        .build()) {
                    assertThat(acquire(other, Fixture.run("restart"))).isInstanceOf(Acquisition.Held.class);
                }
                Fixture.complete(run, patient, Fixture.run("restart"));
            }
        }
    }

    @Test
    void a_completion_during_a_freeze_is_noted_when_redis_is_back() throws Exception {
        try (RedissonLeaseStore patient = patient();
                JobGuard steady = guard(patient)) {
            GuardedRun run = admitted(steady, "frozen-end");
            try (var scope = run.enter()) {
                redis.freeze();
                assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
            }
            redis.thaw();
            await().ignoreExceptions()
                    .untilAsserted(() -> assertThat(acquire(patient, Fixture.run("frozen-end")))
                            .isInstanceOf(Acquisition.Done.class));
        }
    }

    @Test
    void a_flushed_script_cache_is_not_noticed() {
        try (RedissonLeaseStore patient = patient()) {
            Lease lease = granted(patient, lock("k"));
            redis.command("SCRIPT", "FLUSH");
            assertThat(get(patient.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
            redis.command("SCRIPT", "FLUSH");
            assertThat(get(patient.release(lease, Ending.NOT_DONE))).isTrue();
            redis.command("SCRIPT", "FLUSH");
            granted(patient, lock("k"));
        }
    }

    @Test
    void a_key_with_a_foreign_value_makes_trouble_for_itself_alone() {
        try (RedissonLeaseStore patient = patient()) {
            Lease good = granted(patient, lock("good"));
            Lease bad = granted(patient, lock("bad"));
            String key = "hapax:{" + patient.namespace() + ":0}:l:bad";
            redis.command("DEL", key);
            redis.command("LPUSH", key, "x");
            assertThat(get(patient.renew(List.of(bad, good))))
                    .satisfiesExactly(
                            first -> assertThat(first).isInstanceOf(Renewal.Unknown.class),
                            second -> assertThat(second).isEqualTo(new Renewal.Renewed(false)));
        }
    }

    @Test
    void a_wrong_password_is_told_at_start_and_shown_nowhere() {
        redis.command("CONFIG", "SET", "requirepass", "right");
        redis.authenticate("right");
        for (String url : List.of("redis://:wrong@127.0.0.1:" + redis.port(), redis.url())) {
            assertThatThrownBy(() -> RedissonLeaseStore.connect(url, "redis-test"))
                    .isInstanceOf(LeaseStoreException.class)
                    .hasMessageContaining("127.0.0.1:" + redis.port())
                    .hasMessageContaining("password")
                    .hasMessageNotContaining("wrong@")
                    .hasMessageContaining("redis://");
        }
        RedissonLeaseStore.connect("redis://:right@127.0.0.1:" + redis.port(), "redis-test")
                .close();
    }

    @Test
    void a_wrong_host_or_port_is_told_at_start() {
        assertThatThrownBy(() -> RedissonLeaseStore.connect("redis://127.0.0.1:1", "redis-test"))
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("127.0.0.1:1")
                .hasMessageContaining("connection refused");
        assertThatThrownBy(() -> RedissonLeaseStore.connect("redis://no-such-host.invalid:6379", "redis-test"))
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("no-such-host.invalid:6379");
    }

    @Test
    void a_wrong_address_or_setting_is_refused_with_the_right_form() {
        for (String wrong : List.of("http://host", "redis://", "redis://host:6379/x", "redis:// host")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> RedissonLeaseStore.connect(wrong, "redis-test"))
                    .withMessageContaining("redis://user:password@host:6379/0");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        RedissonLeaseStore.builder().namespace("redis-test").build())
                .withMessageContaining("exactly one of url, yaml, config and client");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Fixture.store(redis.url()).namespace("a b").build())
                .withMessageContaining("setting namespace: 'a b'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LeaseStoreProvider.openStore(redis.url(), Map.of("timeout", "2s")))
                .withMessageContaining("unknown setting 'timeout'")
                .withMessageContaining("answerTimeout");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> store.acquire(Fixture.request(lock("k"), Duration.ofSeconds(5))))
                .withMessageContaining("longestTtl");
    }

    @Test
    void a_store_is_found_by_its_address() {
        try (LeaseStore found = LeaseStoreProvider.openStore(
                redis.url(),
                Map.of(
                        "namespace",
                        "found",
                        "answerTimeout",
                        "5s",
                        "longestTtl",
                        "PT1M",
                        "firstStart",
                        WallClock.now().toString()))) {
            granted(found, lock("k"));
            assertThat(found.answerTimeout()).isEqualTo(Duration.ofSeconds(5));
        }
    }

    @Test
    void a_lazy_store_starts_while_redis_is_away_and_works_once_it_is_there() throws Exception {
        redis.kill();
        try (RedissonLeaseStore lazy = Fixture.store(redis.url())
                .lazy(true)
                .firstStart(WallClock.now())
                .build()) {
            assertThatThrownBy(() -> acquire(lazy, lock("k"))).hasCauseInstanceOf(LeaseStoreException.class);
            redis.restart();
            await().ignoreExceptions().untilAsserted(() -> granted(lazy, lock("k")));
        }
    }

    @Test
    void a_right_that_is_taken_away_later_refuses_runs_with_a_clear_line() throws Exception {
        try (RedissonLeaseStore patient = patient();
                JobGuard steady = guard(patient)) {
            redis.command("ACL SETUSER default -evalsha -eval".split(" "));
            assertFailsClosedWithOneLine(steady, "no permission");
        }
    }

    @Test
    void a_full_memory_refuses_runs_with_a_clear_line() throws Exception {
        try (RedissonLeaseStore patient = patient();
                JobGuard steady = guard(patient)) {
            redis.command("CONFIG", "SET", "maxmemory", "1");
            assertFailsClosedWithOneLine(steady, "memory is full");
        }
    }
}
