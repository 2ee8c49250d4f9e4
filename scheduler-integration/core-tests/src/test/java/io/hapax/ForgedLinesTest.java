package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.RunState;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** No name, key, reason or failure can break a line of the log, steer a terminal, or turn a line around. */
class ForgedLinesTest {

    private static final String ODD = "name\n12:00 ERROR forged\r\u0085\u001b[31m\u009b2J\u2028\u2029\u202e\u0000 end";
    /** A key refuses control characters, and takes the others. */
    private static final String ODD_KEY = "key\u2028forged\u2029\u202e end";

    private static final Pattern ACTING = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]");

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final ManualTicker ticker = new ManualTicker();
    private final FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
    private final LoggingListener listener = new LoggingListener(ticker);

    @BeforeEach
    void listen() {
        MDC.clear();
        Events.awaitDelivered();
        logger.setLevel(Level.DEBUG);
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(lines);
        logger.setLevel(Level.INFO);
    }

    /** Returns the lines of this test. */
    private List<ILoggingEvent> nothingActs() {
        // Threads of other tests may write to this log as well.
        List<ILoggingEvent> forged = lines.list.stream()
                .filter(line -> line.getFormattedMessage().contains("forged"))
                .toList();
        assertThat(forged).isNotEmpty().allSatisfy(line -> {
            assertThat(line.getFormattedMessage()).doesNotContainPattern(ACTING).contains("end");
            assertThat(line.getMDCPropertyMap().getOrDefault("hapax.job", "")).doesNotContainPattern(ACTING);
        });
        return forged;
    }

    private static JobIdentity identity() {
        return new JobIdentity(new LockKey(ODD_KEY), new RunKey(ODD_KEY));
    }

    private static Holder holder() {
        return new Holder(OwnerId.random(), new FencingToken(7), ODD, ODD, Instant.EPOCH);
    }

    private static Lease lease() {
        return new Lease(
                identity(), OwnerId.random(), new FencingToken(7), "worker", Duration.ofSeconds(30), Instant.EPOCH);
    }

    @Test
    void whatever_an_event_brings_its_line_stays_one_line() {
        Refusal refused = new Refusal(Verdict.OVERLAP, holder(), Duration.ofSeconds(1), ODD, null);
        Refusal unknown =
                new Refusal(Verdict.UNAVAILABLE, null, Duration.ZERO, ODD, new IllegalStateException("broken " + ODD));
        Refusal known =
                new Refusal(Verdict.UNAVAILABLE, null, Duration.ZERO, ODD, new LeaseStoreException("broken " + ODD));
        List<GuardEvent> events = List.of(
                new GuardEvent.Acquired(ODD, lease(), Duration.ZERO, 1),
                new GuardEvent.Acquired(ODD, lease(), Duration.ZERO, 2),
                new GuardEvent.Refused(ODD, identity(), refused, Duration.ZERO, false),
                new GuardEvent.Refused(ODD, identity(), unknown, Duration.ZERO, false),
                new GuardEvent.Refused("other " + ODD, identity(), known, Duration.ZERO, false),
                new GuardEvent.Refused(ODD, identity(), unknown, Duration.ZERO, false),
                new GuardEvent.Unguarded(ODD, identity(), unknown),
                new GuardEvent.WouldRefuse(ODD, identity(), refused, false),
                new GuardEvent.RanTwice(ODD, identity(), refused, Duration.ZERO),
                new GuardEvent.RenewedLate(ODD, lease(), Duration.ZERO),
                new GuardEvent.Lost(ODD, lease(), LossReason.GONE, holder(), Duration.ZERO),
                new GuardEvent.Released(ODD, lease(), RunOutcome.COMPLETED, Duration.ZERO),
                new GuardEvent.Released(ODD, lease(), RunOutcome.UNCONFIRMED, Duration.ZERO),
                new GuardEvent.Forced(ODD, identity(), holder(), "ann\u2028\u202e", "gone\u2028 end"),
                new GuardEvent.Resolved(ODD, identity(), RunState.DONE, "ann\u2028\u202e", "gone\u2029 end"));
        events.forEach(listener::on);
        listener.close();
        List<ILoggingEvent> forged = nothingActs();
        assertThat(forged).hasSizeGreaterThan(events.size());
        assertThat(forged.get(0).getFormattedMessage()).contains("job=name\\u000A12:00 ERROR forged");
    }

    @Test
    void names_that_are_given_to_a_guard_are_shown_in_its_answers_and_exceptions_too() throws Exception {
        try (JobGuard guard = JobGuard.builder(store).ticker(ticker).worker(ODD).build()) {
            RunRequest request = RunRequest.lock(ODD_KEY).job(ODD);
            assertThat(guard.worker()).doesNotContainPattern(ACTING);
            assertThat(request.job()).doesNotContainPattern(ACTING).startsWith("name\\u000A12:00");
            assertThat(RunRequest.lock(ODD_KEY).job()).doesNotContainPattern(ACTING);
            assertThat(request.toString()).doesNotContainPattern(ACTING);
            GuardedRun run = Answered.run(guard.admit(request));
            assertThat(run.toString()).doesNotContainPattern(ACTING);
            assertThat(guard.admit(request).toString()).doesNotContainPattern(ACTING);
            Refusal refusal = guard.admit(request).fold(admitted -> null, refused -> refused);
            assertThat(refusal.reason()).contains("held by name\\u000A").doesNotContainPattern(ACTING);
            assertThat(new RunRefusedException(request.identity(), refusal).getMessage())
                    .doesNotContainPattern(ACTING);
            run.lose(LossReason.GONE, null);
            assertThat(new LeaseLostException(run.lease().orElseThrow(), LossReason.GONE, true).getMessage())
                    .doesNotContainPattern(ACTING);
            run.close();
            store.failAcquires();
            guard.admit(request);
        }
        assertThat(lines.list)
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line.getFormattedMessage()).doesNotContainPattern(ACTING));
    }
}
