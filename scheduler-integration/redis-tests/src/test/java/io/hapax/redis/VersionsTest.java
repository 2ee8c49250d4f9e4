package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static io.hapax.redis.Fixture.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers of two versions that follow each other, side by side on one server. */
@Tag("slow")
class VersionsTest {

    private static final int OLD = 1;
    private static final int NEW = 2;
    private static final String META = "hapax:{v:0}:m";
    /** Short enough that a quarantine after replaced settings lasts less than the minute that {@link #endQuarantine} takes off. */
    private static final Duration TTL = Duration.ofSeconds(20);

    private static final Ending DONE = Ending.done(Duration.ofHours(1));
    private static final Ending FAILED = Ending.failed(Duration.ofHours(1));
    private static final JobIdentity PAIR = new JobIdentity(new LockKey("k"), new RunKey("r"));

    private static final JobIdentity SLOT = new JobIdentity(new LockKey("rooms"), null, new Slot(2, 3));

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final List<RedissonLeaseStore> stores = new ArrayList<>();

    private RedissonLeaseStore.Builder settings(int format) {
        return Fixture.store(redis.url())
                .namespace("v")
                .longestTtl(TTL)
                .firstStart(WallClock.now())
                .format(format);
    }

    private RedissonLeaseStore open(RedissonLeaseStore.Builder builder) {
        RedissonLeaseStore store = builder.build();
        stores.add(store);
        return store;
    }

    private RedissonLeaseStore open(int format) {
        return open(settings(format));
    }

    /** After one of the old version, as in a rolling upgrade. */
    private RedissonLeaseStore first(int format) {
        open(OLD).close();
        return open(format);
    }

    private RedissonLeaseStore other(int format) {
        return open(format == OLD ? NEW : OLD);
    }

    @AfterEach
    void stop() {
        stores.forEach(RedissonLeaseStore::close);
        redis.close();
    }

    private static Acquisition acquire(RedissonLeaseStore store, JobIdentity identity) {
        return get(store.acquire(request(identity, TTL)));
    }

    private static Lease granted(RedissonLeaseStore store, JobIdentity identity) {
        Acquisition answer = acquire(store, identity);
        assertThat(answer).isInstanceOf(Acquisition.Granted.class);
        return ((Acquisition.Granted) answer).lease();
    }

    private static OccurrenceOutcome outcome(Acquisition answer) {
        assertThat(answer).isInstanceOf(Acquisition.Done.class);
        return ((Acquisition.Done) answer).outcome();
    }

    private String format() {
        return redis.command("HGET", META, "settings").split(" ")[0];
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void what_one_version_holds_the_other_finds_renews_and_gives_back(int version) {
        RedissonLeaseStore giver = first(version);
        RedissonLeaseStore taker = other(version);
        LeaseRequest request = request(PAIR, TTL);
        Lease lease = ((Acquisition.Granted) get(giver.acquire(request))).lease();

        assertThat(acquire(taker, PAIR)).isInstanceOfSatisfying(Acquisition.Held.class, held -> {
            assertThat(held.holder())
                    .isEqualTo(new Holder(lease.owner(), lease.token(), lease.worker(), "r", lease.since()));
            assertThat(held.sameRun()).isTrue();
        });
        assertThat(get(taker.acquire(request))).as("one ask, sent again").isEqualTo(new Acquisition.Granted(lease));
        assertThat(get(taker.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(get(giver.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(get(taker.release(lease, Ending.NOT_DONE))).isTrue();

        Lease next = granted(taker, PAIR);
        assertThat(next.token()).isGreaterThan(lease.token());
        assertThat(get(giver.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Gone.class);
        assertThat(get(giver.release(lease, DONE))).isFalse();
        assertThat(get(giver.admin().holder(PAIR)).map(Holder::owner)).contains(next.owner());
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void what_one_version_has_ended_is_over_for_the_other(int version) {
        RedissonLeaseStore giver = first(version);
        RedissonLeaseStore taker = other(version);
        for (Ending ending : List.of(DONE, FAILED)) {
            JobIdentity identity = run("r" + ending.outcome());
            Lease lease = granted(giver, identity);
            assertThat(get(giver.release(lease, ending))).isTrue();
            assertThat(get(taker.release(lease, ending))).as("sent again").isTrue();
            for (RedissonLeaseStore store : List.of(giver, taker)) {
                assertThat(outcome(acquire(store, identity)))
                        .as("a worker of the old version could not read that it failed")
                        .isEqualTo(OccurrenceOutcome.DONE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void who_waits_is_woken_by_the_other_version_and_gets_the_key(int version) {
        RedissonLeaseStore giver = first(version);
        RedissonLeaseStore taker = other(version);
        Lease lease = granted(giver, PAIR);
        LeaseRequest waiting = new LeaseRequest(PAIR, OwnerId.random(), "waiter", TTL, true);
        assertThat(get(taker.acquire(waiting))).isInstanceOf(Acquisition.Held.class);
        CompletionStage<Void> chance = taker.nextChance(PAIR, Duration.ofMinutes(1));
        assertThat(get(giver.release(lease, Ending.NOT_DONE))).isTrue();
        get(chance);
        granted(taker, PAIR);
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void operators_of_one_version_see_and_take_away_what_the_other_holds(int version) {
        RedissonLeaseStore giver = first(version);
        RedissonLeaseStore taker = other(version);
        Lease lease = granted(giver, PAIR);
        HeldLease seen = get(taker.admin().leases(10)).get(0);
        assertThat(seen.holder().owner()).isEqualTo(lease.owner());
        assertThat(get(taker.admin().forceRelease(seen, new Intervention("ann", "a test"))))
                .isPresent();
        assertThat(get(giver.admin().audit(10))).extracting(AuditEntry::subject).containsExactly("lock k");
        assertThat(get(giver.renew(List.of(lease)))).containsExactly(new Renewal.Gone(null));
        LeaseRequest lost = request(PAIR, TTL);
        get(giver.acquire(lost));
        get(taker.withdraw(lost));
        granted(taker, PAIR);
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void slots_are_the_same_for_both_versions_and_stated_without_their_limit(int version) {
        RedissonLeaseStore giver = first(version);
        RedissonLeaseStore taker = other(version);
        Lease lease = granted(giver, SLOT);
        assertThat(acquire(taker, SLOT)).isInstanceOf(Acquisition.Held.class);
        assertThat(get(taker.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(get(taker.admin().lease("rooms #2", false))
                        .orElseThrow()
                        .holder()
                        .owner())
                .isEqualTo(lease.owner());
        assertThat(get(taker.release(lease, Ending.NOT_DONE))).isTrue();
        granted(taker, SLOT);
    }

    @Test
    void an_examination_notes_that_the_newer_format_can_be_chosen() {
        first(NEW);
        assertThat(settings(NEW).examine(List.of())).anySatisfy(finding -> {
            assertThat(finding.severity()).isEqualTo(Severity.NOTE);
            assertThat(finding.toString()).contains("version before", "replaceSettings(true)");
        });
        open(settings(NEW).replaceSettings(true));
        assertThat(settings(NEW).examine(List.of()))
                .noneMatch(finding -> finding.problem().contains("version before"));
    }

    @Test
    void a_key_is_not_paused_while_there_may_be_workers_that_do_not_know_pauses() {
        RedissonLeaseStore current = first(NEW);
        Intervention ann = new Intervention("ann", "a test");
        assertThatThrownBy(() -> get(current.admin().pause(PAIR, TTL, ann)))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("Upgrade them");
        assertThat(get(current.admin().paused(PAIR))).isEmpty();
        granted(current, PAIR);
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void the_history_of_one_version_is_no_trouble_for_the_other(int version) {
        RedissonLeaseStore giver = first(version);
        RedissonLeaseStore taker = other(version);
        assertThat(get(giver.release(granted(giver, PAIR), FAILED.inHistoryOf("job"))))
                .isTrue();
        assertThat(get(taker.admin().history("job", 10)))
                .singleElement()
                .satisfies(run -> assertThat(run.outcome()).isEqualTo(OccurrenceOutcome.FAILED));
        assertThat(acquire(taker, PAIR)).isInstanceOf(Acquisition.Done.class);
    }

    /** They are called otherwise then: while nothing is granted, their holders say so. */
    @Test
    void slots_that_are_held_while_the_newer_format_is_chosen_stay_held() {
        RedissonLeaseStore running = first(NEW);
        Lease lease = granted(running, SLOT);
        assertThat(redis.command("KEYS", "*:s:*")).isEmpty();
        RedissonLeaseStore choosing = open(settings(NEW).replaceSettings(true));
        await().until(() -> {
            assertThat(get(running.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Renewed.class);
            return acquire(choosing, SLOT) instanceof Acquisition.Held;
        });
        assertThat(redis.command("GET", "hapax:{v:0}:s:2:rooms")).endsWith("|2|limit=3");
        endQuarantine();
        assertThat(acquire(choosing, SLOT)).isInstanceOf(Acquisition.Held.class);
        assertThat(get(running.release(lease, Ending.NOT_DONE))).isTrue();
        await().until(() -> acquire(choosing, SLOT) instanceof Acquisition.Granted);
    }

    @Test
    void a_server_that_forgets_everything_believes_both_and_keeps_the_older_format() {
        RedissonLeaseStore old = open(OLD);
        RedissonLeaseStore current = open(NEW);
        Lease one = granted(old, lock("one"));
        Lease two = granted(current, lock("two"));
        redis.command("FLUSHALL");
        assertThat(get(current.renew(List.of(two)))).containsExactly(new Renewal.Renewed(true));
        await().until(() -> redis.command("HEXISTS", META, "settings").equals("1"));
        assertThat(format()).isEqualTo("format=1");
        assertThat(get(old.renew(List.of(one)))).containsExactly(new Renewal.Renewed(true));
        assertThat(get(current.renew(List.of(one)))).containsExactly(new Renewal.Renewed(false));
        assertThat(acquire(old, lock("two"))).isInstanceOf(Acquisition.Held.class);
    }

    /** Old alone, mixed, new alone, mixed, old alone: at each step all that was done before holds. */
    @ParameterizedTest
    @CsvSource({"1 1, 1 2, 2 2, 2 1, 1 1", "1 1, 2 1, 2 2, 1 2, 1 1"})
    void a_rolling_upgrade_and_back_repeats_and_loses_nothing(String a, String b, String c, String d, String e) {
        List<JobIdentity> over = new ArrayList<>();
        List<FencingToken> tokens = new ArrayList<>();
        Lease handed = null;
        for (String stage : List.of(a, b, c, d, e)) {
            for (String version : stage.split(" ")) {
                try (RedissonLeaseStore worker =
                        settings(Integer.parseInt(version)).build()) {
                    assertThat(over)
                            .allSatisfy(identity ->
                                    assertThat(acquire(worker, identity)).isInstanceOf(Acquisition.Done.class));
                    if (handed != null) {
                        assertThat(acquire(worker, lock("handed on"))).isInstanceOf(Acquisition.Held.class);
                        assertThat(get(worker.renew(List.of(handed)))).containsExactly(new Renewal.Renewed(false));
                        assertThat(get(worker.release(handed, Ending.NOT_DONE))).isTrue();
                    }
                    handed = granted(worker, lock("handed on"));
                    tokens.add(handed.token());
                    JobIdentity next = new JobIdentity(new LockKey("job"), new RunKey("run " + over.size()));
                    assertThat(get(worker.release(granted(worker, next), over.size() % 2 == 0 ? DONE : FAILED)))
                            .isTrue();
                    over.add(next);
                }
                assertThat(format()).isEqualTo("format=1");
            }
        }
        assertThat(tokens).hasSize(10).isSorted().doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void a_quorum_has_workers_of_both_versions(int version) {
        try (EmbeddedRedis second = EmbeddedRedis.start();
                EmbeddedRedis third = EmbeddedRedis.start()) {
            List<String> urls = List.of(redis.url(), second.url(), third.url());
            quorum(OLD, urls).close();
            try (LeaseStore giver = quorum(version, urls);
                    LeaseStore taker = quorum(version == OLD ? NEW : OLD, urls)) {
                for (JobIdentity identity : List.of(PAIR, SLOT)) {
                    Lease lease = Fixture.granted(giver, identity);
                    assertThat(Fixture.acquire(taker, identity)).isInstanceOf(Acquisition.Held.class);
                    assertThat(get(taker.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
                    assertThat(get(taker.release(lease, FAILED))).isTrue();
                }
                assertThat(outcome(Fixture.acquire(giver, PAIR))).isEqualTo(OccurrenceOutcome.DONE);
                assertThat(outcome(Fixture.acquire(taker, PAIR))).isEqualTo(OccurrenceOutcome.DONE);
                Fixture.granted(giver, SLOT);
            }
        }
    }

    private static LeaseStore quorum(int format, List<String> urls) {
        RedissonLeaseStore.Builder builder = RedissonLeaseStore.builder()
                .namespace("v")
                .longestTtl(TTL)
                .firstStart(WallClock.now())
                .format(format);
        return QuorumOpening.openWaiting(urls, builder, Duration.ofSeconds(20), Duration.ofSeconds(2));
    }

    @Test
    void once_the_newer_format_is_chosen_a_worker_of_the_old_version_is_told_to_be_upgraded() {
        RedissonLeaseStore current = open(NEW);
        assertThat(format()).isEqualTo("format=2");
        assertThatThrownBy(() -> settings(OLD).build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("format=1", "format=2", "upgrade those of the older version");
        assertThat(get(current.release(granted(current, PAIR), FAILED))).isTrue();
        assertThat(outcome(acquire(current, PAIR))).isEqualTo(OccurrenceOutcome.FAILED);
    }

    @Test
    void what_a_later_format_has_written_is_refused_by_its_number_and_what_it_has_only_added_is_read() {
        RedissonLeaseStore old = open(OLD);
        RedissonLeaseStore current = open(NEW);
        Lease lease = granted(current, run("r"));
        get(current.release(lease, DONE));
        String marker = redis.command("GET", "hapax:{v:0}:d:r");
        redis.command("SET", "hapax:{v:0}:d:r", marker + "|2|outcome=FAILED|later=more");
        assertThat(outcome(acquire(current, run("r")))).isEqualTo(OccurrenceOutcome.FAILED);
        assertThatThrownBy(() -> acquire(old, run("r")))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("format 2", "reads 1", "Upgrade this worker");
        redis.command("SET", "hapax:{v:0}:d:r", marker + "|3|later=more");
        assertThatThrownBy(() -> acquire(current, run("r")))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("format 3", "reads 2", "Upgrade this worker");
    }

    @Test
    void running_workers_follow_when_one_chooses_the_newer_format() {
        RedissonLeaseStore old = open(OLD);
        RedissonLeaseStore running = open(NEW);
        Lease held = granted(running, lock("held"));
        RedissonLeaseStore choosing = open(settings(NEW).replaceSettings(true));
        assertThat(format()).isEqualTo("format=2");
        assertThat(acquire(choosing, lock("k"))).isInstanceOf(Acquisition.Quarantined.class);
        assertThat(get(running.renew(List.of(held)))).containsExactly(new Renewal.Renewed(false));
        await().untilAsserted(() -> assertThatThrownBy(() -> acquire(old, lock("k")))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("upgrade those of the older version"));
        endQuarantine();
        await().until(() -> acquire(running, lock("k")) instanceof Acquisition.Granted);
        get(running.release(granted(running, run("r")), FAILED));
        assertThat(outcome(acquire(choosing, run("r")))).isEqualTo(OccurrenceOutcome.FAILED);
    }

    @Test
    void a_worker_that_was_idle_while_the_format_was_chosen_compares_settings_before_it_gets_a_lease() {
        RedissonLeaseStore old = open(OLD);
        old.close();
        RedissonLeaseStore idle = open(NEW);
        open(settings(NEW).replaceSettings(true));
        endQuarantine();
        assertThat(acquire(idle, lock("k"))).isInstanceOf(Acquisition.Quarantined.class);
        get(idle.release(granted(idle, run("r")), FAILED));
        assertThat(outcome(acquire(idle, run("r")))).isEqualTo(OccurrenceOutcome.FAILED);
    }

    /** As if the settings had been replaced a minute ago. */
    private void endQuarantine() {
        String[] times = redis.command("HMGET", META, "seen", "until").split("\n");
        redis.command("HSET", META, "seen", earlier(times[0]), "until", earlier(times[1]));
    }

    private static String earlier(String micros) {
        return Long.toString(
                Long.parseLong(micros.trim()) - Duration.ofMinutes(1).toMillis() * 1000);
    }
}
