package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.LockMode;
import java.time.Duration;
import java.util.UUID;
import org.jobrunr.jobs.lambdas.IocJobLambda;
import org.jobrunr.jobs.states.DeletedState;
import org.jobrunr.jobs.states.StateName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Each cell of the table of lock modes, for jobs that are put into the queue of real servers. */
@Isolated
@Tag("slow")
class LockModeTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");

    @AfterEach
    void stop() {
        fleet.close();
    }

    private void servers(LockMode mode) {
        JobGuard guard =
                fleet.guard("a", fleet.leases, options -> options.withMode(mode).withUniqueFor(Duration.ofHours(1)));
        JobRunrGuard.install(guard);
        fleet.guarded("a", 2, guard);
        fleet.guarded("b", 2, guard);
    }

    private void start() {
        fleet.server("a").start();
        fleet.server("b").start();
    }

    private boolean isQueued(UUID id) {
        return !fleet.job(id).hasState(DELETED);
    }

    private boolean enqueued(IocJobLambda<Work> job) {
        return isQueued(fleet.enqueue(job));
    }

    private void awaitStarts(int count) {
        Fleet.eventually().until(() -> journal.starts() == count);
    }

    @ParameterizedTest
    @EnumSource(value = LockMode.class, mode = EnumSource.Mode.EXCLUDE, names = "WHILE_EXECUTING")
    void while_it_is_queued_the_same_work_is_stored_as_deleted_with_the_reason(LockMode mode) {
        servers(mode);
        UUID first = fleet.enqueue(work -> work.keyed(name));
        UUID second = fleet.enqueue(work -> work.keyed(name));
        assertThat(fleet.history(first)).containsExactly(ENQUEUED);
        DeletedState deleted = fleet.job(second).getJobState();
        assertThat(deleted.getReason())
                .startsWith("[hapax] not queued: the same work is queued or running as " + first)
                .contains(mode.name());
        String other = fleet.journalName("other");
        assertThat(enqueued(work -> work.keyed(other))).isTrue();
        start();
        journal.release();
        fleet.journal("other").release();
        fleet.awaitState(first, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, false",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void while_it_executes(LockMode mode, boolean mayBeQueued) {
        servers(mode);
        UUID first = fleet.enqueue(work -> work.keyed(name));
        start();
        awaitStarts(1);
        assertThat(enqueued(work -> work.keyed(name))).isEqualTo(mayBeQueued);
        if (mode == LockMode.UNTIL_EXECUTING) {
            awaitStarts(2);
            assertThat(journal.mostAtWork()).isEqualTo(2);
        }
        journal.release();
        fleet.awaitState(first, SUCCEEDED);
        if (mode == LockMode.UNTIL_AND_WHILE_EXECUTING) {
            awaitStarts(2);
            assertThat(journal.mostAtWork()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, true",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void after_its_success(LockMode mode, boolean mayBeQueued) {
        assertAfterItsEnd(mode, mayBeQueued, work -> work.keyed(name), SUCCEEDED);
    }

    private void assertAfterItsEnd(LockMode mode, boolean mayBeQueued, IocJobLambda<Work> job, StateName end) {
        servers(mode);
        journal.release();
        UUID first = fleet.enqueue(job);
        start();
        fleet.awaitState(first, end);
        if (mayBeQueued) {
            Fleet.eventually().until(() -> enqueued(work -> work.keyed(name)));
            awaitStarts(2);
        } else {
            assertThat(enqueued(work -> work.keyed(name))).isFalse();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, true",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void after_its_final_failure(LockMode mode, boolean mayBeQueued) {
        assertAfterItsEnd(mode, mayBeQueued, work -> work.keyedFailing(name), FAILED);
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, false",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void while_it_is_retried(LockMode mode, boolean mayBeQueued) {
        servers(mode);
        UUID first = fleet.enqueue(work -> work.keyedRetried(name));
        start();
        Fleet.eventually().until(() -> fleet.history(first).contains(FAILED));
        assertThat(enqueued(work -> work.keyed(name))).isEqualTo(mayBeQueued);
        journal.release();
        fleet.awaitState(first, SUCCEEDED);
    }

    @Test
    void while_executing_any_number_may_be_queued() {
        servers(LockMode.WHILE_EXECUTING);
        journal.release();
        UUID first = fleet.enqueue(work -> work.keyed(name));
        UUID second = fleet.enqueue(work -> work.keyed(name));
        start();
        fleet.awaitState(first, SUCCEEDED);
        fleet.awaitState(second, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
        assertThat(journal.mostAtWork()).isEqualTo(1);
    }

    @Test
    void without_a_guard_in_the_process_jobs_are_queued() {
        fleet.guarded("a", 2);
        assertThat(enqueued(work -> work.keyed(name))).isTrue();
        assertThat(enqueued(work -> work.keyed(name))).isTrue();
    }

    @Test
    void a_guard_that_is_taken_away_everywhere_is_asked_no_more() {
        JobGuard guard = fleet.guard("a", fleet.leases, options -> options.withMode(LockMode.UNTIL_EXECUTED));
        JobRunrGuard.install(guard);
        fleet.guarded("a", 2, guard);
        JobRunrGuard.uninstall(guard);
        assertThat(JobRunrGuard.guardOf(fleet.server("a"))).isNull();
        assertThat(enqueued(work -> work.keyed(name))).isTrue();
        assertThat(enqueued(work -> work.keyed(name))).isTrue();
    }

    @Test
    void a_mode_without_a_key_fails_the_job_with_what_to_write() {
        servers(LockMode.WHILE_EXECUTING);
        UUID id = fleet.enqueue(work -> work.modeWithoutKey(name));
        start();
        fleet.awaitState(id, FAILED);
        assertThat(RationedJobTest.message(fleet.job(id)))
                .contains("Work.modeWithoutKey: mode=UNTIL_EXECUTED needs a key")
                .contains("@Guarded(key = \"import/%0\")");
    }
}
