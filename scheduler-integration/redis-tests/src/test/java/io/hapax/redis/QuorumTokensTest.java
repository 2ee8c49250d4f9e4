package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Fencing tokens over histories in which servers are cut off, lose their memory, or have clocks that were set back.
 *
 * <p>If all clocks were an hour ahead when the history begins, tokens are a mere count, and only what the servers remember
 * of each other's keeps them in order. If a server also loses its memory, the clocks have to be right: a token that a bare
 * majority knew may then be known to a minority only.
 */
@Tag("slow")
class QuorumTokensTest {

    private static final Duration TTL = Duration.ofSeconds(30);
    private static final String META = "hapax:{tokens:0}:m";
    private static final long AN_HOUR = 3_600_000_000L;

    private static final List<EmbeddedRedis> SERVERS = new ArrayList<>();
    private static final boolean[] DOWN = new boolean[3];

    /** Two processes, each with what it remembers itself. */
    private static final List<List<RedissonLeaseStore>> CLIENTS = new ArrayList<>();

    /** What happens next. */
    enum Step {
        FIRST_TAKES,
        SECOND_TAKES,
        LOSE_SERVER_0,
        LOSE_SERVER_1,
        LOSE_SERVER_2,
        CUT_OFF_0,
        CUT_OFF_1,
        CUT_OFF_2,
        JOIN
    }

    private static final Histories<Step> HISTORIES = new Histories<>(List.of(Step.values()), 6, 24);

    @BeforeAll
    static void start() {
        Stream.generate(EmbeddedRedis::start).limit(3).forEach(SERVERS::add);
        for (int client = 0; client < 2; client++) {
            List<RedissonLeaseStore> stores = new ArrayList<>();
            for (EmbeddedRedis server : SERVERS) {
                stores.add(RedissonLeaseStore.builder()
                        .url(server.url())
                        .namespace("tokens")
                        .answerTimeout(Fixture.PATIENCE)
                        .firstStart(WallClock.now())
                        .build());
            }
            CLIENTS.add(stores);
        }
    }

    @AfterAll
    static void stop() {
        CLIENTS.forEach(stores -> stores.forEach(RedissonLeaseStore::close));
        SERVERS.forEach(EmbeddedRedis::close);
    }

    private static LeaseStore quorum(int client, boolean writesBack) {
        return new QuorumLeaseStore(
                CLIENTS.get(client),
                Duration.ofMillis(200),
                Duration.ofSeconds(2),
                Ticker.SYSTEM,
                new QuorumLeaseStore.Wire() {
                    @Override
                    public <T> CompletionStage<T> send(
                            RedissonLeaseStore server, Function<RedissonLeaseStore, CompletionStage<T>> question) {
                        if (DOWN[CLIENTS.get(client).indexOf(server)]) {
                            return CompletableFuture.failedFuture(new LeaseStoreException("cut off by the test"));
                        }
                        return question.apply(server);
                    }
                }) {
            @Override
            boolean writesBack() {
                return writesBack;
            }
        };
    }

    @Test
    void tokens_grow_while_clocks_are_set_back_and_servers_cut_off() {
        HISTORIES.each(history -> {
            reset(AN_HOUR);
            List<Step> withoutLosses = history.stream()
                    .filter(step -> !step.name().startsWith("LOSE"))
                    .toList();
            assertThat(tokensOf(withoutLosses)).isSorted().doesNotHaveDuplicates();
        });
    }

    @Test
    void tokens_grow_while_servers_lose_their_memory_and_are_cut_off() {
        HISTORIES.each(history -> {
            reset(0);
            assertThat(tokensOf(history)).isSorted().doesNotHaveDuplicates();
        });
    }

    /** One server's count runs ahead; it is then not among those that grant. */
    @Test
    void without_the_write_back_a_token_is_given_twice() {
        reset(AN_HOUR);
        SERVERS.get(0).command("HINCRBY", META, "last", "5");
        List<Long> tokens = new ArrayList<>();
        LeaseStore careless = quorum(0, false);
        DOWN[2] = true;
        take(careless, tokens);
        DOWN[2] = false;
        DOWN[0] = true;
        take(quorum(1, false), tokens);
        assertThat(tokens).hasSize(2);
        assertThat(tokens.get(1)).isLessThanOrEqualTo(tokens.get(0));

        reset(AN_HOUR);
        SERVERS.get(0).command("HINCRBY", META, "last", "5");
        tokens.clear();
        DOWN[2] = true;
        take(quorum(0, true), tokens);
        DOWN[2] = false;
        DOWN[0] = true;
        take(quorum(1, true), tokens);
        assertThat(tokens).hasSize(2).isSorted().doesNotHaveDuplicates();
    }

    private static List<Long> tokensOf(List<Step> history) {
        List<LeaseStore> quorums = List.of(quorum(0, true), quorum(1, true));
        List<Long> tokens = new ArrayList<>();
        for (Step step : history) {
            switch (step) {
                case FIRST_TAKES -> take(quorums.get(0), tokens);
                case SECOND_TAKES -> take(quorums.get(1), tokens);
                case LOSE_SERVER_0, LOSE_SERVER_1, LOSE_SERVER_2 ->
                    SERVERS.get(step.ordinal() - Step.LOSE_SERVER_0.ordinal()).command("HDEL", META, "last");
                case CUT_OFF_0, CUT_OFF_1, CUT_OFF_2 -> DOWN[step.ordinal() - Step.CUT_OFF_0.ordinal()] |= !anyDown();
                default -> List.of(0, 1, 2).forEach(server -> DOWN[server] = false);
            }
        }
        return tokens;
    }

    private static boolean anyDown() {
        return DOWN[0] || DOWN[1] || DOWN[2];
    }

    private static void take(LeaseStore quorum, List<Long> tokens) {
        try {
            Acquisition answer = Fixture.get(quorum.acquire(Fixture.request(Fixture.lock("k"), TTL)));
            if (answer instanceof Acquisition.Granted granted) {
                Lease lease = granted.lease();
                tokens.add(lease.token().value());
                Fixture.get(quorum.release(lease, Ending.NOT_DONE));
            }
        } catch (CompletionException noMajority) {
            // Nothing is granted.
        }
    }

    /** All servers have been counting from some time ahead of their clocks. */
    private static void reset(long aheadMicros) {
        long last = WallClock.REAL.millis() * 1000 + aheadMicros;
        for (int server = 0; server < 3; server++) {
            DOWN[server] = false;
            for (List<RedissonLeaseStore> stores : CLIENTS) {
                // Answered after what may still be on its way to a server whose answer was not needed.
                Fixture.get(stores.get(server).admin().holder(Fixture.lock("k")));
            }
            SERVERS.get(server).command("DEL", "hapax:{tokens:0}:l:k");
            SERVERS.get(server).command("HSET", META, "last", Long.toString(last));
        }
    }
}
