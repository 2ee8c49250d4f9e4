package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.testkit.FaultyLeaseStore;
import io.hapax.testkit.InMemoryLeaseStore;
import io.hapax.testkit.ManualTicker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LoggingListenerTest {

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(new ManualTicker()));
    private final JobGuard guard = JobGuard.builder(store).worker("night-shift").build();

    @BeforeEach
    void listen() {
        lines.start();
        logger.addAppender(lines);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(lines);
        guard.close();
    }

    private List<ILoggingEvent> from(Level level) {
        return lines.list.stream()
                .filter(line -> line.getLevel().isGreaterOrEqual(level))
                .toList();
    }

    @Test
    void a_refused_run_leaves_exactly_one_line_with_who_holds_the_key_since_when() throws Exception {
        try (GuardedRun holder = guard.admit(RunRequest.lock("invoice/42")).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        })) {
            guard.admit(RunRequest.lock("invoice/42").job("invoices"));
            assertThat(from(Level.INFO)).singleElement().satisfies(line -> {
                assertThat(line.getLevel()).isEqualTo(Level.INFO);
                assertThat(line.getFormattedMessage())
                        .startsWith("not run job=invoices lock invoice/42 verdict=OVERLAP")
                        .contains("held by night-shift (owner ", "since ", "token " + holder.fencingToken());
            });
        }
    }

    @Test
    void a_store_that_cannot_tell_leaves_one_warning_with_its_cause_and_no_stack_trace() throws Exception {
        store.failAcquires();
        guard.admit(RunRequest.lock("k"));
        assertThat(from(Level.INFO)).singleElement().satisfies(line -> {
            assertThat(line.getLevel()).isEqualTo(Level.WARN);
            assertThat(line.getFormattedMessage()).contains("verdict=UNAVAILABLE", "did not answer", "cause='");
            assertThat(line.getThrowableProxy()).isNull();
        });
    }

    @Test
    void a_normal_run_is_silent_above_debug() throws Exception {
        guard.run(RunRequest.lock("k").ttl(Duration.ofMinutes(1)), run -> null);
        assertThat(from(Level.INFO)).isEmpty();
    }
}
