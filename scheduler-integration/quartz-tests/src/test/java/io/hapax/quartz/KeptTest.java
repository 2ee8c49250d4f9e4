package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Date;
import org.junit.jupiter.api.Test;
import org.quartz.JobDataMap;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;

// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
class KeptTest {

    private static final String RUN_KEY = "scheduler/DEFAULT/job/DEFAULT/once@2026-03-29T01:00:00Z";
    private static final Instant LOST = Instant.parse("2026-03-29T01:00:05Z");

    /** A trigger that repeats a firing whose node is gone, and that was tried again before. */
    private static Trigger recovery(Instant start, Instant keptFor) {
        JobDataMap data = new JobDataMap();
        data.put(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_NAME, "once");
        data.put(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_GROUP, "DEFAULT");
        data.put(
                Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_SCHEDULED_FIRETIME_IN_MILLISECONDS,
                String.valueOf(LOST.toEpochMilli()));
        data.put("hapax.retry.runKey", RUN_KEY);
        data.put("hapax.retry.attempt", "2");
        data.put("hapax.retry.start", String.valueOf(keptFor.toEpochMilli()));
        return TriggerBuilder.newTrigger()
                .withIdentity("recover_node_1", Scheduler.DEFAULT_RECOVERY_GROUP)
                .usingJobData(data)
                .startAt(Date.from(start))
                .build();
    }

    @Test
    void a_recovery_knows_the_firing_that_it_repeats() {
        assertThat(Kept.of(recovery(LOST, LOST)).runKey()).isEqualTo(RUN_KEY);
    }

    @Test
    void a_recovery_that_was_refused_knows_it_again_when_it_is_tried_again() {
        Instant later = LOST.plusSeconds(3);
        Kept kept = Kept.of(recovery(later, later));
        assertThat(kept.runKey()).isEqualTo(RUN_KEY);
        assertThat(kept.attempt()).isEqualTo(2);
    }

    @Test
    void a_recovery_inherits_nothing_from_a_later_firing_of_its_trigger() {
        assertThat(Kept.of(recovery(LOST, LOST.plusSeconds(3))).runKey()).isNull();
    }
}
