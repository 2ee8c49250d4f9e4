package io.hapax.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunHistoryTest {

    private Instant now = Instant.parse("2026-11-24T01:00:00Z");
    private final RunHistory history = new RunHistory(() -> now);

    private static JobIdentity lock(String key) {
        return new JobIdentity(new LockKey(key), null);
    }

    private Lease lease(String key) {
        return new Lease(lock(key), OwnerId.random(), new FencingToken(1), "worker", Duration.ofSeconds(30), now);
    }

    private void begin() {
        history.on(new GuardEvent.Acquired("job", lease("k"), Duration.ZERO, 1));
    }

    private void refuse(String job) {
        refuse(job, Verdict.OVERLAP);
    }

    private void refuse(String job, Verdict verdict) {
        history.on(new GuardEvent.Refused(
                job, lock(job), new Refusal(verdict, null, Duration.ZERO, "held", null), Duration.ZERO, false));
    }

    private static int sum(List<Integer> counts) {
        return counts.stream().mapToInt(Integer::intValue).sum();
    }

    @Test
    void what_is_only_observed_is_shown_and_counts_as_nothing_refused() {
        Refusal held = new Refusal(Verdict.OVERLAP, null, Duration.ZERO, "held", null);
        for (int n = 0; n < 100; n++) {
            history.on(new GuardEvent.WouldRefuse("job", lock("k"), held, false));
            history.on(new GuardEvent.RanTwice("job", lock("k"), held, Duration.ZERO));
        }
        assertThat(history.events())
                .hasSize(10)
                .extracting(Report.Event::what, Report.Event::why)
                .containsOnly(tuple("would", "OVERLAP"), tuple("twice", "OVERLAP"));
        assertThat(sum(history.chart().refused())).isZero();
    }

    @Test
    void counts_fall_out_after_an_hour() {
        begin();
        now = now.plusSeconds(30);
        begin();
        refuse("job");
        assertThat(history.chart().runs()).hasSize(120).endsWith(1, 1);
        assertThat(history.chart().refused()).endsWith(0, 1);
        now = now.plus(Duration.ofMinutes(59));
        assertThat(sum(history.chart().runs())).isEqualTo(2);
        now = now.plusSeconds(30);
        assertThat(sum(history.chart().runs())).isEqualTo(1);
        now = now.plusSeconds(30);
        assertThat(sum(history.chart().runs())).isZero();
    }

    @Test
    void a_clock_that_is_set_back_loses_nothing() {
        begin();
        now = now.minus(Duration.ofMinutes(10));
        begin();
        assertThat(sum(history.chart().runs())).isEqualTo(2);
    }

    @Test
    void a_pause_of_days_leaves_an_empty_chart() {
        begin();
        now = now.plus(Duration.ofDays(3));
        assertThat(sum(history.chart().runs())).isZero();
        begin();
        assertThat(history.chart().runs()).endsWith(0, 1);
    }

    @Test
    void a_job_that_is_refused_each_second_does_not_push_out_why_others_were() {
        refuse("nightly");
        refuse("noisy", Verdict.THROTTLED);
        history.on(new GuardEvent.Lost("slow", lease("s"), LossReason.NOT_RENEWED, null, Duration.ofSeconds(40)));
        for (int n = 0; n < 10_000; n++) {
            now = now.plusSeconds(1);
            refuse("noisy");
        }
        assertThat(history.events())
                .extracting(Report.Event::job)
                .startsWith("noisy")
                .contains("nightly", "slow");
        assertThat(history.events())
                .filteredOn(event -> event.job().equals("noisy"))
                .hasSize(6)
                .extracting(Report.Event::why)
                .contains("THROTTLED");
        assertThat(history.events()).isSortedAccordingTo((a, b) -> Long.compare(b.at(), a.at()));
    }

    @Test
    void it_forgets_the_job_that_was_refused_longest_ago_when_there_are_many() {
        for (int n = 0; n < 1000; n++) {
            now = now.plusMillis(1);
            refuse("job-" + n);
        }
        assertThat(history.events()).hasSize(150).extracting(Report.Event::job).contains("job-999", "job-850");
    }

    @Test
    void what_people_have_done_and_takeovers_are_remembered() {
        history.on(new GuardEvent.Forced("k", lock("k"), null, "ann", "gone"));
        history.on(new GuardEvent.Resolved("k", lock("k"), io.hapax.ledger.RunState.DONE, "ben", "seen"));
        history.on(new GuardEvent.Acquired("job", lease("k"), Duration.ZERO, 2));
        assertThat(history.events())
                .extracting(Report.Event::what)
                .containsExactlyInAnyOrder("forced", "resolved", "again");
        assertThat(history.events()).extracting(Report.Event::reason).contains("ann: gone", "ben: seen");
    }
}
