package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.OwnerId;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How far a quorum may exceed a number of places, as docs/quorum.md says: at most N·n/m, rounded down. */
class QuorumThrottleTest {

    private static final int MOST_SERVERS = 5;
    private static final Duration LONG = Duration.ofMinutes(10);

    private static final List<EmbeddedRedis> SERVERS = new ArrayList<>();
    private static final List<RedissonLeaseStore> STORES = new ArrayList<>();

    @BeforeAll
    static void start() {
        Stream.generate(EmbeddedRedis::start).limit(MOST_SERVERS).forEach(SERVERS::add);
        SERVERS.forEach(server -> STORES.add(RedissonLeaseStore.builder()
                .url(server.url())
                .namespace("throttle")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build()));
    }

    @AfterAll
    static void stop() {
        STORES.forEach(RedissonLeaseStore::close);
        SERVERS.forEach(EmbeddedRedis::close);
    }

    private static int majority(int servers) {
        return servers / 2 + 1;
    }

    private static int bound(int servers, int places) {
        return servers * places / majority(servers);
    }

    /** Places of a quorum of which some servers cannot be reached. */
    private static Reservations reaching(int servers, List<Integer> those) {
        Lines lines = new Lines(STORES.subList(0, servers));
        IntStream.range(0, servers).filter(server -> !those.contains(server)).forEach(lines::down);
        return lines.places();
    }

    private static boolean isMade(Reservations places, String name, String holder, int limit) {
        try {
            return get(places.reserve(new ReservationRequest(name, holder, limit, LONG))) instanceof Reservation.Made;
        } catch (CompletionException noMajority) {
            return false;
        }
    }

    /** Each holder reaches a majority of its own, of the servers that have most room: nothing worse can happen. */
    @ParameterizedTest
    @CsvSource({"3, 1, 1", "3, 2, 3", "3, 4, 6", "5, 1, 1", "5, 2, 3", "5, 3, 5", "5, 4, 6"})
    void so_many_get_a_place_at_worst(int servers, int limit, int most) {
        assertThat(bound(servers, limit)).isEqualTo(most);
        String name = "worst-" + OwnerId.random();
        int[] used = new int[servers];
        int made = 0;
        for (int holder = 0; holder < 2 * most + servers; holder++) {
            List<Integer> roomiest = IntStream.range(0, servers)
                    .boxed()
                    .sorted(Comparator.comparing(server -> used[server]))
                    .limit(majority(servers))
                    .toList();
            if (isMade(reaching(servers, roomiest), name, "holder-" + holder, limit)) {
                roomiest.forEach(server -> used[server]++);
                made++;
            }
        }
        assertThat(made).isEqualTo(most);
    }

    @Test
    void while_all_servers_are_reached_and_nobody_asks_at_the_same_time_the_limit_holds_exactly() {
        String name = "exact-" + OwnerId.random();
        Reservations all = reaching(3, List.of(0, 1, 2));
        long made = IntStream.range(0, 10)
                .filter(holder -> isMade(all, name, "holder-" + holder, 4))
                .count();
        assertThat(made).isEqualTo(4);
    }

    @Test
    void whichever_servers_are_reached_no_more_than_the_bound_have_a_place_at_once() {
        long seed = Long.getLong(Histories.SEED, new Random().nextLong());
        Random random = new Random(seed);
        for (int servers : List.of(3, MOST_SERVERS)) {
            for (int limit = 1; limit <= 4; limit++) {
                String name = "random-" + OwnerId.random();
                List<String> holders = new ArrayList<>();
                for (int step = 0; step < 60; step++) {
                    if (!holders.isEmpty() && random.nextInt(4) == 0) {
                        String holder = holders.remove(random.nextInt(holders.size()));
                        get(reaching(servers, randomOf(servers, servers, random))
                                .giveUp(name, holder));
                    } else {
                        int reached = majority(servers) + random.nextInt(servers - majority(servers) + 1);
                        String holder = "holder-" + step;
                        if (isMade(reaching(servers, randomOf(servers, reached, random)), name, holder, limit)) {
                            holders.add(holder);
                        }
                    }
                    assertThat(holders)
                            .as("%d servers, %d places, -D%s=%d", servers, limit, Histories.SEED, seed)
                            .hasSizeLessThanOrEqualTo(bound(servers, limit));
                }
            }
        }
    }

    private static List<Integer> randomOf(int servers, int count, Random random) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, servers).boxed().toList());
        Collections.shuffle(all, random);
        return all.subList(0, count);
    }
}
