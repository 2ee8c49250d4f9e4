package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.FleetBoard.Answer;
import io.hapax.ops.FleetBoard.News;
import io.hapax.ops.FleetBoard.Position;
import io.hapax.ops.FleetBoard.Posting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The part of {@link LeaseStoreContract} that is about the board on which workers report. */
abstract class BoardContract {

    private static final Duration READING = Duration.ofMinutes(1);

    protected abstract LeaseStore store();

    protected abstract LeaseStore otherClient();

    protected abstract void letLapse(Duration ttl);

    protected abstract Duration shortTtl();

    private static FleetBoard board(LeaseStore store) {
        assumeTrue(store instanceof AdministeredStore, "a store that answers no operators");
        return ((AdministeredStore) store).board();
    }

    /** A worker that no other test knows, and what it puts up. */
    private final class Worker {

        private final String name = "worker-" + OwnerId.random();
        private long clock = 1_700_000_000_000L;

        Answer post(@Nullable String summary, String edition, long number, @Nullable String change) {
            return get(board(store())
                    .post(new Posting(name, LONG, summary, new Position(edition, number), change, clock)));
        }

        /** Changes of one edition, each the text of its number. */
        void postChanges(String edition, long from, long to) {
            LongStream.rangeClosed(from, to)
                    .forEach(number -> assertThat(post(null, edition, number, edition + number)
                                    .isKept())
                            .isTrue());
        }

        News news(@Nullable Position known, Duration readingFor) {
            Map<String, Position> all = new HashMap<>();
            if (known != null) {
                all.put(name, known);
            }
            News news = Objects.requireNonNull(
                    get(board(otherClient()).news(all, readingFor)).get(name), "no news of " + name);
            assertThat(news.clock()).isEqualTo(clock);
            return told(news.edition(), news.first(), news.changes(), news.summary());
        }

        News after(String edition, long number) {
            return news(new Position(edition, number), READING);
        }
    }

    /** But for the clock of the worker. */
    private static News told(String edition, long first, List<String> changes, @Nullable String summary) {
        return new News(edition, first, changes, summary, 0);
    }

    private static List<String> changes(String edition, long from, long to) {
        return LongStream.rangeClosed(from, to)
                .mapToObj(number -> edition + number)
                .toList();
    }

    @Test
    public void reports_of_workers_are_read_until_their_time_is_over_and_workers_know_whether_somebody_reads() {
        Worker worker = new Worker();
        assertThat(get(board(store()).post(Posting.of(worker.name, "first", LONG)))
                        .isKept())
                .isTrue();
        get(board(store()).post(Posting.of(worker.name, "{\"runs\":[\"é\"]}", LONG)));
        assertThat(get(board(otherClient()).summaries())).containsEntry(worker.name, "{\"runs\":[\"é\"]}");
        get(board(otherClient()).news(Map.of(), READING));
        ShortTtl.with(shortTtl(), lifetime -> {
            long began = System.nanoTime();
            assertThat(get(board(store()).post(Posting.of(worker.name, "last", lifetime)))
                            .isRead())
                    .isTrue();
            ShortTtl.before(lifetime, began, () -> {
                assertThat(get(board(otherClient()).summaries())).containsEntry(worker.name, "last");
                assertThat(get(board(otherClient()).news(Map.of(), READING))).containsKey(worker.name);
            });
            letLapse(lifetime);
            assertThat(get(board(otherClient()).summaries())).doesNotContainKey(worker.name);
            assertThat(get(board(otherClient()).news(Map.of(), READING))).doesNotContainKey(worker.name);
        });
    }

    @Test
    public void whoever_knows_the_changes_before_reads_only_those_that_are_new() {
        Worker worker = new Worker();
        assertThat(worker.post("summary", "a", 0, "a0")).matches(answer -> answer.isKept() && answer.hasSummary());
        worker.postChanges("a", 1, 3);
        assertThat(worker.news(null, READING)).isEqualTo(told("a", 0, changes("a", 0, 3), null));
        assertThat(worker.after("a", 1)).isEqualTo(told("a", 2, changes("a", 2, 3), null));
        assertThat(worker.after("a", 3)).isEqualTo(told("a", 4, List.of(), null));
        // A posting without anything new prolongs what is there.
        worker.clock++;
        assertThat(worker.post(null, "a", 3, null)).matches(answer -> answer.isKept() && answer.hasSummary());
        assertThat(worker.after("a", 3)).isEqualTo(told("a", 4, List.of(), null));
        assertThat(get(board(otherClient()).summaries())).containsEntry(worker.name, "summary");
    }

    @Test
    public void a_change_that_starts_an_edition_takes_the_place_of_all_others() {
        Worker worker = new Worker();
        worker.post("summary", "a", 0, "a0");
        worker.postChanges("a", 1, 5);
        worker.postChanges("b", 0, 1);
        assertThat(worker.after("a", 5)).isEqualTo(told("b", 0, changes("b", 0, 1), null));
        assertThat(worker.after("a", 0)).isEqualTo(told("b", 0, changes("b", 0, 1), null));
        assertThat(get(board(otherClient()).summaries())).containsEntry(worker.name, "summary");
    }

    @Test
    public void a_posting_without_an_edition_takes_all_changes_away() {
        Worker worker = new Worker();
        worker.post("summary", "a", 0, "a0");
        assertThat(worker.post(null, "", 0, null)).matches(answer -> answer.isKept() && answer.hasSummary());
        assertThat(worker.after("a", 0)).isEqualTo(told("", 0, List.of(), "summary"));
        worker.postChanges("b", 0, 0);
        assertThat(worker.news(null, READING)).isEqualTo(told("b", 0, changes("b", 0, 0), null));
    }

    /** The board may have lost what it had. */
    @Test
    public void a_change_that_does_not_follow_what_is_there_is_not_kept_and_the_worker_knows() {
        Worker worker = new Worker();
        assertThat(worker.post(null, "a", 7, "a7")).matches(answer -> !answer.isKept() && !answer.hasSummary());
        assertThat(worker.post("summary", "a", 7, null)).matches(answer -> !answer.isKept() && answer.hasSummary());
        assertThat(worker.news(null, READING)).isEqualTo(told("", 0, List.of(), "summary"));
        worker.postChanges("b", 0, 2);
        assertThat(worker.post(null, "b", 4, "b4").isKept()).isFalse();
        assertThat(worker.post(null, "c", 3, "c3").isKept()).isFalse();
        assertThat(worker.post(null, "c", 2, null).isKept()).isFalse();
        assertThat(worker.after("b", 1)).isEqualTo(told("b", 2, changes("b", 2, 2), null));
    }

    /** A client may send again what has arrived. */
    @Test
    public void a_change_that_arrives_twice_is_there_once() {
        Worker worker = new Worker();
        worker.post("summary", "a", 0, "a0");
        worker.post(null, "a", 0, "a0");
        worker.postChanges("a", 1, 2);
        worker.postChanges("a", 2, 2);
        assertThat(worker.news(null, READING)).isEqualTo(told("a", 0, changes("a", 0, 2), null));
    }

    /** As of a process that has ended, whose last posting was on its way. */
    @Test
    public void a_change_of_another_edition_that_arrives_late_takes_the_place_of_none() {
        Worker worker = new Worker();
        worker.post("summary", "a", 0, "a0");
        worker.postChanges("a", 1, 3);
        worker.postChanges("b", 0, 3);
        assertThat(worker.post(null, "a", 2, "a2").isKept()).isFalse();
        assertThat(worker.post(null, "a", 4, "a4").isKept()).isFalse();
        assertThat(worker.news(null, READING)).isEqualTo(told("b", 0, changes("b", 0, 3), null));
        worker.postChanges("b", 4, 4);
        assertThat(worker.after("b", 1)).isEqualTo(told("b", 2, changes("b", 2, 4), null));
    }

    @Test
    public void a_reader_that_stays_for_a_shorter_time_does_not_end_the_time_of_another_one() {
        Worker worker = new Worker();
        get(board(otherClient()).news(Map.of(), READING));
        get(board(store()).news(Map.of(), shortTtl()));
        letLapse(shortTtl());
        assertThat(worker.post("summary", "", 0, null).isRead()).isTrue();
    }

    @Test
    public void the_last_thirty_changes_are_kept_and_whoever_lacks_earlier_ones_asks_for_all() {
        Worker worker = new Worker();
        long kept = FleetBoard.CHANGES_KEPT;
        worker.post("summary", "a", 0, "a0");
        worker.postChanges("a", 1, kept - 1);
        assertThat(worker.news(null, READING).changes()).hasSize(FleetBoard.CHANGES_KEPT);
        worker.postChanges("a", kept, kept + 1);
        assertThat(worker.after("a", 1)).isEqualTo(told("a", 2, changes("a", 2, kept + 1), null));
        // A gap: what comes first is not what follows.
        assertThat(worker.after("a", 0)).isEqualTo(told("a", kept + 2, List.of(), "summary"));
        assertThat(worker.after("b", 3)).isEqualTo(told("a", kept + 2, List.of(), "summary"));
        assertThat(worker.news(null, Duration.ZERO).changes()).isEmpty();
        assertThat(worker.news(null, READING)).isEqualTo(told("a", kept + 2, List.of(), "summary"));
        assertThat(worker.post(null, "a", kept + 1, null)).matches(answer -> answer.isAskedForAll() && answer.isKept());
        assertThat(worker.post(null, "b", 0, "b0").isAskedForAll()).isFalse();
        assertThat(worker.post(null, "b", 0, null).isAskedForAll()).isFalse();
        assertThat(worker.after("a", kept + 1)).isEqualTo(told("b", 0, changes("b", 0, 0), null));
    }

    @Test
    public void a_change_may_be_long_and_of_any_character_but_zero() {
        Worker worker = new Worker();
        String all =
                IntStream.rangeClosed(1, 0xff).mapToObj(Character::toString).collect(Collectors.joining());
        String text = all.repeat(1000);
        assertThat(worker.post("summary", "a", 0, text).isKept()).isTrue();
        assertThat(worker.news(null, READING).changes()).containsExactly(text);
    }

    @Test
    public void of_many_workers_each_has_its_own_news() {
        List<Worker> workers = new ArrayList<>();
        Map<String, Position> known = new HashMap<>();
        for (int n = 0; n < 6; n++) {
            Worker worker = new Worker();
            workers.add(worker);
            worker.post("summary", "e" + n + ".", 0, "e" + n + ".0");
            worker.postChanges("e" + n + ".", 1, n % 3);
            if (n % 2 == 0) {
                known.put(worker.name, new Position("e" + n + ".", 0));
            }
        }
        Map<String, News> news = get(board(otherClient()).news(known, READING));
        news.replaceAll((worker, each) -> told(each.edition(), each.first(), each.changes(), each.summary()));
        for (int n = 0; n < workers.size(); n++) {
            String edition = "e" + n + ".";
            int first = n % 2 == 0 ? 1 : 0;
            assertThat(news)
                    .containsEntry(workers.get(n).name, told(edition, first, changes(edition, first, n % 3), null));
        }
    }
}
