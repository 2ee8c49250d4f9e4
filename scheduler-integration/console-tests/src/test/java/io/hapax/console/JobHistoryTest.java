package io.hapax.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class JobHistoryTest {

    private static final Instant START = Instant.parse("2026-11-24T01:00:00Z");

    private Instant now = START;
    private final JobHistory history = new JobHistory(() -> now);
    private final FleetJobs fleet = new FleetJobs();
    private final Holder holder =
            new Holder(new OwnerId("other"), new FencingToken(9), "bob", "", START.minusSeconds(72));

    private Lease lease(String run) {
        JobIdentity keys = new JobIdentity(new LockKey("k"), run.isEmpty() ? null : new RunKey(run));
        return new Lease(keys, OwnerId.random(), new FencingToken(1), "alice", Duration.ofSeconds(30), now);
    }

    private void ends(String job, String run, RunOutcome outcome, Duration took) {
        now = now.plus(took);
        history.on(new GuardEvent.Released(job, lease(run), outcome, took));
    }

    private void refused(String job, String run, Verdict verdict, boolean planned, boolean again) {
        history.on(new GuardEvent.Refused(
                job,
                lease(run).identity(),
                new Refusal(verdict, holder, Duration.ZERO, "held", null),
                Duration.ZERO,
                planned,
                again));
    }

    private Report report(String worker) {
        return report(worker, history);
    }

    private static Report report(String worker, JobHistory history) {
        return new Report(
                worker,
                "i",
                1,
                "s",
                false,
                0,
                List.of(),
                List.of(),
                List.of(),
                new Report.Chart(30, 0, List.of(), List.of(), List.of()),
                history.told(true));
    }

    private JobView seen(String job) {
        fleet.take(List.of(report("alice")), Set.of("alice"));
        return fleet.view(job, now.toEpochMilli(), List.of(), List.of());
    }

    @Test
    void a_hundred_occurrences_of_two_hundred_jobs_are_remembered() {
        for (int n = 0; n < 150; n++) {
            ends("often", "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        }
        assertThat(seen("often").occurrences()).hasSize(100);
        for (int n = 0; n < 1000; n++) {
            ends("job-" + n, "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        }
        assertThat(history.told(false))
                .hasSize(JobHistory.MOST_JOBS)
                .allSatisfy(job -> assertThat(job.past()).isEmpty())
                .extracting(Report.Job::job)
                .contains("job-999")
                .doesNotContain("often");
    }

    @Test
    void everything_that_is_remembered_is_told_in_one_order_as_long_as_nothing_is_new() {
        for (int job = 0; job < 50; job++) {
            for (int n = 0; n < JobHistory.MOST_PAST; n++) {
                ends("job-" + job, "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
            }
        }
        List<Report.Job> told = history.told(true);
        assertThat(told)
                .hasSize(50)
                .allSatisfy(job -> assertThat(job.past()).hasSize(JobHistory.MOST_PAST))
                .isSortedAccordingTo(Comparator.comparing(Report.Job::job));
        assertThat(history.told(true)).isEqualTo(told);
    }

    @Test
    void equal_refusals_are_one_line_with_a_count_and_replicas_that_step_aside_none() {
        ends("job", "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        refused("job", "job/1", Verdict.RUNNING, true, false);
        refused("job", "job/1", Verdict.DONE, true, false);
        for (int n = 0; n < 500; n++) {
            refused("job", "job/" + n, Verdict.OVERLAP, true, false);
        }
        JobView view = seen("job");
        assertThat(view.occurrences()).hasSize(2);
        assertThat(view.occurrences().get(0))
                .containsEntry("what", "skipped")
                .containsEntry("count", 500)
                .containsEntry("why", "OVERLAP");
        assertThat((Report.Held) view.occurrences().get(0).get("held"))
                .isEqualTo(new Report.Held(
                        "bob", "", "other", "9", START.minusSeconds(72).toEpochMilli()));
        assertThat(view.summary().strip()).isEqualTo("rs");
    }

    @Test
    void what_is_tried_again_is_not_skipped_and_once_it_has_run_it_is_a_part_of_its_run() {
        refused("job", "job/1", Verdict.OVERLAP, true, true);
        refused("job", "job/1", Verdict.OVERLAP, true, true);
        assertThat(seen("job").summary().strip()).isEqualTo("a");
        ends("job", "job/1", RunOutcome.COMPLETED, Duration.ofSeconds(3));
        JobView view = seen("job");
        assertThat(view.summary().strip()).isEqualTo("r");
        assertThat(view.occurrences().get(0)).containsEntry("tries", 2).containsEntry("took", 3000L);
    }

    @Test
    void a_lost_run_is_told_once_with_its_reason_and_how_long_it_ran() {
        Lease lease = lease("job/1");
        now = now.plusSeconds(40);
        history.on(new GuardEvent.Lost("job", lease, LossReason.NOT_RENEWED, holder, Duration.ofSeconds(40)));
        now = now.plusSeconds(20);
        history.on(new GuardEvent.Released("job", lease, RunOutcome.LOST, Duration.ofSeconds(60)));
        assertThat(seen("job").occurrences())
                .singleElement()
                .satisfies(one -> assertThat(one)
                        .containsEntry("what", "lost")
                        .containsEntry("why", "NOT_RENEWED")
                        .containsEntry("took", 60_000L));
        assertThat(seen("job").summary().success()).isZero();
    }

    @Test
    void a_job_is_late_when_it_has_not_succeeded_for_much_longer_than_usual_and_ever() {
        for (int n = 0; n < 6; n++) {
            now = now.plus(Duration.ofMinutes(4));
            ends("job", "", RunOutcome.COMPLETED, Duration.ofMinutes(1));
        }
        long last = now.toEpochMilli();
        assertThat(seen("job").summary())
                .satisfies(summary -> assertThat(summary.every()).isEqualTo(300_000))
                .satisfies(summary -> assertThat(summary.took()).isEqualTo(60_000))
                .satisfies(summary -> assertThat(summary.next()).isEqualTo(last + 300_000))
                .satisfies(summary -> assertThat(summary.overdue()).isFalse());
        now = now.plus(Duration.ofMinutes(15)).plusMillis(1);
        assertThat(seen("job").summary().overdue()).isTrue();
        // A pause such as that one has been seen by now.
        ends("job", "", RunOutcome.COMPLETED, Duration.ZERO);
        now = now.plus(Duration.ofMinutes(15));
        assertThat(seen("job").summary().overdue()).isFalse();
        now = now.plus(Duration.ofMinutes(15));
        assertThat(seen("job").summary().overdue()).isTrue();
    }

    /** Work that comes when somebody asks for it may come in bursts, even regular ones. */
    @Test
    void work_on_demand_is_not_late_after_a_burst() {
        long[] pauses = {100, 900, 5000, 300, 2000, 50, 12_000, 700, 1500, 400};
        for (int n = 0; n < pauses.length; n++) {
            now = now.plusMillis(pauses[n]);
            ends("mail", "mail/" + n, RunOutcome.COMPLETED, Duration.ofMillis(200));
        }
        for (int n = 0; n < 10; n++) {
            ends("queue", "", RunOutcome.COMPLETED, Duration.ofSeconds(2));
            now = now.plusMillis(20);
        }
        for (int n = 0; n < 10; n++) {
            now = now.plusSeconds(4);
            ends("order", "order/" + n, RunOutcome.COMPLETED, Duration.ofSeconds(1));
            // As Quartz writes a key that the job chooses.
            ends("chosen", "s/g/chosen/@" + n, RunOutcome.COMPLETED, Duration.ofSeconds(1));
            ends("address", "s/g/address/@ann@example.org", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        }
        now = now.plus(Duration.ofHours(3));
        for (String job : List.of("mail", "queue", "order", "chosen", "address")) {
            assertThat(seen(job).summary())
                    .as(job)
                    .satisfies(summary -> assertThat(summary.overdue()).isFalse())
                    .satisfies(summary -> assertThat(summary.every()).isZero())
                    .satisfies(summary -> assertThat(summary.next()).isZero());
        }
    }

    @Test
    void the_runs_of_a_schedule_tell_its_interval_and_one_started_by_hand_in_between_does_not_hide_it() {
        for (int n = 0; n < 8; n++) {
            ends("prices", "prices@" + now, RunOutcome.COMPLETED, Duration.ofSeconds(1));
            if (n == 4) {
                now = now.plusSeconds(7);
                ends("prices", "prices/by-hand", RunOutcome.COMPLETED, Duration.ofSeconds(1));
                now = now.minusSeconds(8);
            }
            now = now.plusSeconds(59);
        }
        assertThat(seen("prices").summary().every()).isEqualTo(60_000);
        now = now.plusSeconds(122);
        assertThat(seen("prices").summary().overdue()).isTrue();
    }

    @Test
    void a_job_is_late_when_its_scheduler_has_told_of_a_firing_after_which_nothing_has_succeeded() {
        Lease lease = lease("nightly@" + START);
        Duration took = Duration.ofMinutes(10);
        now = now.plus(took);
        history.on(new GuardEvent.Released("nightly", lease, RunOutcome.COMPLETED, took, Duration.ofHours(24)));
        // Started by hand: it says nothing of the schedule.
        now = now.plus(Duration.ofHours(3));
        ends("nightly", "nightly/by-hand", RunOutcome.COMPLETED, took);
        Instant next = START.plus(Duration.ofHours(24));
        now = next.plus(Duration.ofMinutes(30));
        assertThat(seen("nightly").summary())
                .satisfies(summary -> assertThat(summary.next()).isEqualTo(next.toEpochMilli()))
                .satisfies(summary -> assertThat(summary.overdue()).isFalse());
        now = now.plusMillis(1);
        assertThat(seen("nightly").summary().overdue()).isTrue();
        // Another worker learns that, and not how long it takes: it waits for half of the pause that was planned.
        JobHistory other = new JobHistory(() -> now);
        other.learn(List.of(report("alice")));
        FleetJobs others = new FleetJobs();
        Report learned = report("bob", other);
        others.take(List.of(learned), Set.of("bob"));
        assertThat(others.summaries(now.toEpochMilli()).get(0).overdue()).isFalse();
        assertThat(others.summaries(next.plus(Duration.ofHours(12)).toEpochMilli())
                        .get(0)
                        .overdue())
                .isTrue();
    }

    @Test
    void a_job_of_several_triggers_is_late_by_the_one_that_is_due_first() {
        for (boolean dailyComesLast : new boolean[] {true, false}) {
            JobHistory one = new JobHistory(() -> now);
            JobHistory two = new JobHistory(() -> now);
            for (boolean onOneWorker : new boolean[] {true, false}) {
                now = now.plus(Duration.ofDays(2));
                Instant start = now;
                JobHistory daily = onOneWorker ? one : two;
                if (dailyComesLast) {
                    planned(one, "minutely", Duration.ofMinutes(1));
                    planned(daily, "daily", Duration.ofDays(1));
                } else {
                    planned(daily, "daily", Duration.ofDays(1));
                    planned(one, "minutely", Duration.ofMinutes(1));
                }
                fleet.take(List.of(report("alice", one), report("bob", two)), Set.of("alice", "bob"));
                assertThat(fleet.summaries(start.toEpochMilli()).get(0).next())
                        .as("daily last " + dailyComesLast + ", one worker " + onOneWorker)
                        .isEqualTo(start.plus(Duration.ofMinutes(1)).toEpochMilli());
                assertThat(fleet.summaries(start.plus(Duration.ofMinutes(5)).toEpochMilli())
                                .get(0)
                                .overdue())
                        .isTrue();
            }
        }
    }

    private void planned(JobHistory history, String trigger, Duration nextIn) {
        history.on(new GuardEvent.Released(
                "job", lease("s/g/job/g/" + trigger + "@" + now), RunOutcome.COMPLETED, Duration.ZERO, nextIn));
    }

    @Test
    void the_plan_of_a_schedule_that_has_changed_is_that_of_the_last_success() {
        JobHistory before = new JobHistory(() -> now);
        planned(before, "t", Duration.ofHours(1));
        now = now.plus(Duration.ofMinutes(30));
        planned(history, "t", Duration.ofDays(1));
        fleet.take(List.of(report("alice", before), report("bob", history)), Set.of("alice", "bob"));
        assertThat(fleet.summaries(now.toEpochMilli()).get(0).next())
                .isEqualTo(now.plus(Duration.ofDays(1)).toEpochMilli());
    }

    @Test
    void a_job_that_has_not_succeeded_for_a_month_is_not_learned_nor_told_and_of_many_the_newest_are() {
        ends("removed", "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        now = now.plus(Duration.ofDays(30));
        for (int n = 0; n < JobHistory.MOST_JOBS - 1; n++) {
            ends("job-" + n, "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        }
        Report most = report("alice");
        JobHistory others = new JobHistory(() -> now);
        for (int n = 0; n < 10; n++) {
            Instant end = now.plusSeconds(n);
            now = end;
            others.on(new GuardEvent.Released("new-" + n, lease(""), RunOutcome.COMPLETED, Duration.ZERO));
        }
        JobHistory next = new JobHistory(() -> now);
        next.learn(List.of(most, report("bob", others)));
        assertThat(next.told(false))
                .hasSize(JobHistory.MOST_JOBS)
                .extracting(Report.Job::job)
                .contains("new-0", "new-9", "job-" + (JobHistory.MOST_JOBS - 2))
                .doesNotContain("removed", "job-0");
        assertThat(history.told(false)).extracting(Report.Job::job).doesNotContain("removed");
    }

    @Test
    void a_job_that_is_due_once_a_month_is_not_forgotten_before_its_next_run() {
        history.on(new GuardEvent.Released(
                "monthly", lease(""), RunOutcome.COMPLETED, Duration.ZERO, Duration.ofDays(31)));
        now = now.plus(Duration.ofDays(32));
        JobHistory next = new JobHistory(() -> now);
        next.learn(List.of(report("alice")));
        assertThat(List.of(history, next))
                .allSatisfy(each ->
                        assertThat(each.told(false)).extracting(Report.Job::job).containsExactly("monthly"));
    }

    @Test
    void a_worker_that_starts_learns_when_jobs_last_succeeded_and_what_it_knows_better_stays() {
        ends("job", "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        long success = now.toEpochMilli();
        JobHistory next = new JobHistory(() -> now);
        next.learn(List.of(report("alice")));
        assertThat(next.told(false))
                .singleElement()
                .satisfies(job -> assertThat(job.success()).isEqualTo(success));
        now = now.minusSeconds(60);
        JobHistory stale = new JobHistory(() -> now);
        stale.on(new GuardEvent.Released("job", lease(""), RunOutcome.COMPLETED, Duration.ZERO));
        stale.learn(List.of(report("alice")));
        assertThat(stale.told(false))
                .singleElement()
                .satisfies(job -> assertThat(job.success()).isEqualTo(success));
    }

    @Test
    void parts_that_a_report_leaves_out_are_those_of_the_one_before_unless_the_worker_was_restarted() {
        ends("job", "", RunOutcome.COMPLETED, Duration.ofSeconds(1));
        assertThat(seen("job").occurrences()).hasSize(1);
        Report full = report("alice");
        Report brief = brief(full, "i");
        fleet.take(List.of(brief), Set.of("alice"));
        assertThat(fleet.view("job", 0, List.of(), List.of()).occurrences()).hasSize(1);
        fleet.take(List.of(brief(full, "next")), Set.of("alice"));
        assertThat(fleet.view("job", 0, List.of(), List.of()).occurrences()).isEmpty();
        fleet.take(List.of(), Set.of());
        assertThat(fleet.names()).isEmpty();
    }

    private static Report brief(Report full, String instance) {
        return new Report(
                full.worker(),
                instance,
                2,
                "s",
                false,
                0,
                List.of(),
                List.of(),
                List.of(),
                full.chart(),
                full.jobs().stream()
                        .map(job -> new Report.Job(
                                job.job(), job.success(), job.next(), job.series(), job.total(), List.of()))
                        .toList());
    }
}
