package io.hapax.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.lease.LeaseStoreException;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A worker that reports each second, and readers of what it reports. */
class ReportTest {

    private static final Duration LIFETIME = Duration.ofSeconds(10);
    private static final Duration READING = Duration.ofSeconds(5);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final Worker worker = new Worker("alice");
    private final ReportReader reader = new ReportReader(store, ticker);

    /** Reports what its lines are. */
    private final class Worker {

        private final ReportWriter writer;
        private final Map<String, String> lines = new LinkedHashMap<>();
        private String summary = "summary";
        private long stood;

        Worker(String name) {
            this.writer = new ReportWriter(name, LIFETIME, ticker);
        }

        FleetBoard.Posting post() {
            FleetBoard.Posting now = next();
            FleetBoard.Posting posting = new FleetBoard.Posting(
                    now.worker(), now.lifetime(), now.summary(), now.position(), now.change(), now.clock() - stood);
            writer.answered(
                    posting, store.board().post(posting).toCompletableFuture().join());
            return posting;
        }

        FleetBoard.Posting next() {
            return writer.next(() -> summary, out -> lines.forEach(out::line));
        }
    }

    private Map<String, ReportReader.Seen> look() {
        return look(reader);
    }

    private static Map<String, ReportReader.Seen> look(ReportReader reader) {
        return reader.take(reader.ask(READING).toCompletableFuture().join());
    }

    private void second() {
        ticker.advance(Duration.ofSeconds(1));
    }

    @Test
    void as_long_as_nobody_reads_only_a_summary_is_put_up_and_nothing_as_long_as_it_is_the_same() {
        worker.lines.put("r1", "a run");
        assertThat(worker.post())
                .isEqualTo(new FleetBoard.Posting("alice", LIFETIME, "summary", FleetBoard.Position.NONE, null, 0));
        for (int n = 0; n < 20; n++) {
            second();
            assertThat(worker.post())
                    .isEqualTo(new FleetBoard.Posting(
                            "alice", LIFETIME, null, FleetBoard.Position.NONE, null, (n + 1) * 1000L));
        }
        List<Integer> posted = new ArrayList<>();
        for (int n = 0; n < 20; n++) {
            worker.summary = "summary " + n;
            second();
            if (worker.post().summary() != null) {
                posted.add(n);
            }
        }
        assertThat(posted).hasSize(4);
        assertThat(store.board().summaries().toCompletableFuture().join()).containsKey("alice");
    }

    @Test
    void a_summary_that_the_board_has_lost_is_put_up_again() {
        worker.post();
        store.forgetEverything();
        second();
        worker.post();
        second();
        assertThat(worker.post().summary()).isEqualTo("summary");
    }

    @Test
    void while_somebody_reads_nothing_is_put_up_but_what_has_changed() {
        worker.post();
        assertThat(look().get("alice").summary()).isEqualTo("summary");
        worker.post();
        for (int n = 0; n < 1000; n++) {
            worker.lines.put("r" + n, "{\"a\":\"run\",\"number\":" + n + "}");
        }
        assertThat(worker.post().change()).isNotNull();
        assertThat(look().get("alice").lines()).isEqualTo(worker.lines);
        second();
        assertThat(worker.post())
                .satisfies(posting -> assertThat(posting.change()).isNull())
                .satisfies(posting -> assertThat(posting.summary()).isNull());
        worker.lines.remove("r7");
        worker.lines.put("r1000", "{\"a\":\"run\",\"number\":1000}");
        assertThat(worker.post().change()).hasSizeLessThan(60);
        assertThat(look().get("alice").lines()).isEqualTo(worker.lines);
        // Nobody reads any more: nothing stays on the board.
        ticker.advance(READING);
        worker.post();
        assertThat(worker.post().position()).isEqualTo(FleetBoard.Position.NONE);
        assertThat(look().get("alice"))
                .satisfies(seen -> assertThat(seen.lines()).isEmpty())
                .satisfies(seen -> assertThat(seen.summary()).isEqualTo("summary"));
    }

    @Test
    void what_is_too_much_for_one_change_is_in_the_next_ones() {
        look();
        worker.post();
        String text = "x".repeat(1000);
        for (int n = 0; n < 1000; n++) {
            worker.lines.put("p" + n, n + text);
        }
        worker.post();
        assertThat(look().get("alice").lines()).hasSizeBetween(300, 500).containsKey("p0");
        worker.post();
        worker.post();
        assertThat(look().get("alice").lines()).isEqualTo(worker.lines);
    }

    @Test
    void keys_and_texts_that_cannot_be_lines_are_refused() {
        look();
        worker.post();
        for (String key : List.of("", "r", "run", "17", "r1x", "R1", "r-1", "r1 2")) {
            worker.lines.clear();
            worker.lines.put(key, "text");
            assertThatIllegalArgumentException()
                    .isThrownBy(worker::next)
                    .withMessageContaining("a letter and a number");
        }
        worker.lines.clear();
        worker.lines.put("r1", "two\nlines");
        assertThatIllegalArgumentException().isThrownBy(worker::next).withMessageContaining("line break");
    }

    /** Two readers, one of them away at times; a board that is emptied, a worker that starts again, postings that are lost. */
    @Test
    void whatever_happens_every_reader_has_the_lines_of_the_worker_some_seconds_later() {
        Random random = new Random(5);
        ReportReader other = new ReportReader(store, ticker);
        Worker reporting = worker;
        int away = 0;
        int quiet = 0;
        int compared = 0;
        for (int step = 0; step < 2000; step++) {
            quiet++;
            for (int n = random.nextInt(5); n > 0; n--) {
                reporting.lines.put("r" + random.nextInt(60), "run " + random.nextInt(1000));
                reporting.lines.remove("r" + random.nextInt(60));
            }
            if (random.nextInt(100) == 0) {
                store.forgetEverything();
                quiet = 0;
            } else if (random.nextInt(100) == 0) {
                reporting = new Worker("alice");
                quiet = 0;
            } else if (random.nextInt(50) == 0) {
                // It is on its way, and nobody knows whether it arrives.
                reporting.next();
                quiet = 0;
            } else if (random.nextInt(100) == 0) {
                away = random.nextInt(60);
            }
            reporting.post();
            Map<String, ReportReader.Seen> seen = look();
            Map<String, ReportReader.Seen> also = away-- > 0 ? Map.of() : look(other);
            if (quiet > 3) {
                assertThat(seen.get("alice").lines()).as("step %s", step).isEqualTo(reporting.lines);
                compared++;
            }
            if (quiet > 3 && away < -3) {
                assertThat(also.get("alice").lines()).as("step %s", step).isEqualTo(reporting.lines);
            }
            second();
        }
        assertThat(compared).isGreaterThan(1000);
    }

    @Test
    void whoever_missed_too_much_sees_the_old_lines_for_some_seconds_until_all_of_them_come() {
        look();
        worker.post();
        worker.lines.put("r0", "a run");
        worker.post();
        ReportReader late = new ReportReader(store, ticker);
        assertThat(look(late).get("alice").isWhole()).isTrue();
        for (int n = 1; n <= FleetBoard.CHANGES_KEPT + 2; n++) {
            worker.lines.put("r" + n, "a run");
            worker.post();
            look();
        }
        assertThat(look(late).get("alice"))
                .satisfies(seen -> assertThat(seen.isWhole()).isFalse())
                .satisfies(seen -> assertThat(seen.lines()).containsOnlyKeys("r0"));
        // It asks once it has noticed.
        look(late);
        worker.post();
        worker.post();
        assertThat(look(late).get("alice").lines()).isEqualTo(worker.lines);
        assertThat(look().get("alice").lines()).isEqualTo(worker.lines);
    }

    @Test
    void lines_of_which_nobody_knows_whether_they_are_right_are_not_shown_for_long() {
        look();
        worker.post();
        worker.lines.put("r0", "a run");
        worker.post();
        ReportReader late = new ReportReader(store, ticker);
        look(late);
        for (int n = 1; n <= FleetBoard.CHANGES_KEPT + 2; n++) {
            worker.lines.put("r" + n, "a run");
            worker.post();
        }
        assertThat(look(late).get("alice").lines()).isNotEmpty();
        ticker.advance(Duration.ofSeconds(5));
        assertThat(look(late).get("alice"))
                .satisfies(seen -> assertThat(seen.lines()).isEmpty())
                .satisfies(seen -> assertThat(seen.summary()).isEqualTo("summary"));
    }

    /** As when a page is opened again on which nobody has looked for an hour, while another one is open. */
    @Test
    void lines_of_long_ago_are_not_shown_as_if_they_were_of_now() {
        look();
        worker.post();
        worker.lines.put("r0", "a run");
        worker.post();
        ReportReader late = new ReportReader(store, ticker);
        look(late);
        for (int n = 1; n <= FleetBoard.CHANGES_KEPT + 2; n++) {
            second();
            worker.lines.put("r" + n, "a run");
            worker.post();
            look();
        }
        assertThat(look(late).get("alice"))
                .satisfies(seen -> assertThat(seen.isWhole()).isFalse())
                .satisfies(seen -> assertThat(seen.lines()).isEmpty())
                .satisfies(seen -> assertThat(seen.summary()).isEqualTo("summary"));
    }

    /** Clocks of machines are not compared: what counts is how long ago the worker has said something. */
    @Test
    void the_clock_of_a_worker_goes_on_between_its_changes() {
        ticker.advance(Duration.ofHours(3));
        look();
        worker.post();
        worker.lines.put("a0", "1");
        worker.post();
        ticker.advance(Duration.ofMillis(400));
        assertThat(look().get("alice").clock()).isEqualTo(worker.writer.clock() - 400);
        second();
        worker.lines.put("a0", "2");
        worker.post();
        assertThat(look().get("alice").clock()).isEqualTo(worker.writer.clock());
        ticker.advance(Duration.ofSeconds(4));
        assertThat(look().get("alice").clock()).isEqualTo(worker.writer.clock());
    }

    /** What it has said last may be of long ago. */
    @Test
    void a_reader_that_comes_late_knows_the_clock_of_a_worker_of_which_nothing_is_new() {
        look();
        worker.post();
        worker.lines.put("a0", "1");
        for (int n = 0; n < 100; n++) {
            worker.post();
            look();
            second();
        }
        worker.post();
        ReportReader late = new ReportReader(store, ticker);
        assertThat(look(late).get("alice").clock()).isEqualTo(worker.writer.clock());
        assertThat(look().get("alice").clock()).isEqualTo(worker.writer.clock());
    }

    @Test
    void a_clock_that_has_stood_still_counts_after_some_looks_and_one_slow_posting_does_not() {
        look();
        worker.post();
        worker.post();
        look();
        ticker.advance(Duration.ofSeconds(4));
        // Nothing has arrived for some seconds.
        assertThat(look().get("alice").clock()).isEqualTo(worker.writer.clock());
        worker.stood = 60_000;
        for (int n = 0; n < 3; n++) {
            worker.post();
            look();
            second();
        }
        worker.post();
        assertThat(look().get("alice").clock()).isEqualTo(worker.writer.clock() - 60_000);
    }

    /** Else its leases would seem to end later than they do. */
    @Test
    void the_clock_of_a_worker_that_has_fallen_silent_goes_on() {
        look();
        worker.post();
        worker.lines.put("a0", "1");
        worker.post();
        for (int n = 0; n < 9; n++) {
            assertThat(look().get("alice").clock()).isEqualTo(worker.writer.clock());
            second();
        }
    }

    @Test
    void a_worker_that_has_fallen_silent_is_not_seen_any_more() {
        look();
        worker.post();
        worker.lines.put("r1", "a run");
        worker.post();
        assertThat(look()).containsOnlyKeys("alice");
        ticker.advance(LIFETIME);
        assertThat(look()).isEmpty();
    }

    @Test
    void trouble_of_the_board_is_the_readers_and_what_it_knew_is_not_forgotten() {
        look();
        worker.post();
        for (int n = 0; n <= FleetBoard.CHANGES_KEPT; n++) {
            worker.lines.put("r" + n, "a run");
            worker.post();
            look();
        }
        FaultInjector faults = new FaultInjector();
        ReportReader failing = new ReportReader(faults.around(AdministeredStore.class, store), ticker);
        look(failing);
        worker.post();
        worker.post();
        look(failing);
        worker.lines.put("r1", "another run");
        worker.post();
        faults.inject(FleetBoard.class, "news", new InjectedFault.Failed(new LeaseStoreException("no answer")), 1);
        assertThat(failing.ask(READING).toCompletableFuture())
                .failsWithin(Duration.ofSeconds(1))
                .withThrowableThat()
                .withCauseInstanceOf(LeaseStoreException.class);
        for (int n = 0; n < FleetBoard.CHANGES_KEPT - 1; n++) {
            worker.lines.put("r2", "run " + n);
            worker.post();
        }
        assertThat(look(failing).get("alice"))
                .satisfies(seen -> assertThat(seen.isWhole()).isTrue())
                .satisfies(seen -> assertThat(seen.lines()).isEqualTo(worker.lines));
    }

    @Test
    void what_stands_for_nothing_new_is_neither_a_summary_nor_a_change() {
        FleetBoard.Position first = new FleetBoard.Position("a", 0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new FleetBoard.Posting("alice", LIFETIME, null, first, "", 0))
                .withMessageContaining("a change has at least one character");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FleetBoard.Posting.of("alice", "", LIFETIME))
                .withMessageContaining("a summary has at least one character");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new FleetBoard.Posting("alice", LIFETIME, null, FleetBoard.Position.NONE, "a change", 0))
                .withMessageContaining("a change needs an edition");
    }
}
