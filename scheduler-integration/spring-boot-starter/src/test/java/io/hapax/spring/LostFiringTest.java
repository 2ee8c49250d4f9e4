package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.AfterRefusal;
import io.hapax.OnConflict;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

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

    @Test
    void is_no_error_when_the_application_stops_and_its_scheduler_with_it(CapturedOutput output) {
        refused("Shop.stopping", new Firing.Retries() {
            @Override
            public void schedule(Consumer<Runnable> firing, Duration wait) {
                throw new TaskRejectedException("injected: the scheduler has stopped");
            }

            @Override
            public boolean areOver() {
                return true;
            }
        });
        assertThat(output).doesNotContain("Shop.stopping");
    }

    @Test
    void an_application_is_said_to_stop_before_its_schedulers_do() {
        GenericApplicationContext application = new GenericApplicationContext();
        AtomicBoolean isStopping = new AtomicBoolean();
        ThreadPoolTaskScheduler scheduler = new ThreadPoolTaskScheduler() {
            @Override
            public void initiateShutdown() {
                isStopping.set(application.isClosed());
                super.initiateShutdown();
            }
        };
        application.registerBean(TaskScheduler.class, () -> scheduler);
        application.refresh();
        assertThat(application.isClosed()).isFalse();
        application.close();
        assertThat(isStopping).isTrue();
        assertThat(scheduler.getScheduledExecutor().isShutdown()).isTrue();
    }
}
