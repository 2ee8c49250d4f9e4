package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SCHEDULED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.event.GuardEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BiFunction;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.lambdas.IocJobLambda;
import org.jobrunr.jobs.states.DeletedState;
import org.jobrunr.jobs.states.FailedState;
import org.jobrunr.jobs.states.ScheduledState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Overlap policies, and limits of runs at once and in a time, on real servers. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class RationedJobTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");

    @AfterEach
    void stop() {
        fleet.close();
    }

    static String message(Job failed) {
        FailedState state = failed.getJobState();
        return String.valueOf(state.getExceptionMessage());
    }

    private void start() {
        fleet.guarded("a", 3).start();
        fleet.guarded("b", 3).start();
    }

    private List<UUID> enqueue(int count, BiFunction<String, Integer, IocJobLambda<Work>> job) {
        List<UUID> ids = new ArrayList<>();
        for (int order = 1; order <= count; order++) {
            ids.add(fleet.enqueue(job.apply(name, order)));
        }
        return ids;
    }

    private void awaitStarts(int count) {
        Fleet.eventually().until(() -> journal.starts() == count);
    }

    @Test
    void as_many_as_the_limit_are_at_work_in_the_fleet() {
        start();
        List<UUID> ids = enqueue(5, (at, order) -> work -> work.limited(at, order));
        awaitStarts(2);
        Fleet.eventually()
                .until(() -> ids.stream()
                                .filter(id -> fleet.job(id).hasState(SCHEDULED))
                                .count()
                        >= 1);
        journal.release();
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        assertThat(journal.starts()).isEqualTo(5);
        assertThat(journal.mostAtWork()).isEqualTo(2);
    }

    @Test
    void a_job_that_states_a_smaller_limit_runs_when_the_others_have_ended() {
        start();
        List<UUID> ids = enqueue(2, (at, order) -> work -> work.limited(at, order));
        awaitStarts(2);
        UUID alone = fleet.enqueue(work -> work.alone(name, 3));
        fleet.awaitState(alone, SCHEDULED);
        journal.release();
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        fleet.awaitState(alone, SUCCEEDED);
        assertThat(journal.mostAtWork()).isEqualTo(2);
    }

    @Test
    void a_throttle_postpones_what_is_too_much_until_it_is_time() {
        start();
        journal.release();
        List<UUID> ids = enqueue(3, (at, order) -> work -> work.throttled(at, order));
        awaitStarts(2);
        Fleet.eventually()
                .until(() -> ids.stream()
                                .filter(id -> fleet.job(id).hasState(SUCCEEDED))
                                .count()
                        == 2);
        UUID late = ids.stream()
                .filter(id -> !fleet.job(id).hasState(SUCCEEDED))
                .findFirst()
                .orElseThrow();
        Job postponed = fleet.awaitJob(
                late,
                job -> job.hasState(SCHEDULED)
                        && String.valueOf(job.<ScheduledState>getJobState().getReason())
                                .contains("THROTTLED"));
        ScheduledState state = postponed.getJobState();
        assertThat(state.getReason()).contains("2 runs of 'key/" + name + "' may start in PT1H");
        assertThat(Duration.between(state.getCreatedAt(), state.getScheduledAt()))
                .isBetween(Duration.ofMinutes(59), Duration.ofMinutes(61));
        assertThat(journal.starts()).isEqualTo(2);
    }

    @Test
    void a_cooldown_keeps_runs_apart_although_they_are_short() {
        start();
        journal.release();
        List<UUID> ids = enqueue(2, (at, order) -> work -> work.cooling(at, order));
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        // Not when JobRunr fetched them, which may be long before.
        List<java.time.Instant> begun = fleet.events(GuardEvent.Acquired.class).stream()
                .map(event -> event.lease().since())
                .sorted()
                .toList();
        assertThat(Duration.between(begun.get(0), begun.get(1))).isGreaterThan(Duration.ofMillis(1500));
    }

    @Test
    void overlap_skip_deletes_the_later_ones() {
        start();
        UUID first = fleet.enqueue(work -> work.overlapSkip(name, 1));
        awaitStarts(1);
        UUID second = fleet.enqueue(work -> work.overlapSkip(name, 2));
        fleet.awaitState(second, DELETED);
        journal.release();
        fleet.awaitState(first, SUCCEEDED);
    }

    @Test
    void overlap_buffer_one_keeps_one_and_deletes_the_rest() {
        start();
        UUID first = fleet.enqueue(work -> work.overlapBufferOne(name, 1));
        awaitStarts(1);
        UUID second = fleet.enqueue(work -> work.overlapBufferOne(name, 2));
        fleet.awaitPostponed(second, 1);
        UUID third = fleet.enqueue(work -> work.overlapBufferOne(name, 3));
        fleet.awaitState(third, DELETED);
        journal.release();
        fleet.awaitState(first, SUCCEEDED);
        fleet.awaitState(second, SUCCEEDED);
        assertThat(journal.mostAtWork()).isEqualTo(1);
    }

    @Test
    void overlap_cancel_other_ends_the_one_at_work_for_good_and_runs_the_newer_one() {
        start();
        UUID first = fleet.enqueue(work -> work.overlapCancelOther(name, 1));
        awaitStarts(1);
        UUID second = fleet.enqueue(work -> work.overlapCancelOther(name, 2));
        fleet.awaitState(second, SUCCEEDED);
        assertCancelled(first);
        assertThat(journal.notes()).containsExactly("began 1", "began 2");
    }

    @Test
    void a_cancelled_job_that_looks_as_if_it_had_succeeded_is_not_retried_either() {
        start();
        UUID first = fleet.enqueue(work -> work.overlapCancelOtherQuietly(name, 1));
        awaitStarts(1);
        UUID second = fleet.enqueue(work -> work.overlapCancelOtherQuietly(name, 2));
        fleet.awaitState(second, SUCCEEDED);
        assertCancelled(first);
    }

    private void assertCancelled(UUID first) {
        fleet.awaitState(first, DELETED);
        DeletedState deleted = fleet.job(first).getJobState();
        assertThat(deleted.getReason()).startsWith("[hapax] cancelled: a later run of 'key/" + name + "'");
    }

    @Test
    void overlap_allow_runs_all() {
        start();
        List<UUID> ids = enqueue(3, (at, order) -> work -> work.overlapAllow(at, order));
        awaitStarts(3);
        journal.release();
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
    }

    @Test
    void a_recurring_job_that_may_overlap_has_no_lock_key_and_others_have_their_own() {
        fleet.guarded("a", 1);
        JobGuard guard = JobRunrGuard.guardOf(fleet.server("a"));
        Job allowed = fleet.job(fleet.enqueue(work -> work.overlapAllow(name, 1)));
        allowed.setRecurringJobId("nightly");
        assertThat(RunPlan.of(allowed, guard).identity().lock()).isEmpty();
        Job other = fleet.job(fleet.enqueue(work -> work.run(name)));
        other.setRecurringJobId("nightly");
        assertThat(RunPlan.of(other, guard).identity().lock())
                .map(key -> key.value())
                .contains("recurring:nightly");
    }

    private void fails(IocJobLambda<Work> job, String... message) {
        UUID id = fleet.enqueue(job);
        fleet.awaitState(id, FAILED);
        assertThat(message(fleet.job(id))).contains(message);
        assertThat(journal.starts()).isZero();
    }

    @Test
    void a_wrong_annotation_fails_the_job_without_a_retry_and_says_what_to_write() {
        start();
        fails(work -> work.collapsing(name), "Work.collapsing", "the same whatever the arguments", "add %0");
        fails(work -> work.collapsingOnce(name), "once = \"one occurrence for all\"", "ignoreArguments = true");
        fails(work -> work.overlapAllowWithKey(name), "onConflict=ALLOW contradicts the key 'key/%0'");
        fails(work -> work.overlapWithoutKey(name), "onConflict=SKIP needs a key");
        fails(work -> work.limitedWithoutKey(name), "concurrency=2 needs a key");
        fails(work -> work.contradicting(name), "concurrency=2 and onConflict=BUFFER_ONE contradict each other");
    }
}
