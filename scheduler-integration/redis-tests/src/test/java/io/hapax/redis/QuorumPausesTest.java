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
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a quorum makes of pauses and histories that only some of its servers have. */
class QuorumPausesTest {

    private static final JobIdentity KEY = lock("k");
    private static final Duration LONG = Duration.ofHours(1);
    private static final Ending DONE = Ending.done(LONG).inHistoryOf("job");
    private static final Intervention ANN = new Intervention("ann", "deploy 7");

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final List<RedissonLeaseStore> stores = new ArrayList<>();

    @BeforeEach
    void start() {
        Stream.generate(EmbeddedRedis::start).limit(3).forEach(servers::add);
        servers.forEach(server -> stores.add(RedissonLeaseStore.builder()
                .url(server.url())
                .namespace("pauses")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build()));
    }

    @AfterEach
    void stop() {
        stores.forEach(RedissonLeaseStore::close);
        servers.forEach(EmbeddedRedis::close);
    }

    private AdministeredStore without(int... away) {
        Lines lines = new Lines(stores);
        for (int server : away) {
            lines.down(server);
        }
        return lines.quorum();
    }

    private static LeaseAdmin people(AdministeredStore store) {
        return store.admin();
    }

    @Test
    void a_key_is_paused_where_a_majority_has_the_pause_whoever_is_away_when_it_is_made() {
        get(people(without(2)).pause(KEY, LONG, ANN));
        assertThat(acquire(without(), KEY)).isInstanceOf(Acquisition.Paused.class);
        assertThat(acquire(without(2), KEY)).isInstanceOf(Acquisition.Paused.class);
        assertThat(get(people(without()).paused(KEY)).map(KeyPause::why)).contains(ANN);
        assertThatThrownBy(() -> acquire(without(0), KEY))
                .as("one is paused, and one is no majority")
                .hasCauseInstanceOf(LeaseStoreException.class);

        assertThat(get(people(without(2)).resume(KEY, ANN))).isTrue();
        granted(without(), KEY);
    }

    @Test
    void a_pause_that_a_majority_has_not_heard_of_fails_and_keeps_nobody_away() {
        assertThatThrownBy(() -> get(people(without(1, 2)).pause(KEY, LONG, ANN)))
                .hasCauseInstanceOf(LeaseStoreException.class);
        assertThat(get(people(without()).paused(KEY))).isEmpty();
        granted(without(), KEY);
    }

    @Test
    void a_paused_server_is_a_word_for_neither_outcome_of_an_occurrence() {
        Lease lease = granted(without(), run("r"));
        get(without(2).release(lease, DONE));
        stores.forEach(store -> get(store.admin().pause(run("r"), LONG, ANN)));
        assertThat(acquire(without(), run("r"))).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_run_is_in_the_history_once_if_a_majority_has_it() {
        Lease away = granted(without(), run("one"));
        get(without(2).release(away, DONE));
        Lease second = granted(without(), run("two"));
        get(without().release(second, DONE));
        assertThat(get(people(without(1)).history("job", 10)))
                .extracting(PastRun::owner)
                .containsExactly(second.owner(), away.owner());

        Lease lost = granted(without(), run("lost"));
        String lease = "hapax:{pauses:0}:r:lost";
        Fixture.awaitEverywhere(servers, lease);
        servers.subList(0, 2).forEach(server -> server.command("DEL", lease));
        assertThat(get(without().release(lost, DONE))).isFalse();
        assertThat(get(people(without()).history("job", 10)))
                .extracting(PastRun::owner)
                .doesNotContain(lost.owner());
    }
}
