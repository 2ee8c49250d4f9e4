package io.hapax.console;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ActiveRun;
import io.hapax.WaitingRun;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.ReportReader;
import io.hapax.ops.ReportWriter;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a worker says of itself line by line, and what others make of it. */
class WorkerLinesTest {

    private static final Instant START = Instant.parse("2026-12-31T23:59:00Z");
    private static final Duration TTL = Duration.ofSeconds(30);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private Instant now = START;
    private final RunHistory history = new RunHistory(() -> now);
    private final JobHistory jobs = new JobHistory(() -> now);
    private final Map<OwnerId, ActiveRun> runs = new LinkedHashMap<>();
    private final List<WaitingRun> waiting = new ArrayList<>();
    private final WorkerLines lines = new WorkerLines(
            new WorkerLines.Head("alice", "i", "settings", true),
            () -> List.copyOf(runs.values()),
            () -> List.copyOf(waiting),
            history,
            jobs);
    private final ReportWriter writer = new ReportWriter("alice", Duration.ofMinutes(1), ticker);
    private final ReportReader reader = new ReportReader(store, ticker);
    private final Telling telling = new Telling(JsonMapper.builder().build());
    private int looks;

    @BeforeEach
    void read() {
        look();
        post();
    }

    /** As each second; returns how long the change is. */
    private int post() {
        FleetBoard.Posting posting = writer.next(() -> "{}", out -> lines.tell(out, writer.clock()));
        writer.answered(
                posting, store.board().post(posting).toCompletableFuture().join());
        return posting.change() == null ? 0 : posting.change().length();
    }

    private ReportReader.Seen look() {
        return reader.take(reader.ask(Duration.ofHours(1)).toCompletableFuture().join())
                .getOrDefault("alice", new ReportReader.Seen(null, Map.of(), 0, true));
    }

    private Report told() throws JsonProcessingException {
        post();
        return telling.report(look(), ++looks);
    }

    private void later(Duration time) {
        now = now.plus(time);
        ticker.advance(time);
        runs.replaceAll((owner, run) -> with(run, run.thread(), max(run.left().minus(time))));
        waiting.replaceAll(
                run -> new WaitingRun(run.job(), run.identity(), run.waited().plus(time), run.reason()));
    }

    private static Duration max(Duration left) {
        return left.isNegative() ? Duration.ZERO : left;
    }

    private static ActiveRun with(ActiveRun run, String thread, Duration left) {
        return new ActiveRun(
                run.job(),
                run.identity(),
                run.owner(),
                run.token(),
                run.attempt(),
                run.since(),
                thread,
                run.ttl(),
                left);
    }

    private OwnerId starts(int number) {
        OwnerId owner = OwnerId.random();
        runs.put(
                owner,
                new ActiveRun(
                        "job",
                        new JobIdentity(new LockKey("key/" + number), new RunKey("job@" + number)),
                        owner,
                        new FencingToken(number + 1),
                        1,
                        now,
                        "thread-" + number % 7,
                        TTL,
                        TTL));
        return owner;
    }

    private void renewed(OwnerId owner) {
        runs.computeIfPresent(owner, (same, run) -> with(run, run.thread(), TTL));
    }

    private void ends(OwnerId owner) {
        ActiveRun run = runs.remove(owner);
        Lease lease = new Lease(run.identity(), owner, run.token(), "alice", TTL, run.since());
        GuardEvent ended =
                new GuardEvent.Released("job", lease, RunOutcome.COMPLETED, Duration.between(run.since(), now));
        history.on(ended);
        jobs.on(ended);
    }

    @Test
    void a_report_is_what_the_worker_is_at() throws Exception {
        OwnerId run = starts(1);
        waiting.add(new WaitingRun(
                "late", new JobIdentity(new LockKey("k"), null), Duration.ofSeconds(3), "the key is held by bob"));
        history.on(new GuardEvent.Lost(
                "job",
                new Lease(
                        new JobIdentity(new LockKey("k"), null),
                        OwnerId.random(),
                        new FencingToken(9),
                        "alice",
                        TTL,
                        START),
                LossReason.NOT_RENEWED,
                null,
                Duration.ofSeconds(31)));
        ends(starts(2));
        later(Duration.ofSeconds(2));
        Report told = told();
        assertThat(told.worker()).isEqualTo("alice");
        assertThat(told.instance()).isEqualTo("i");
        assertThat(told.settings()).isEqualTo("settings");
        assertThat(told.observes()).isTrue();
        assertThat(told.active()).isEqualTo(1);
        assertThat(told.runs())
                .containsExactly(new Report.Run(
                        run.value(),
                        "2",
                        "job",
                        "key/1",
                        "job@1",
                        1,
                        START.toEpochMilli(),
                        "thread-1",
                        30_000,
                        28_000));
        assertThat(told.waiting())
                .containsExactly(new Report.Waiting("late", "k", "", 5_000, "the key is held by bob"));
        assertThat(told.events()).isEqualTo(history.events()).hasSize(1);
        assertThat(told.jobs()).isEqualTo(jobs.told(true)).hasSize(1);
        assertThat(told.jobs().get(0).past()).hasSize(1);
        Report.Chart chart = history.chart();
        assertThat(told.chart().lost()).containsExactly(1);
        assertThat(told.chart().from())
                .isEqualTo(chart.from() + (long) (RunHistory.STEPS - 1) * RunHistory.STEP_SECONDS);
    }

    @Test
    void as_long_as_nothing_happens_nothing_is_told_though_time_goes_by() throws Exception {
        IntStream.range(0, 500).forEach(this::starts);
        for (int n = 0; n < 20; n++) {
            waiting.add(new WaitingRun(
                    "late", new JobIdentity(new LockKey("k"), null), Duration.ofSeconds(n), "held by bob"));
        }
        assertThat(post()).isPositive();
        for (int n = 0; n < 20; n++) {
            later(Duration.ofMillis(1000 + n));
            assertThat(post()).isZero();
        }
        Report seen = told();
        assertThat(seen.runs())
                .hasSize(500)
                .allSatisfy(run -> assertThat(run.left()).isBetween(9_000L, 10_000L));
        assertThat(seen.waiting()).extracting(Report.Waiting::waited).allMatch(waited -> waited >= 20_000);
    }

    /** Renewals come in batches, of which some runs have ended when the next one comes. */
    @Test
    void renewed_leases_take_some_characters_and_end_when_they_end() throws Exception {
        List<OwnerId> owners = IntStream.range(0, 1000).mapToObj(this::starts).toList();
        post();
        for (int second = 0; second < 60; second++) {
            later(Duration.ofSeconds(1));
            int batch = second % 10;
            owners.subList(100 * batch, 100 * batch + 100).forEach(this::renewed);
            if (second % 3 == 0) {
                ends(owners.get(second * 13 % 1000));
                post();
            } else {
                assertThat(post()).as("second %s", second).isLessThan(250);
            }
            assertLeft(telling.report(look(), ++looks));
        }
    }

    private void assertLeft(Report seen) {
        assertThat(seen.runs()).hasSize(runs.size()).allSatisfy(run -> {
            long left = runs.get(new OwnerId(run.owner())).left().toMillis();
            assertThat(run.left()).isBetween(left - 400, left + 400);
        });
    }

    @Test
    void a_lost_lease_is_told_as_lost_also_beside_others_of_its_batch() throws Exception {
        List<OwnerId> owners = IntStream.range(0, 3).mapToObj(this::starts).toList();
        post();
        later(Duration.ofSeconds(10));
        owners.forEach(this::renewed);
        told();
        later(Duration.ofSeconds(1));
        runs.computeIfPresent(owners.get(1), (same, run) -> with(run, run.thread(), Duration.ZERO));
        assertThat(told().runs()).extracting(Report.Run::left).containsExactly(29_000L, 0L, 29_000L);
        later(Duration.ofSeconds(9));
        renewed(owners.get(0));
        renewed(owners.get(2));
        assertLeft(told());
        renewed(owners.get(1));
        assertLeft(told());
    }

    @Test
    void a_lease_that_ends_earlier_than_was_said_is_told_as_it_is_also_beside_others_of_its_batch() throws Exception {
        List<OwnerId> owners = IntStream.range(0, 4).mapToObj(this::starts).toList();
        post();
        for (int batch = 0; batch < 2; batch++) {
            later(Duration.ofSeconds(1));
            owners.subList(batch, 4).forEach(this::renewed);
            assertLeft(told());
        }
        runs.computeIfPresent(
                owners.get(3), (same, run) -> with(run, run.thread(), run.left().minusSeconds(5)));
        assertLeft(told());
    }

    @Test
    void a_thread_that_has_left_its_code_is_told() throws Exception {
        OwnerId owner = starts(1);
        told();
        runs.computeIfPresent(owner, (same, run) -> with(run, "", run.left()));
        assertThat(told().runs()).extracting(Report.Run::thread).containsExactly("");
    }

    @Test
    void a_run_that_ends_and_one_that_starts_take_little_more_than_what_nobody_can_guess() {
        List<OwnerId> owners =
                new ArrayList<>(IntStream.range(0, 1000).mapToObj(this::starts).toList());
        post();
        int all = 0;
        for (int second = 0; second < 20; second++) {
            later(Duration.ofSeconds(1));
            for (int n = 0; n < 10; n++) {
                ends(owners.remove(0));
                owners.add(starts(1000 + 10 * second + n));
            }
            int change = post();
            all += second < 10 ? 0 : change;
        }
        // Ten runs: the owner of each alone takes 18.
        assertThat(all / 100).isLessThan(90);
    }

    @Test
    void what_does_not_fit_into_one_change_is_told_in_the_next_ones_the_newest_first() throws Exception {
        for (int job = 0; job < 100; job++) {
            for (int n = 0; n < JobHistory.MOST_PAST; n++) {
                OwnerId owner = starts(n);
                now = now.plusMillis(10);
                ActiveRun run = runs.remove(owner);
                jobs.on(new GuardEvent.Released(
                        "job-" + job,
                        new Lease(run.identity(), owner, run.token(), "alice", TTL, run.since()),
                        RunOutcome.COMPLETED,
                        Duration.ofMillis(5)));
            }
        }
        starts(1);
        Report first = told();
        assertThat(first.runs()).hasSize(1);
        assertThat(first.jobs()).hasSize(100);
        assertThat(first.jobs().stream()
                        .filter(job -> job.job().equals("job-99"))
                        .findFirst())
                .hasValueSatisfying(job -> assertThat(job.past()).hasSize(JobHistory.MOST_PAST));
        assertThat(first.jobs().stream().mapToInt(job -> job.past().size()).sum())
                .isLessThan(100 * JobHistory.MOST_PAST);
        for (int n = 0; n < 10; n++) {
            told();
        }
        assertThat(told().jobs()).isEqualTo(jobs.told(true));
    }
}
