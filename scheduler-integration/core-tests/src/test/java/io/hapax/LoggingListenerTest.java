package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.event.GuardEvent;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunState;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
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
        Events.awaitDelivered();
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
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
    void a_guard_that_only_observes_says_so_and_names_what_would_be_refused_and_what_ran_twice() throws Exception {
        RunRequest daily = RunRequest.occurrence("report@7").job("report");
        RunRequest keyed = RunRequest.lock("invoice/42").job("invoices");
        RunRequest again = keyed.once("another");
        try (JobGuard observing = JobGuard.builder(store)
                        .worker("day-shift")
                        .defaults(options -> options.withObserve(true))
                        .build();
                GuardedRun holder = Answered.run(guard.admit(keyed))) {
            guard.run(daily, run -> 1);
            for (RunRequest each : List.of(daily, again, again)) {
                observing.run(each, run -> 1);
            }
        }
        assertThat(from(Level.INFO))
                .extracting(
                        ILoggingEvent::getLevel,
                        line -> line.getFormattedMessage()
                                .replaceAll("\\(owner.*?\\)", "()")
                                .replaceAll(" in the last \\d+ s", ""))
                .containsExactly(
                        tuple(
                                Level.INFO,
                                "this guard only observes (setting observe): it refuses and interrupts no run, and logs and"
                                        + " counts what it would have refused; set observe=false to have it guard"),
                        tuple(
                                Level.INFO,
                                "would have skipped, but only observes job=report run report@7 verdict=DONE"
                                        + " reason='completed by night-shift ()'"),
                        tuple(
                                Level.WARN,
                                "ran twice job=report run report@7 verdict=DONE reason='completed by night-shift ()'"),
                        tuple(
                                Level.INFO,
                                "would have skipped, but only observes job=invoices lock invoice/42, run another"
                                        + " verdict=OVERLAP reason='the key is held by night-shift ()'"),
                        tuple(
                                Level.WARN,
                                "ran at the same time job=invoices lock invoice/42, run another"
                                        + " verdict=OVERLAP reason='the key is held by night-shift ()'"),
                        tuple(
                                Level.INFO,
                                "would have skipped, but only observes, 1 more, the last: job=invoices lock"
                                        + " invoice/42, run another verdict=OVERLAP reason='the key is held by night-shift ()'"),
                        tuple(
                                Level.WARN,
                                "ran at the same time, 1 more, the last: job=invoices lock"
                                        + " invoice/42, run another verdict=OVERLAP reason='the key is held by night-shift ()'"));
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
                    .admin()
                    .resolve(request.identity(), RunState.DONE, "ann", "it was sent")
                    .join();
        }
        assertThat(from(Level.WARN)).singleElement().satisfies(line -> {
            assertThat(line.getFormattedMessage())
                    .isEqualTo("abandoned occurrence resolved as DONE run mail/7 actor=ann reason='it was sent'");
            assertThat(line.getMDCPropertyMap()).containsEntry("hapax.occurrence", "mail/7");
        });
    }

    private List<String> messages(Level level) {
        return from(level).stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private static RunRequest longRequest(String key) {
        return RunRequest.lock(key).ttl(Duration.ofMinutes(10));
    }

    @Test
    void that_an_occurrence_is_at_work_elsewhere_is_said_at_debug_only() throws Exception {
        guard.run(RunRequest.occurrence("report@1"), holder -> guard.admit(RunRequest.occurrence("report@1")));
        assertThat(from(Level.INFO)).isEmpty();
        logger.setLevel(Level.DEBUG);
        try {
            guard.run(RunRequest.occurrence("report@2"), holder -> guard.admit(RunRequest.occurrence("report@2")));
            assertThat(messages(Level.DEBUG))
                    .anySatisfy(
                            line -> assertThat(line)
                                    .startsWith(
                                            "not run job=report@2 run report@2 verdict=RUNNING reason='this occurrence is run by"));
        } finally {
            logger.setLevel(Level.INFO);
        }
    }

    @Test
    void that_what_the_user_wanted_once_is_done_is_information() throws Exception {
        guard.run(RunRequest.occurrence("order/7"), run -> null);
        guard.admit(RunRequest.occurrence("order/7"));
        assertThat(messages(Level.INFO))
                .singleElement()
                .asString()
                .startsWith("not run job=order/7 run order/7 verdict=DONE");
    }

    @Test
    void a_refusal_that_repeats_is_told_at_once_and_then_counted_by_the_minute() throws Exception {
        ManualTicker ticker = new ManualTicker();
        FaultyLeaseStore away = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
        try (JobGuard timed = JobGuard.builder(away).ticker(ticker).build()) {
            GuardedRun held = timed.admit(longRequest("k").job("mail")).fold(run -> run, refusal -> null);
            for (int second = 0; second < 58; second++) {
                timed.admit(longRequest("k").job("mail"));
                ticker.advance(Duration.ofSeconds(1));
            }
            assertThat(messages(Level.INFO))
                    .singleElement()
                    .asString()
                    .startsWith("not run job=mail lock k verdict=OVERLAP reason='the key is held by");
            ticker.advance(Duration.ofSeconds(2));
            timed.admit(longRequest("k").job("mail"));
            assertThat(messages(Level.INFO))
                    .hasSize(2)
                    .last()
                    .asString()
                    .startsWith(
                            "not run, 57 more in the last minute, the last: job=mail lock k verdict=OVERLAP reason='the");
            // The one that began the second minute is in its count, and there was no third one.
            ticker.advance(Duration.ofMinutes(1));
            timed.admit(RunRequest.lock("other"));
            assertThat(messages(Level.INFO))
                    .hasSize(3)
                    .last()
                    .asString()
                    .startsWith("not run, 1 more in the last minute, the last: job=mail lock k");
            ticker.advance(Duration.ofMinutes(1));
            timed.admit(longRequest("k").job("mail"));
            assertThat(messages(Level.INFO)).hasSize(4).last().asString().startsWith("not run job=mail lock k");
            held.close();
        }
    }

    @Test
    void a_count_is_written_when_the_guard_is_closed_at_the_latest() throws Exception {
        JobGuard closed = JobGuard.builder(store).build();
        store.failAcquires();
        for (int n = 0; n < 4; n++) {
            closed.admit(RunRequest.lock("k").once("k@" + n).job("report"));
        }
        assertThat(messages(Level.WARN)).hasSize(1);
        closed.close();
        assertThat(messages(Level.WARN))
                .hasSize(2)
                .last()
                .asString()
                .matches("not run, 3 more in the last \\d+ s, the last: job=report lock k, run k@3 verdict=UNAVAILABLE"
                        + " reason='the lease store did not answer' cause='.+'");
        assertThat(lines.list)
                .last()
                .satisfies(line -> assertThat(line.getMDCPropertyMap())
                        .containsEntry("hapax.job", "report")
                        .containsEntry("hapax.occurrence", "k@3"));
    }

    @Test
    void of_more_keys_than_it_remembers_the_log_has_a_count_together() throws Exception {
        ManualTicker ticker = new ManualTicker();
        FaultyLeaseStore away = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
        try (JobGuard timed = JobGuard.builder(away).ticker(ticker).build()) {
            away.failAcquires();
            for (int key = 0; key < 5_000; key++) {
                timed.admit(RunRequest.lock("k" + key));
            }
            // A thousand by their names, and the first of the others.
            assertThat(messages(Level.WARN)).hasSize(1_001);
            ticker.advance(Duration.ofMinutes(1));
            away.healthy();
            timed.run(RunRequest.lock("any"), run -> null);
            assertThat(messages(Level.WARN))
                    .hasSize(1_002)
                    .last()
                    .asString()
                    .startsWith("not run, 3999 more of various jobs in the last minute, the last: job=k4999 lock k4999"
                            + " verdict=UNAVAILABLE");
        }
    }

    /** As while a namespace that is new to its Redis grants nothing: that is nothing about the keys. */
    @Test
    void keys_of_one_job_that_nobody_can_tell_about_leave_one_line() throws Exception {
        store.failAcquires();
        for (int key = 0; key < 3; key++) {
            guard.admit(RunRequest.lock("mails/" + key).job("mails"));
        }
        guard.admit(RunRequest.lock("mails/0").job("reminders"));
        assertThat(messages(Level.WARN))
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("not run job=mails lock mails/0 verdict=UNAVAILABLE"),
                        line -> assertThat(line).startsWith("not run job=reminders lock mails/0 verdict=UNAVAILABLE"));
    }

    @Test
    void of_runs_that_fail_open_the_first_is_logged_and_the_others_are_counted() throws Exception {
        try (JobGuard open = JobGuard.builder(store)
                .defaults(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN))
                .build()) {
            store.failAcquires();
            for (int n = 0; n < 1_000; n++) {
                open.run(RunRequest.lock("mails/" + n).job("mails"), run -> null);
            }
            assertThat(messages(Level.WARN))
                    .singleElement()
                    .asString()
                    .startsWith("running UNGUARDED (fail open) job=mails lock mails/0")
                    .contains("did not answer", "cause='");
        }
        assertThat(messages(Level.WARN))
                .hasSize(2)
                .last()
                .asString()
                .startsWith("running UNGUARDED (fail open), 999 more in the last")
                .contains("the last: job=mails lock mails/999");
    }

    @Test
    void of_ends_that_nobody_confirms_the_first_is_logged_and_the_others_are_counted() throws Exception {
        ManualTicker ticker = new ManualTicker();
        FaultyLeaseStore away = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
        try (JobGuard timed = JobGuard.builder(away).ticker(ticker).build()) {
            List<GuardedRun> runs = new ArrayList<>();
            for (int n = 0; n < 10; n++) {
                GuardedRun run = Answered.run(
                        timed.admit(RunRequest.occurrence("report@" + n).job("report")));
                run.enter().close();
                runs.add(run);
            }
            away.failReleases();
            for (GuardedRun run : runs) {
                run.startEnd(true, true);
            }
            await().until(() -> {
                ticker.advance(Duration.ofSeconds(5));
                return timed.activeRuns() == 0;
            });
            Events.awaitDelivered();
        }
        assertThat(messages(Level.WARN)).hasSize(2);
        assertThat(messages(Level.WARN).get(0))
                .startsWith("completed, but the store, or the transaction of its work, did not confirm it")
                .contains("job=report", "token=");
        assertThat(messages(Level.WARN).get(1)).contains(", 9 more in the last ", "the last: job=report");
    }

    @Test
    void of_renewals_that_come_late_the_first_is_logged_and_the_others_are_counted() {
        ManualTicker ticker = new ManualTicker();
        try (LoggingListener listener = new LoggingListener(ticker)) {
            for (int n = 0; n < 5; n++) {
                listener.on(new GuardEvent.RenewedLate("mails", lease(n), Duration.ofMillis(40 + n)));
            }
            listener.on(new GuardEvent.RenewedLate("report", lease(7), Duration.ofMillis(7)));
            assertThat(messages(Level.WARN))
                    .satisfiesExactly(
                            line -> assertThat(line)
                                    .startsWith("renewed late job=mails lock k0 owner=")
                                    .endsWith("margin=40ms"),
                            line -> assertThat(line).startsWith("renewed late job=report lock k7"));
            ticker.advance(Duration.ofMinutes(1));
            listener.writeDue();
            assertThat(messages(Level.WARN))
                    .hasSize(3)
                    .last()
                    .asString()
                    .startsWith("renewed late, 4 more in the last minute, the last: job=mails lock k4 owner=")
                    .endsWith("margin=44ms");
        }
    }

    private static Lease lease(int number) {
        return new Lease(
                RunRequest.lock("k" + number).identity(),
                OwnerId.random(),
                new FencingToken(number + 1),
                "worker",
                Duration.ofSeconds(30),
                Instant.EPOCH);
    }

    @Test
    void at_debug_every_refusal_has_its_line() throws Exception {
        logger.setLevel(Level.DEBUG);
        try {
            store.failAcquires();
            guard.admit(RunRequest.lock("k").job("a"));
            guard.admit(RunRequest.lock("k").job("a"));
            assertThat(from(Level.DEBUG)).extracting(ILoggingEvent::getLevel).containsExactly(Level.WARN, Level.DEBUG);
            assertThat(messages(Level.DEBUG))
                    .allSatisfy(line -> assertThat(line).startsWith("not run job=a lock k"));
        } finally {
            logger.setLevel(Level.INFO);
        }
    }
}
