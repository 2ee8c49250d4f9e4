package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.ops.FleetBoard;
import io.hapax.ops.FleetBoard.Answer;
import io.hapax.ops.FleetBoard.News;
import io.hapax.ops.FleetBoard.Position;
import io.hapax.ops.FleetBoard.Posting;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a quorum makes of reports that only some of its servers have. */
class QuorumBoardTest {

    private static final Duration LONG = Duration.ofMinutes(1);

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final List<RedissonLeaseStore> stores = new ArrayList<>();

    @BeforeEach
    void start() {
        Stream.generate(EmbeddedRedis::start).limit(3).forEach(servers::add);
        servers.forEach(server -> stores.add(RedissonLeaseStore.builder()
                .url(server.url())
                .namespace("board")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build()));
    }

    @AfterEach
    void stop() {
        stores.forEach(RedissonLeaseStore::close);
        servers.forEach(EmbeddedRedis::close);
    }

    private FleetBoard without(int... away) {
        Lines lines = new Lines(stores);
        for (int server : away) {
            lines.down(server);
        }
        return lines.quorum().board();
    }

    private static Answer post(FleetBoard board, String edition, long number, @Nullable String change) {
        return get(board.post(
                new Posting("alice", LONG, number == 0 ? "s" : null, new Position(edition, number), change, 7)));
    }

    private static News news(FleetBoard board, Map<String, Position> known) {
        return get(board.news(known, LONG)).get("alice");
    }

    private static News told(String edition, long first, List<String> changes, @Nullable String summary) {
        return new News(edition, first, changes, summary, 7);
    }

    @Test
    void what_one_server_has_missed_is_read_from_the_others_and_nobody_has_to_tell_everything_again() {
        post(without(), "a", 0, "a0");
        post(without(2), "a", 1, "a1");
        assertThat(post(without(), "a", 2, "a2")).isEqualTo(new Answer(false, false, true, true));
        assertThat(news(without(), Map.of())).isEqualTo(told("a", 0, List.of("a0", "a1", "a2"), null));
        Map<String, Position> known = Map.of("alice", new Position("a", 1));
        assertThat(news(without(), known)).isEqualTo(told("a", 2, List.of("a2"), null));
        // The one that is behind says nothing, which is not wrong.
        assertThat(news(without(0, 1), known)).isEqualTo(told("a", 2, List.of(), null));
        assertThat(post(without(), "a", 2, null).isAskedForAll()).isFalse();
    }

    @Test
    void a_worker_tells_everything_again_when_most_servers_have_lost_it() {
        post(without(), "a", 0, "a0");
        servers.get(0).restartEmpty();
        assertThat(post(without(), "a", 1, "a1").isKept()).isTrue();
        assertThat(post(without(), "a", 1, null).hasSummary()).isFalse();
        servers.get(1).restartEmpty();
        assertThat(post(without(), "a", 2, "a2").isKept()).isFalse();
        assertThat(post(without(), "b", 0, "b0")).matches(answer -> answer.isKept() && answer.hasSummary());
        assertThat(news(without(), Map.of("alice", new Position("a", 1)))).isEqualTo(told("b", 0, List.of("b0"), null));
        assertThat(get(without().summaries())).containsExactly(Map.entry("alice", "s"));
    }

    /** It is put up when it is new, so the servers that were away would keep the old one. */
    @Test
    void a_summary_that_most_servers_may_have_missed_is_lacking() {
        post(without(), "a", 0, "a0");
        Posting renewed = new Posting("alice", LONG, "new", new Position("a", 0), null, 7);
        assertThat(get(without(0, 1).post(renewed)).hasSummary()).isFalse();
        assertThat(get(without(0).post(renewed)).hasSummary()).isTrue();
        assertThat(get(without().summaries())).containsExactly(Map.entry("alice", "new"));
    }

    /** Else all would have to be put up again each second for as long as one server is behind. */
    @Test
    void a_reader_that_knows_something_or_only_looks_asks_for_nothing() {
        post(without(), "a", 0, "a0");
        for (int number = 1; number <= FleetBoard.CHANGES_KEPT; number++) {
            post(number < 5 ? without() : without(2), "a", number, "a" + number);
        }
        news(without(), Map.of("alice", new Position("a", FleetBoard.CHANGES_KEPT)));
        news(without(), Map.of("alice", new Position("b", 0)));
        get(without().news(Map.of(), Duration.ZERO));
        assertThat(post(without(), "a", FleetBoard.CHANGES_KEPT, null).isAskedForAll())
                .isFalse();
        news(without(), Map.of());
        assertThat(post(without(), "a", FleetBoard.CHANGES_KEPT, null).isAskedForAll())
                .isTrue();
    }

    /** It has all that it handed out, but not what has become of it since. */
    @Test
    void what_a_server_that_is_behind_has_from_the_start_is_a_gap_and_not_the_newest_state() {
        post(without(), "a", 0, "a0");
        for (int number = 1; number <= FleetBoard.CHANGES_KEPT; number++) {
            post(number < 5 ? without() : without(2), "a", number, "a" + number);
        }
        News gap = told("a", FleetBoard.CHANGES_KEPT + 1, List.of(), "s");
        assertThat(news(without(), Map.of())).isEqualTo(gap);
        assertThat(news(without(), Map.of("alice", new Position("of before", 7))))
                .isEqualTo(gap);
        assertThat(news(without(), Map.of("alice", new Position("a", FleetBoard.CHANGES_KEPT - 1))))
                .isEqualTo(told("a", FleetBoard.CHANGES_KEPT, List.of("a" + FleetBoard.CHANGES_KEPT), null));
    }

    /** Such a one keeps an edition of long ago, whose changes a new reader lacks. */
    @Test
    void a_server_that_misses_each_start_of_an_edition_does_not_ask_for_all_of_it_again_and_again() {
        post(without(), "a", 0, "a0");
        for (int number = 1; number <= FleetBoard.CHANGES_KEPT; number++) {
            post(without(), "a", number, "a" + number);
        }
        post(without(2), "b", 0, "b0");
        news(without(), Map.of());
        assertThat(post(without(), "b", 1, "b1")).isEqualTo(new Answer(true, false, true, true));
    }

    @Test
    void the_edition_that_most_servers_have_counts() {
        post(without(), "a", 0, "a0");
        post(without(2), "b", 0, "b0");
        assertThat(news(without(), Map.of())).isEqualTo(told("b", 0, List.of("b0"), null));
        assertThat(news(without(0), Map.of("alice", new Position("b", 0))))
                .as("one of each: either may be the newer one")
                .isIn(told("b", 1, List.of(), null), told("a", 0, List.of("a0"), null));
        assertThat(post(without(0), "b", 1, "b1").isKept())
                .as("one of two is not enough")
                .isFalse();
    }
}
