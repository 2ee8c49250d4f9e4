package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.hapax.jobrunr.Fleet.Worker;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jobrunr.jobs.Job;
import org.jobrunr.storage.Paging;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;

/** Late heartbeats are told, and nothing else is taken for them. */
@Tag("slow")
@Isolated
class HeartbeatWatchTest {

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            lines.add(event.getLevel() + " " + event.getFormattedMessage());
        }
    };
    private final Fleet fleet = new Fleet();
    private final Worker worker = fleet.guarded("a", 1);

    @BeforeEach
    void listen() {
        appender.start();
        logger.addAppender(appender);
    }

    @AfterEach
    void stop() {
        fleet.close();
        logger.detachAppender(appender);
    }

    /** A job as a server has it while it works, which JobRunr's master has taken for orphaned, and retries. */
    private Job passedOn() {
        UUID id = fleet.enqueue(work -> work.run(fleet.journalName("k")));
        Job atWork = worker.server()
                .getStorageProvider()
                .getJobsToProcess(worker.server(), Paging.AmountBasedList.ascOnUpdatedAt(1))
                .get(0);
        Job stored = fleet.job(id);
        stored.failed("as in a retry", new IllegalStateException("on purpose"));
        stored.scheduleAt(stored.getUpdatedAt().plus(Duration.ofHours(1)), "retry");
        fleet.storage.save(stored);
        return atWork;
    }

    private void look(Job job) {
        HeartbeatWatch watch = new HeartbeatWatch(worker.server(), job);
        watch.stop();
        // As if it had been handed over a moment before it was stopped.
        watch.run();
        watch.run();
    }

    /**
     * When Redis freezes, many runs lose their leases at once, and their retries are stored before the looks at their heartbeats
     * that were due at that moment.
     */
    @Test
    void a_run_that_has_ended_and_is_retried_is_not_told_as_late() {
        look(passedOn());
        assertThat(lines).noneMatch(line -> line.contains("heartbeats of job"));
    }

    /** Its code has ended, and the guard waits for a store that is frozen: JobRunr sends no heartbeats then. */
    @Test
    void a_run_whose_code_has_ended_is_not_told_as_late() {
        Job job = passedOn();
        HeartbeatWatch watch = new HeartbeatWatch(worker.server(), job);
        watch.run();
        watch.run();
        watch.stop();
        assertThat(lines).noneMatch(line -> line.contains("heartbeats of job"));
    }

    @Test
    void a_run_whose_code_goes_on_is_told_as_late_and_sends_no_more_heartbeats() {
        Job job = passedOn();
        worker.server().getJobSteward().startProcessing(job, Thread.currentThread());
        HeartbeatWatch watch = new HeartbeatWatch(worker.server(), job);
        watch.run();
        watch.run();
        watch.stop();
        assertThat(lines).anyMatch(line -> line.startsWith("WARN heartbeats of job " + job.getId() + " were late"));
        assertThat(worker.server().getJobSteward().getJobsInProgress()).isEmpty();
    }

    /** Of a server with many jobs, each would write a stack trace with each poll for as long as the storage fails. */
    @Test
    void a_storage_that_throws_anything_at_each_look_is_told_once_for_all_jobs() {
        worker.storage().onTheWay = (call, jobs) -> {
            if (call.equals("look")) {
                throw new IllegalStateException("as if");
            }
        };
        List<Job> jobs = List.of(passedOn(), passedOn(), passedOn());
        for (Job job : jobs) {
            HeartbeatWatch watch = new HeartbeatWatch(worker.server(), job);
            watch.run();
            watch.run();
            watch.run();
            watch.stop();
        }
        assertThat(lines)
                .filteredOn(line -> line.startsWith("WARN could not check the heartbeats"))
                .hasSize(1);
    }
}
