package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.hapax.jobrunr.Fleet.Worker;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;

/** What operators read of refusals: DONE only if the run key is their own. */
@Isolated
class RefusalLogTest {

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            lines.add(event.getLevel() + " " + event.getFormattedMessage());
        }
    };
    private final Fleet fleet = new Fleet().deadAfter(4);

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

    @Test
    void a_job_that_comes_again_although_it_is_done_is_told_at_debug_only() {
        Journal journal = fleet.journal("unsaved");
        String name = fleet.journalName("unsaved");
        Worker worker = fleet.guarded("worker", 1);
        worker.storage().successesToFail.set(1);
        worker.start();
        UUID id = fleet.enqueue(work -> work.run(name));
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(lines).noneMatch(line -> line.contains("verdict=DONE"));
    }

    @Test
    void work_that_was_done_under_the_key_that_the_job_chose_is_told_to_people() {
        Journal journal = fleet.journal("order");
        String name = fleet.journalName("order");
        fleet.guarded("worker", 1).start();
        fleet.awaitState(fleet.enqueue(work -> work.onlyOnce(name)), SUCCEEDED);
        fleet.awaitState(fleet.enqueue(work -> work.onlyOnce(name)), SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(lines)
                .anyMatch(line -> line.startsWith("INFO not run job=io.hapax.jobrunr.Work.onlyOnce run order/" + name)
                        && line.contains("verdict=DONE"));
    }
}
