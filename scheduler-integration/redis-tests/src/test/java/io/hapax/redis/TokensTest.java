package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Fencing tokens of one server over histories of lost memory, stale replicas and clocks that were set back. */
class TokensTest {

    private static final String META = "hapax:{tokens:0}:m";
    private static final long AN_HOUR = 3_600_000_000L;

    private static EmbeddedRedis redis;
    /** Two processes, each with what it remembers itself. */
    private static final List<RedissonLeaseStore> CLIENTS = new ArrayList<>();

    /** Two that have never seen a clock ahead of its time. */
    private static final List<RedissonLeaseStore> UNSPOILT = new ArrayList<>();

    /** What happens next. */
    enum Step {
        FIRST_TAKES,
        SECOND_TAKES,
        RESTARTS_EMPTY,
        STALE_REPLICA_IS_PROMOTED,
        CLOCK_IS_SET_BACK
    }

    private static final Histories<Step> HISTORIES = new Histories<>(List.of(Step.values()), 5, 30);

    @BeforeAll
    static void start() {
        redis = EmbeddedRedis.start();
        for (int n = 0; n < 2; n++) {
            CLIENTS.add(client());
            UNSPOILT.add(client());
        }
    }

    private static RedissonLeaseStore client() {
        return RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace("tokens")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build();
    }

    @AfterAll
    static void stop() {
        CLIENTS.forEach(RedissonLeaseStore::close);
        UNSPOILT.forEach(RedissonLeaseStore::close);
        redis.close();
    }

    @Test
    void tokens_grow_over_lost_memory_and_stale_replicas() {
        HISTORIES.each(history -> assertGrowing(UNSPOILT, history, step -> step != Step.CLOCK_IS_SET_BACK));
    }

    @Test
    void tokens_grow_while_the_clock_is_set_back() {
        HISTORIES.each(history -> assertGrowing(
                CLIENTS, history, step -> step != Step.RESTARTS_EMPTY && step != Step.STALE_REPLICA_IS_PROMOTED));
    }

    /** What one process has seen, it asks the server to exceed. */
    @Test
    void in_one_process_tokens_grow_over_all_of_it() {
        HISTORIES.each(history -> assertGrowing(CLIENTS, history, step -> step != Step.SECOND_TAKES));
    }

    private static void assertGrowing(List<RedissonLeaseStore> clients, List<Step> history, Predicate<Step> included) {
        List<Step> steps = history.stream().filter(included).toList();
        assertThat(tokensOf(clients, steps)).isSorted().doesNotHaveDuplicates();
    }

    private static List<Long> tokensOf(List<RedissonLeaseStore> clients, List<Step> history) {
        redis.command("DEL", "hapax:{tokens:0}:l:k");
        redis.command("HDEL", META, "last", "by");
        List<Long> tokens = new ArrayList<>();
        for (Step step : history) {
            switch (step) {
                case FIRST_TAKES -> take(clients.get(0), tokens);
                case SECOND_TAKES -> take(clients.get(1), tokens);
                case RESTARTS_EMPTY -> redis.command("HDEL", META, "last", "by");
                case STALE_REPLICA_IS_PROMOTED ->
                    redis.command("HSET", META, "last", Long.toString(tokens.isEmpty() ? 1 : tokens.get(0)));
                // The clock went an hour ahead of what it is now, a token was given, and it was set back.
                case CLOCK_IS_SET_BACK -> redis.command("HINCRBY", META, "last", Long.toString(AN_HOUR));
            }
        }
        return tokens;
    }

    private static void take(RedissonLeaseStore store, List<Long> tokens) {
        Lease lease = Fixture.granted(store, Fixture.lock("k"));
        tokens.add(lease.token().value());
        Fixture.get(store.release(lease, Ending.NOT_DONE));
    }
}
