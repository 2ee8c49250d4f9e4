package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.AfterRefusal;
import io.hapax.OnConflict;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.core.task.TaskRejectedException;

/** A refused firing that its scheduler does not take once more. */
@ExtendWith(OutputCaptureExtension.class)
class LostFiringTest {

    private static final Refusal SILENT =
            new Refusal(Verdict.UNAVAILABLE, null, Duration.ZERO, "the lease store did not answer", null);

    private static void refused(String shown, Firing.Retries retries) {
        Firing firing = Firing.first(
                new FiredTask(null, ""),
                Occurrence.at(Instant.parse("2026-11-28T03:00:00Z"), null),
                WallClock.REAL,
                retries);
        assertThat(firing.refused(shown, SILENT, AfterRefusal.TRY_AGAIN, OnConflict.RESCHEDULE))
                .isFalse();
    }

    @Test
    void is_an_error_in_the_log_that_names_it_and_says_why(CapturedOutput output) {
        refused("Shop.sweep", (firing, wait) -> {
            throw new TaskRejectedException("injected: the queue is full");
        });
        assertThat(output)
                .containsPattern("ERROR .* LOST: Shop.sweep of 2026-11-28T03:00:00Z was refused")
                .contains("the lease store did not answer", "injected: the queue is full");
    }
}
