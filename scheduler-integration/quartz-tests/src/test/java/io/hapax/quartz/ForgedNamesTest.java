package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.Scheduler;

/** Whoever may name a job cannot write lines of the log by it. */
@Tag("slow")
class ForgedNamesTest {

    private static final String ODD = "name\n12:00 ERROR forged {}\u0085\u001b[31m\u2028\u202e end";

    private static final Pattern ACTING = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]");

    private static JobDetail job(String setting, String value) {
        return JobBuilder.newJob(PlainJob.class)
                .withIdentity(ODD)
                .usingJobData(setting, value)
                .build();
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void the_name_of_a_job_whose_settings_are_wrong_stays_on_its_line() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(
                    job("hapax.concurrency", ODD),
                    Jobs.once(ODD, WallClock.now()).build());
            fleet.start();
            // Tests beside this one may have jobs that are set up wrongly, too.
            await().until(() -> logs.contain("its guard is set up wrongly")
                    && logs.contain("job DEFAULT.name\\u000A12:00 ERROR forged {}\\u0085\\u001B[31m"));
            assertThat(logs.lines()).allSatisfy(line -> assertThat(line).doesNotContainPattern(ACTING));
            await().until(() -> outcomes.executed().size() == 1);
            assertThat(outcomes.executed().get(0).failure().orElseThrow().getMessage())
                    .doesNotContainPattern(ACTING);
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void the_name_of_a_job_is_told_visibly_in_every_event_and_in_detail() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz").inDetail()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(
                    job("hapax.lockKey", "key\u2028 end"),
                    Jobs.once(ODD, WallClock.now()).build());
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
            await().until(() -> !fleet.events(GuardEvent.Released.class).isEmpty());
            assertThat(fleet.events(GuardEvent.Acquired.class))
                    .singleElement()
                    .satisfies(event -> assertThat(event.job())
                            .startsWith("DEFAULT.name\\u000A12:00")
                            .doesNotContainPattern(ACTING));
            assertThat(logs.lines()).allSatisfy(line -> assertThat(line).doesNotContainPattern(ACTING));
        }
    }
}
