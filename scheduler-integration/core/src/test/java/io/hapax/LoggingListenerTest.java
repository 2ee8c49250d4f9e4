package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunState;
import io.hapax.testkit.FaultyLeaseStore;
import io.hapax.testkit.InMemoryLeaseStore;
import io.hapax.testkit.InMemoryRunLedger;
import io.hapax.testkit.ManualTicker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

class LoggingListenerTest {

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(new ManualTicker()));
    private final JobGuard guard = JobGuard.builder(store).worker("night-shift").build();

    @BeforeEach
    void listen() {
        // Other tests of this thread may have entered runs and never left them.
        MDC.clear();
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

    @Test
    void a_line_of_the_guard_has_the_context_of_the_run_it_is_about_not_of_the_run_that_works_there() throws Exception {
        guard.run(RunRequest.lock("outer").job("first"), outer -> {
            guard.admit(RunRequest.lock("outer").once("o").job("second"));
            assertThat(from(Level.INFO))
                    .singleElement()
                    .satisfies(line -> assertThat(line.getMDCPropertyMap())
                            .containsEntry("hapax.job", "second")
                            .containsEntry("hapax.key", "outer")
                            .containsEntry("hapax.occurrence", "o")
                            .doesNotContainKeys("hapax.owner", "hapax.token"));
            assertThat(MDC.get("hapax.job")).isEqualTo("first");
            return null;
        });
        assertThat(MDC.get("hapax.job")).isNull();
    }

    @Test
    void a_line_about_a_lease_has_its_owner_and_token() throws Exception {
        logger.setLevel(Level.DEBUG);
        try {
            GuardedRun run = guard.admit(RunRequest.lock("k")).fold(granted -> granted, refusal -> null);
            run.close();
            assertThat(lines.list)
                    .hasSize(2)
                    .allSatisfy(line -> assertThat(line.getMDCPropertyMap())
                            .containsEntry("hapax.token", run.fencingToken().toString())
                            .containsEntry(
                                    "hapax.owner",
                                    run.lease().orElseThrow().owner().value()));
        } finally {
            logger.setLevel(Level.INFO);
        }
    }

    @Test
    void a_decision_about_an_abandoned_occurrence_leaves_one_warning_with_who_and_why() throws Exception {
        ManualTicker ticker = new ManualTicker();
        InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
        try (JobGuard withLedger = JobGuard.builder(new InMemoryLeaseStore(ticker))
                .ledger(ledger)
                .ticker(ticker)
                .defaults(options -> options.withAfterCrash(AfterCrash.ABANDON))
                .build()) {
            RunRequest request = RunRequest.occurrence("mail/7");
            GuardedRun run = withLedger.admit(request).fold(granted -> granted, refusal -> null);
            run.enter().close();
            run.close();
            withLedger
                    .resolve(request.identity(), RunState.DONE, "ann", "it was sent")
                    .join();
        }
        assertThat(from(Level.WARN)).singleElement().satisfies(line -> {
            assertThat(line.getFormattedMessage())
                    .isEqualTo("abandoned occurrence resolved as DONE run mail/7 actor=ann reason='it was sent'");
            assertThat(line.getMDCPropertyMap()).containsEntry("hapax.occurrence", "mail/7");
        });
    }
}
