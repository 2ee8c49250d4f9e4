package io.hapax.redis;

import static io.hapax.redis.Fixture.awaitEverywhere;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.ForwardingTicker;
import io.hapax.testkit.WallClock;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a completion is worth that only some servers of a quorum have taken, or take late. */
@Tag("slow")
class QuorumCompletionsTest {

    private static final Duration TTL = Duration.ofSeconds(30);
    private static final Ending DONE = Ending.done(Duration.ofHours(1));
    private static final Ending FAILED = Ending.failed(Duration.ofHours(1));
    private static final JobIdentity KEY = new JobIdentity(new LockKey("k"), new RunKey("r"));
    private static final String META = "hapax:{done:0}:m";
    private static final String LEASE = "hapax:{done:0}:l:k";
    private static final String MARKER = "hapax:{done:0}:d:r";
    private static final int FIRST = 0;
    private static final int SECOND = 1;
    private static final int LAST = 2;
    /** What is remembered for less than this before a completion is no word against it. */
    private static final long MEMORY_MICROS = 1_200_000;

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final List<RedissonLeaseStore> stores = new ArrayList<>();

    @BeforeEach
    void start() {
        Stream.generate(EmbeddedRedis::start).limit(3).forEach(servers::add);
        for (EmbeddedRedis server : servers) {
            RedissonLeaseStore store = RedissonLeaseStore.builder()
                    .url(server.url())
                    .namespace("done")
                    .answerTimeout(Fixture.PATIENCE)
                    .firstStart(WallClock.now())
                    .build();
            stores.add(store);
            get(store.release(Fixture.granted(store, Fixture.lock("warm")), Ending.NOT_DONE));
        }
        servers.forEach(server -> await().until(
                        () -> micros(server) > Long.parseLong(server.command("HGET", META, "seen")) + MEMORY_MICROS));
    }

    @AfterEach
    void stop() {
        stores.forEach(RedissonLeaseStore::close);
        servers.forEach(EmbeddedRedis::close);
    }

    private static long micros(EmbeddedRedis server) {
        String[] time = server.command("TIME").split("\n");
        return Long.parseLong(time[0].trim()) * 1_000_000 + Long.parseLong(time[1].trim());
    }

    private Lines lines() {
        return new Lines(stores);
    }

    private static Acquisition acquire(LeaseStore store) {
        return get(store.acquire(request(KEY, TTL)));
    }

    private static Lease granted(LeaseStore store) {
        return ((Acquisition.Granted) acquire(store)).lease();
    }

    /** By all servers, rather than by a majority that is as much as a grant needs. */
    private Lease granted() {
        Lease lease = granted(lines().quorum());
        awaitEverywhere(servers, LEASE);
        return lease;
    }

    /** As when it has run out there. */
    private void lose(int... those) {
        for (int server : those) {
            servers.get(server).command("DEL", LEASE);
        }
    }

    private boolean isMarked(int server) {
        return servers.get(server).command("EXISTS", MARKER).equals("1");
    }

    /** A run that a majority has forgotten completes; the last server has not answered yet, to anything. */
    private Lines completedTooLate() {
        Lease lease = granted();
        lose(FIRST, SECOND);
        Lines late = lines().deaf(LAST);
        assertThat(get(late.quorum().release(lease, DONE))).isFalse();
        return late;
    }

    @Test
    void a_lost_runs_completion_that_is_carried_out_after_it_was_taken_back_counts_for_nobody() {
        Lines late = completedTooLate();
        late.overtake(LAST);
        late.arrive(LAST);

        assertThat(isMarked(LAST)).as("it found no lease any more").isFalse();
        assertThat(acquire(lines().down(FIRST).quorum())).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void a_lost_runs_completion_that_is_never_taken_back_counts_for_nobody() {
        completedTooLate().arrive(LAST);
        assertThat(isMarked(LAST)).isTrue();

        // The server with the marker is the first to answer.
        Lines lines = lines().slow(FIRST).slow(SECOND);
        var answer = lines.quorum().acquire(request(KEY, TTL)).toCompletableFuture();
        lines.arriveAll();
        assertThat(get(answer)).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void while_too_few_servers_answer_to_tell_whether_it_counts_it_neither_counts_nor_is_anybody_let_in() {
        completedTooLate().arrive(LAST);

        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(() -> acquire(lines().down(FIRST).quorum()))
                .withCauseInstanceOf(LeaseStoreException.class)
                .withMessageContaining("has completed");
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void it_is_taken_back_until_the_server_has_heard_of_it() {
        Lease lease = granted();
        lose(FIRST, SECOND);
        Lines lines = lines().downAfter(LAST, 1);
        assertThat(get(lines.quorum().release(lease, DONE))).isFalse();
        assertThat(isMarked(LAST)).isTrue();

        lines.up(LAST);
        await().until(() -> !isMarked(LAST));
    }

    @Test
    void completions_of_two_lost_runs_on_a_server_each_keep_nobody_away() {
        for (int server : List.of(FIRST, LAST)) {
            String marker = OwnerId.random() + "|7|" + micros(servers.get(server)) + "|-|w|r";
            servers.get(server).command("SET", MARKER, marker, "PX", "600000");
        }
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void a_run_that_still_completes_is_neither_done_nor_lost() {
        Lease lease = granted();
        Lines late = lines().slow(FIRST).slow(SECOND);
        var answer = late.quorum().release(lease, DONE).toCompletableFuture();
        await().until(() -> isMarked(LAST));
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Held.class);

        late.arriveAll();
        assertThat(get(answer)).isTrue();
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_completion_counts_whichever_server_is_away_and_also_where_one_has_lost_its_memory() {
        Lease lease = granted();
        assertThat(get(lines().quorum().release(lease, DONE))).isTrue();
        await().until(() -> isMarked(FIRST) && isMarked(SECOND) && isMarked(LAST));
        for (int away = FIRST; away <= LAST; away++) {
            assertThat(acquire(lines().down(away).quorum())).isInstanceOf(Acquisition.Done.class);
        }
        servers.get(FIRST).command("FLUSHALL");
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Done.class);
        servers.get(FIRST).command("HSET", META, "until", "1");
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_completion_counts_though_the_memory_of_each_server_is_full() {
        Lease lease = granted();
        servers.forEach(server -> server.command("CONFIG", "SET", "maxmemory", "1"));
        assertThat(get(lines().quorum().release(lease, DONE))).isTrue();
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Done.class);
    }

    /** Of those that took it, one loses its memory before the others have heard. */
    @Test
    void a_completion_of_a_bare_majority_counts_though_one_of_them_loses_its_memory() {
        Lease lease = granted();
        Lines lines = lines().down(SECOND);
        assertThat(get(lines.quorum().release(lease, DONE))).isTrue();
        lose(SECOND);
        servers.get(FIRST).command("FLUSHALL");
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_completion_is_taken_to_a_server_that_missed_it() {
        Lease lease = granted();
        Lines lines = lines().down(SECOND);
        assertThat(get(lines.quorum().release(lease, DONE))).isTrue();
        lines.up(SECOND);
        await().until(() -> isMarked(SECOND));
        assertThat(servers.get(SECOND).command("EXISTS", LEASE)).isEqualTo("0");
        assertThat(acquire(lines().down(FIRST).quorum())).isInstanceOf(Acquisition.Done.class);
    }

    /** For some seconds; where this machine was slower, it is tried once more. */
    @Test
    void whoever_waits_for_a_slot_is_not_overtaken_where_a_completion_is_taken_to() {
        RedissonLeaseStore server = stores.get(LAST);
        await().until(() -> {
            LockKey rooms = new LockKey("rooms-" + OwnerId.random());
            Fixture.granted(server, new JobIdentity(rooms, null, new Slot(1, 3)));
            JobIdentity second = new JobIdentity(rooms, new RunKey("of " + rooms), new Slot(2, 3));
            Lease completed = Fixture.granted(server, second);
            assertThat(get(server.acquire(
                            new LeaseRequest(new JobIdentity(rooms, null), OwnerId.random(), "waits", TTL, true))))
                    .isInstanceOf(Acquisition.Held.class);
            long began = System.nanoTime();
            get(server.completions().mark(completed, DONE));
            Acquisition answer = get(server.acquire(request(new JobIdentity(rooms, null, new Slot(2, 3)), TTL)));
            boolean inTime = System.nanoTime() - began < Duration.ofSeconds(4).toNanos();
            if (inTime) {
                assertThat(answer).isInstanceOf(Acquisition.Held.class);
            }
            return inTime;
        });
    }

    private static Acquisition.Done done(Acquisition answer) {
        return assertThat(answer)
                .asInstanceOf(InstanceOfAssertFactories.type(Acquisition.Done.class))
                .actual();
    }

    @Test
    void a_failure_counts_as_a_completion_does_and_is_told_as_one() {
        Lease lease = granted();
        Lines lines = lines().down(SECOND);
        assertThat(get(lines.quorum().release(lease, FAILED))).isTrue();
        lines.up(SECOND);
        await().until(() -> isMarked(SECOND));
        for (int away = FIRST; away <= LAST; away++) {
            assertThat(done(acquire(lines().down(away).quorum())).outcome()).isEqualTo(OccurrenceOutcome.FAILED);
        }
    }

    @Test
    void the_outcome_that_a_majority_has_taken_counts_and_is_taken_to_the_server_that_has_another_one() {
        Lease lease = granted();
        assertThat(get(stores.get(FIRST).release(lease, DONE)))
                .as("nobody else has heard of it")
                .isTrue();
        assertThat(get(lines().quorum().release(lease, FAILED))).isTrue();
        await().until(() -> servers.get(FIRST).command("GET", MARKER).endsWith("FAILED"));
        for (int away = FIRST; away <= LAST; away++) {
            assertThat(done(acquire(lines().down(away).quorum())).outcome()).isEqualTo(OccurrenceOutcome.FAILED);
        }
        assertThat(get(lines().quorum().release(lease, DONE))).isFalse();
        assertThat(done(acquire(lines().quorum())).outcome()).isEqualTo(OccurrenceOutcome.FAILED);
    }

    @Test
    void a_marker_of_an_outcome_that_no_majority_has_taken_is_no_word_for_the_other_outcome() {
        Lease lease = granted();
        get(stores.get(FIRST).release(lease, DONE));
        get(stores.get(SECOND).release(lease, FAILED));
        lose(LAST);
        assertThat(acquire(lines().quorum())).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void only_so_much_is_kept_for_a_server_that_is_away_and_nothing_when_its_store_is_closed() {
        Lease lease = granted();
        UntilHeard untilHeard = new UntilHeard(lines().down(LAST), Ticker.SYSTEM);
        for (int n = 0; n < 600; n++) {
            get(untilHeard.tell(stores.get(LAST), TTL, one -> one.unmark(lease, DONE)));
        }
        assertThat(untilHeard.open()).isEqualTo(512);
        stores.get(LAST).close();
        await().until(() -> untilHeard.open() == 0);
    }

    @Test
    void what_cannot_be_repeated_for_want_of_memory_takes_no_place_from_what_can() {
        Lease lease = granted();
        AtomicBoolean noMemory = new AtomicBoolean();
        UntilHeard untilHeard = new UntilHeard(lines().down(LAST), new ForwardingTicker(Ticker.SYSTEM) {
            @Override
            public NanoTime now() {
                if (noMemory.get()) {
                    throw new OutOfMemoryError("as if");
                }
                return super.now();
            }
        });
        get(untilHeard.tell(stores.get(LAST), TTL, one -> one.unmark(lease, DONE)));
        assertThat(untilHeard.open()).isEqualTo(1);
        noMemory.set(true);
        await().until(() -> untilHeard.open() == 0);
    }

    @Test
    void a_frozen_server_that_carries_the_completion_of_a_lost_run_out_when_it_awakes_keeps_nobody_away_for_long() {
        List<String> urls = servers.stream().map(EmbeddedRedis::url).toList();
        RedissonLeaseStore.Builder builder =
                RedissonLeaseStore.builder().namespace("frozen").firstStart(WallClock.now());
        Duration perServer = Duration.ofSeconds(2);
        try (LeaseStore quorum = QuorumOpening.openWaiting(urls, builder, perServer.multipliedBy(8), perServer)) {
            Lease lease = granted(quorum);
            String key = LEASE.replace("done", "frozen");
            awaitEverywhere(servers, key);
            servers.subList(FIRST, LAST).forEach(server -> server.command("DEL", key));
            servers.get(LAST).freeze();
            try {
                assertThat(get(quorum.release(lease, DONE))).isFalse();
            } finally {
                servers.get(LAST).thaw();
            }
            servers.get(FIRST).kill();
            await().ignoreExceptions().until(() -> acquire(quorum) instanceof Acquisition.Granted);
        }
    }
}
