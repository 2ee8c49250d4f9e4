package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A script whose second command Redis refuses has done nothing that harms. */
class HalfDoneScriptsTest {

    private static final Ending DONE = Ending.done(Duration.ofHours(1));
    private static final String META = "hapax:{half:0}:m";

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = RedissonLeaseStore.builder()
            .url(redis.url())
            .namespace("half")
            .answerTimeout(Fixture.PATIENCE)
            .firstStart(WallClock.now())
            .build();

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    private void forbid(String command) {
        redis.command("ACL", "SETUSER", "default", "-" + command);
    }

    private void allow(String command) {
        redis.command("ACL", "SETUSER", "default", "+" + command);
    }

    private void quarantine() {
        redis.command("HSET", META, "until", "9000000000000000");
    }

    @Test
    void a_completion_whose_marker_is_refused_keeps_its_lease_and_counts_when_it_is_repeated() {
        Lease lease = granted(store, run("r"));
        forbid("set");
        assertThatThrownBy(() -> get(store.release(lease, DONE))).hasCauseInstanceOf(LeaseStoreException.class);
        allow("set");

        assertThat(get(store.admin().holder(run("r"))).map(Holder::owner)).contains(lease.owner());
        assertThat(get(store.release(lease, DONE))).isTrue();
        assertThat(acquire(store, run("r"))).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_completion_counts_though_its_marker_has_a_strange_value_in_its_place() {
        Lease lease = granted(store, run("r"));
        redis.command("RPUSH", "hapax:{half:0}:d:r", "strange");
        assertThat(get(store.release(lease, DONE))).isTrue();
        assertThat(acquire(store, run("r"))).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_completion_counts_though_the_memory_is_full() {
        Lease lease = granted(store, run("r"));
        redis.command("CONFIG", "SET", "maxmemory", "1");
        assertThat(get(store.release(lease, DONE))).isTrue();
        assertThat(acquire(store, run("r"))).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_lease_is_not_asserted_again_without_its_token_being_noted() {
        Lease lease = granted(store, lock("k"));
        redis.command("FLUSHALL");
        get(store.acquire(Fixture.request(lock("another"), Duration.ofSeconds(4))));
        forbid("hset");
        assertThat(get(store.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Unknown.class);
        assertThat(redis.command("EXISTS", "hapax:{half:0}:l:k"))
                .as("a later grant would get a lower token")
                .isEqualTo("0");
        allow("hset");
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(true));
        assertThat(redis.command("HGET", META, "last")).isEqualTo(lease.token().toString());
    }

    @Test
    void a_lease_that_a_full_memory_cannot_take_back_keeps_no_other_from_being_renewed() {
        Lease forgotten = granted(store, lock("forgotten"));
        Lease held = granted(store, lock("held"));
        redis.command("DEL", "hapax:{half:0}:l:forgotten");
        quarantine();
        redis.command("CONFIG", "SET", "maxmemory", "1");
        List<Renewal> answers = get(store.renew(List.of(forgotten, held)));
        assertThat(answers.get(0)).isInstanceOf(Renewal.Unknown.class);
        assertThat(answers.get(1)).isEqualTo(new Renewal.Renewed(false));
    }

    @Test
    void a_release_counts_though_its_job_may_have_no_history() {
        Lease lease = granted(store, run("r"));
        forbid("lpush");
        assertThat(get(store.release(lease, DONE.inHistoryOf("job")))).isTrue();
        redis.command("SET", "hapax:{half:0}:o:job", "strange");
        allow("lpush");
        assertThat(get(store.release(granted(store, lock("k")), Ending.NOT_DONE.inHistoryOf("job"))))
                .isTrue();
        assertThat(acquire(store, run("r"))).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void nothing_is_paused_or_resumed_that_the_audit_cannot_note() {
        Intervention ann = new Intervention("ann", "a test");
        forbid("lpush");
        assertThatThrownBy(() -> get(store.admin().pause(lock("k"), Duration.ofHours(1), ann)))
                .hasCauseInstanceOf(LeaseStoreException.class);
        assertThat(get(store.admin().paused(lock("k")))).isEmpty();
        allow("lpush");
        get(store.admin().pause(lock("k"), Duration.ofHours(1), ann));
        forbid("lpush");
        assertThatThrownBy(() -> get(store.admin().resume(lock("k"), ann)))
                .hasCauseInstanceOf(LeaseStoreException.class);
        assertThat(acquire(store, lock("k"))).isInstanceOf(Acquisition.Paused.class);
    }

    @Test
    void nothing_is_taken_away_that_the_audit_cannot_note() {
        Lease lease = granted(store, lock("k"));
        forbid("lpush");
        assertThatThrownBy(() -> get(store.admin().forceRelease(lock("k"), new Intervention("ann", "a test"))))
                .hasCauseInstanceOf(LeaseStoreException.class);
        assertThat(get(store.admin().holder(lock("k"))).map(Holder::owner)).contains(lease.owner());
    }

    @Test
    void nothing_is_taken_away_in_quarantine_whose_holder_could_not_be_barred() {
        Lease lease = granted(store, lock("k"));
        quarantine();
        forbid("set");
        assertThatThrownBy(() -> get(store.admin().forceRelease(lock("k"), new Intervention("ann", "a test"))))
                .hasCauseInstanceOf(LeaseStoreException.class);
        assertThat(get(store.admin().holder(lock("k"))).map(Holder::owner)).contains(lease.owner());
    }
}
