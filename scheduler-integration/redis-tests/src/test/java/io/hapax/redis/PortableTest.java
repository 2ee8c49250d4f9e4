package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Slot;
import io.hapax.ops.FleetBoard;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the portable protocol notices that a server was replaced, or has lost its memory. */
@Tag("slow")
class PortableTest {

    private static final Duration LONG = Duration.ofSeconds(40);
    private static final String SOMEBODY_ELSE = "f".repeat(40);

    private final List<AutoCloseable> open = new ArrayList<>();
    private NarrowRedis redis;

    private void start(NarrowRedis.Refuses... refusals) {
        redis = NarrowRedis.start(refusals);
    }

    private static RedissonLeaseStore.Builder settings() {
        return RedissonLeaseStore.builder()
                .namespace("p")
                .longestTtl(Duration.ofSeconds(30))
                .answerTimeout(Fixture.PATIENCE);
    }

    private RedissonLeaseStore open(RedissonLeaseStore.Builder settings) {
        RedissonLeaseStore store = settings.url(redis.url()).build();
        open.add(store);
        return store;
    }

    /** It does not wait for holders to show themselves at first, but whenever a server has lost its memory. */
    private RedissonLeaseStore fresh() {
        return open(settings().firstStart(WallClock.now()));
    }

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable store : open) {
            store.close();
        }
        redis.close();
    }

    private static Acquisition.Quarantined quarantined(Acquisition answer) {
        assertThat(answer).isInstanceOf(Acquisition.Quarantined.class);
        return (Acquisition.Quarantined) answer;
    }

    /** What a store answers when it has found the server again. */
    private static Acquisition eventually(LeaseStore store) {
        return await().atMost(LONG)
                .ignoreExceptions()
                .until(() -> acquire(store, lock("other " + OwnerId.random())), answer -> true);
    }

    private static Renewal renewedEventually(LeaseStore store, Lease lease) {
        return await().atMost(LONG)
                .until(() -> get(store.renew(List.of(lease))).get(0), answer -> !(answer instanceof Renewal.Unknown));
    }

    @ParameterizedTest
    @EnumSource(
            value = NarrowRedis.Refuses.class,
            names = {"CLIENT", "RUN_ID"})
    void a_server_that_was_restarted_grants_nothing_and_holders_go_on(NarrowRedis.Refuses refusal) {
        start(refusal);
        RedissonLeaseStore store = fresh();
        Lease lease = grantedForLong(store, lock("k"));
        Lease forgotten = grantedForLong(store, lock("forgotten"));
        redis.behind().command("DEL", "hapax:{p:0}:l:forgotten");
        redis.behind().command("SAVE");
        redis.behind().restart();

        assertThat(quarantined(eventually(store)).reason()).contains("restarted");
        assertThat(renewedEventually(store, forgotten)).isEqualTo(new Renewal.Renewed(true));
        assertThat(renewedEventually(store, lease)).isEqualTo(new Renewal.Renewed(false));
        assertThat(quarantined(acquire(fresh(), lock("other"))).reason()).contains("restarted");
    }

    @Test
    void a_server_that_was_emptied_grants_nothing_for_longer_than_any_lease_lives() {
        start();
        RedissonLeaseStore store = fresh();
        Lease lease = granted(store, lock("k"));
        redis.behind().command("FLUSHALL");
        assertThat(quarantined(acquire(store, lock("other"))).left()).isGreaterThan(Duration.ofSeconds(30));
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(true));
        assertThat(acquire(store, lock("k"))).isInstanceOf(Acquisition.Held.class);
        assertThat(redis.behind().command("PTTL", "hapax:{p:0}:q")).matches("\\d+");
    }

    @Test
    void the_short_wait_of_a_newcomer_becomes_a_long_one_when_somebody_comes_who_knew_the_server() {
        start();
        RedissonLeaseStore known = fresh();
        granted(known, lock("k"));
        redis.behind().command("FLUSHALL");
        RedissonLeaseStore newcomer = open(settings());
        assertThat(quarantined(acquire(newcomer, lock("k"))).left())
                .isBetween(Duration.ofSeconds(5), Duration.ofSeconds(21));
        assertThat(quarantined(acquire(known, lock("k"))).left()).isGreaterThan(Duration.ofSeconds(25));
        assertThat(quarantined(acquire(newcomer, lock("k"))).left()).isGreaterThan(Duration.ofSeconds(25));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void what_a_server_grants_that_was_taken_for_another_one_does_not_count(boolean blocking) {
        start();
        RedissonLeaseStore store = fresh();
        granted(store, lock("k"));
        LeaseStore asked = blocking ? store.blocking() : store;
        granted(asked, lock("before"));
        redis.poseAs(SOMEBODY_ELSE);

        LeaseRequest request = Fixture.request(lock("other"), Duration.ofSeconds(20));
        assertThatThrownBy(() -> get(asked.acquire(request))).hasMessageContaining("replaced by another server");
        assertThat(redis.behind().command("GET", "hapax:{p:0}:l:other"))
                .as("it has been carried out there")
                .isNotEmpty();
        // Neither is it found by whoever asks again.
        assertThat(get(asked.acquire(request))).isNotInstanceOf(Acquisition.Granted.class);
        assertThat(get(store.acquire(request))).isNotInstanceOf(Acquisition.Granted.class);
        assertThat(quarantined(acquire(asked, lock("third"))).reason()).contains("restarted");
    }

    @Test
    void an_answer_of_another_server_is_no_word_for_a_loss() {
        start();
        RedissonLeaseStore store = fresh();
        Lease lease = granted(store, lock("k"));
        redis.behind().command("DEL", "hapax:{p:0}:l:k");
        redis.poseAs(SOMEBODY_ELSE);
        assertThat(get(store.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Unknown.class);
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(true));
    }

    @Test
    void whoever_hears_late_of_a_new_server_begins_no_second_quarantine() {
        start();
        RedissonLeaseStore first =
                open(settings().longestTtl(Duration.ofSeconds(1)).firstStart(WallClock.now()));
        RedissonLeaseStore idle =
                open(settings().longestTtl(Duration.ofSeconds(1)).firstStart(WallClock.now()));
        JobIdentity identity = lock("k");
        Duration ttl = Duration.ofSeconds(1);
        get(idle.acquire(Fixture.request(lock("mine"), ttl)));
        redis.poseAs(SOMEBODY_ELSE);
        await().atMost(LONG)
                .ignoreExceptions()
                .until(() -> get(first.acquire(Fixture.request(identity, ttl))) instanceof Acquisition.Granted);
        assertThat(get(idle.acquire(Fixture.request(lock("mine"), ttl)))).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void tokens_grow_whatever_the_clocks_of_callers_say() {
        start();
        InstantSource now = WallClock.REAL;
        RedissonLeaseStore ahead = open(
                settings().firstStart(WallClock.now()).clock(() -> now.instant().plus(Duration.ofHours(1))));
        RedissonLeaseStore behind = open(
                settings().firstStart(WallClock.now()).clock(() -> now.instant().minus(Duration.ofHours(1))));
        long last = 0;
        for (RedissonLeaseStore store : List.of(behind, ahead, behind, behind, ahead, behind)) {
            Lease lease = granted(store, lock("k"));
            assertThat(lease.token().value()).isGreaterThan(last);
            last = lease.token().value();
            get(store.release(lease, Ending.NOT_DONE));
        }
        redis.behind().command("DEL", "hapax:{p:0}:m");
        quarantined(acquire(behind, lock("k")));
        // As if it were over: of what the server has forgotten, whoever has seen it reminds it.
        redis.behind().command("DEL", "hapax:{p:0}:q");
        assertThat(granted(behind, lock("k")).token().value()).isGreaterThan(last);
    }

    /** A replica that was promoted may have an index that names slots which were given back before the key was granted. */
    @Test
    void whoever_knows_of_no_slots_shows_himself_beside_an_index_of_old_ones() {
        start();
        RedissonLeaseStore store = fresh();
        Lease lease = granted(store, lock("k"));
        redis.behind().command("SET", "hapax:{p:0}:i:k", "1=2,7=9", "PX", "40000");
        redis.behind().command("DEL", "hapax:{p:0}:l:k", "hapax:{p:0}:m");
        assertThat(renewedEventually(store, lease)).isEqualTo(new Renewal.Renewed(true));
        assertThat(acquire(store, lock("k"))).isInstanceOf(Acquisition.Held.class);
    }

    @Test
    void every_key_ends_by_itself_but_for_the_meta_key() {
        start();
        RedissonLeaseStore store = fresh();
        granted(store, new JobIdentity(new LockKey("rooms"), null, new Slot(2, 3)));
        get(store.reservations().orElseThrow().reserve(new ReservationRequest("mail", "me", 3, LONG)));
        get(store.board().post(FleetBoard.Posting.of("worker", "report", LONG)));
        assertThat(redis.behind().command("KEYS", "*").lines())
                .hasSizeGreaterThan(6)
                .filteredOn(key -> redis.behind().command("PTTL", key).equals("-1"))
                .containsExactly("hapax:{p:0}:m");
    }

    @Test
    void settings_that_are_replaced_make_all_wait() {
        start();
        RedissonLeaseStore before = fresh();
        granted(before, lock("k"));
        RedissonLeaseStore after =
                open(settings().longestTtl(Duration.ofSeconds(20)).replaceSettings(true));
        assertThat(quarantined(acquire(after, lock("other"))))
                .satisfies(answer -> assertThat(answer.reason()).contains("settings of this namespace were replaced"))
                .satisfies(answer -> assertThat(answer.left()).isGreaterThan(Duration.ofSeconds(60)));
        assertThatThrownBy(() -> granted(before, lock("third"))).isInstanceOf(AssertionError.class);
    }
}
