package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The first worker of a namespace need not wait where the server proves that it has forgotten nothing. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class FirstStartTest {

    private static final Duration LONGEST_TTL = Duration.ofSeconds(1);

    private static final Duration LONGER_THAN_THE_TEST = Duration.ofMinutes(10);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final List<AutoCloseable> open = new ArrayList<>(List.of(redis));

    @AfterEach
    void stop() throws Exception {
        for (int last = open.size() - 1; last >= 0; last--) {
            open.get(last).close();
        }
    }

    private static RedissonLeaseStore.Builder settings() {
        return RedissonLeaseStore.builder()
                .namespace("first")
                .longestTtl(LONGEST_TTL)
                .answerTimeout(Fixture.PATIENCE);
    }

    private RedissonLeaseStore newcomer(EmbeddedRedis server) {
        return newcomer(server, LONGEST_TTL);
    }

    private RedissonLeaseStore newcomer(EmbeddedRedis server, Duration longestTtl) {
        RedissonLeaseStore store =
                settings().url(server.url()).longestTtl(longestTtl).build();
        open.add(store);
        return store;
    }

    private static long field(EmbeddedRedis server, String name) {
        return server.command("INFO", "everything")
                .lines()
                .filter(line -> line.startsWith(name + ":"))
                .mapToLong(
                        line -> Long.parseLong(line.substring(name.length() + 1).strip()))
                .findFirst()
                .orElseThrow();
    }

    /** Longer than a lease of the longest ttl counts, also at a server that may have replicas: 2.2 of it, and 1 s. */
    private static void awaitThatItIsUpForLong(EmbeddedRedis server) {
        await().until(() -> field(server, "uptime_in_seconds") >= 4);
    }

    private static Acquisition ask(LeaseStore store) {
        return get(store.acquire(request(lock("k"), LONGEST_TTL)));
    }

    private static void grants(LeaseStore store) {
        assertThat(ask(store)).isInstanceOf(Acquisition.Granted.class);
    }

    private static void waits(LeaseStore store) {
        assertThat(ask(store))
                .isInstanceOfSatisfying(
                        Acquisition.Quarantined.class,
                        answer -> assertThat(answer.reason()).contains("this namespace is new here"));
    }

    @Test
    void a_server_that_has_forgotten_nothing_grants_at_once() {
        awaitThatItIsUpForLong(redis);
        grants(newcomer(redis));
    }

    @Test
    void a_server_that_has_just_started_may_have_forgotten_anything() {
        waits(newcomer(redis, LONGER_THAN_THE_TEST));
    }

    @Test
    void a_server_that_was_restarted_proves_nothing_of_before() {
        awaitThatItIsUpForLong(redis);
        redis.restartEmpty();
        await().ignoreExceptions().until(() -> redis.command("PING").contains("PONG"));
        waits(newcomer(redis, LONGER_THAN_THE_TEST));
    }

    @ParameterizedTest
    @ValueSource(strings = {"FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "CONFIG RESETSTAT", "REPLICAOF NO ONE"})
    void a_server_that_was_emptied_or_lost_count_since_it_started_proves_nothing(String command) {
        redis.command(command.split(" ", -1));
        awaitThatItIsUpForLong(redis);
        waits(newcomer(redis));
    }

    @Test
    void a_server_that_has_evicted_keys_proves_nothing() {
        redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random");
        redis.command("SET", "other", "x".repeat(100_000));
        redis.command("CONFIG", "SET", "maxmemory", Long.toString(field(redis, "used_memory") - 50_000));
        // What is written now has to make room first.
        redis.command("SET", "another", "x");
        assertThat(field(redis, "evicted_keys")).isPositive();
        redis.command("CONFIG", "SET", "maxmemory", "0");
        awaitThatItIsUpForLong(redis);
        waits(newcomer(redis));
    }

    @Test
    void a_server_that_was_a_replica_proves_nothing() {
        EmbeddedRedis other = EmbeddedRedis.start();
        open.add(other);
        String[] address = redis.url().substring("redis://".length()).split(":", -1);
        other.command("REPLICAOF", address[0], address[1]);
        await().until(() -> field(other, "total_net_repl_input_bytes") > 0);
        other.command("REPLICAOF", "NO", "ONE");
        awaitThatItIsUpForLong(other);
        waits(newcomer(other));
        // The server that it was a replica of has lost nothing.
        awaitThatItIsUpForLong(redis);
        grants(newcomer(redis));
    }

    @Test
    void each_server_of_a_quorum_proves_it_for_itself() {
        List<EmbeddedRedis> servers = List.of(redis, EmbeddedRedis.start(), EmbeddedRedis.start());
        open.addAll(servers.subList(1, 3));
        servers.forEach(FirstStartTest::awaitThatItIsUpForLong);
        servers.get(2).command("FLUSHALL");
        LeaseStore quorum = QuorumOpening.openWaiting(
                servers.stream().map(EmbeddedRedis::url).toList(),
                settings(),
                Duration.ofSeconds(60),
                Fixture.PATIENCE);
        open.add(quorum);
        // A server that is slow to answer at the start is joined later, and a grant that is slow is worth nothing.
        await().ignoreExceptions().untilAsserted(() -> grants(quorum));
    }
}
