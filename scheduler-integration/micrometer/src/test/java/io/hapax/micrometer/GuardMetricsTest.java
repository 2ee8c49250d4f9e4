package io.hapax.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.RunState;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class GuardMetricsTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final ManualTicker ticker = new ManualTicker();
    private final FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
    private final GuardMetrics metrics = new GuardMetrics(registry, job -> !job.startsWith("invoice/"));
    private final JobGuard guard = JobGuard.builder(store)
            .ticker(ticker)
            .withoutLogging()
            .listener(metrics)
            .build();

    @AfterEach
    void close() {
        guard.close();
    }

    /** What threads of the guard count, which may get no processor for a while. */
    private static ConditionFactory eventually() {
        return await().atMost(Duration.ofSeconds(40)).ignoreExceptions();
    }

    private double count(String name, String... tags) {
        return registry.get(name).tags(tags).counter().count();
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return guard.admit(request).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    @Test
    void runs_refusals_waits_and_holds_are_counted_per_job() throws Exception {
        RunRequest report = RunRequest.occurrence("report@1").job("report");
        GuardedRun run = admitted(report);
        ticker.advance(Duration.ofSeconds(3));
        run.complete();
        assertThat(guard.admit(report)).isInstanceOf(Admission.Refused.class);
        assertThat(count("hapax.runs", "job", "report", "outcome", "completed")).isEqualTo(1);
        assertThat(count("hapax.refused", "job", "report", "verdict", "done")).isEqualTo(1);
        assertThat(registry.get("hapax.hold")
                        .tag("job", "report")
                        .timer()
                        .totalTime(java.util.concurrent.TimeUnit.SECONDS))
                .isEqualTo(3.0);
        assertThat(registry.get("hapax.wait").tag("job", "report").timer().count())
                .isEqualTo(1);
    }

    @Test
    void losses_and_late_renewals_and_unguarded_runs_are_counted() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("slow"));
        try (var scope = run.enter()) {
            store.failRenewals();
            ticker.advance(Duration.ofSeconds(17));
            store.healthy();
            ticker.advance(Duration.ofSeconds(3));
            eventually()
                    .untilAsserted(() -> assertThat(
                                    registry.get("hapax.renewal.margin").timer().count())
                            .isEqualTo(1));
            store.failRenewals();
            ticker.advance(Duration.ofSeconds(40));
            run.close();
        }
        eventually()
                .untilAsserted(() -> assertThat(count("hapax.lost", "job", "slow", "reason", "not_renewed"))
                        .isEqualTo(1));
        store.failAcquires();
        guard.run(RunRequest.lock("open").tune(o -> o.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)), r -> null);
        assertThat(count("hapax.unguarded", "job", "open")).isEqualTo(1);
    }

    @Test
    void what_is_only_observed_is_counted_apart() throws Exception {
        try (GuardedRun holder = admitted(RunRequest.lock("report"))) {
            guard.run(RunRequest.lock("report").tune(o -> o.withObserve(true)), r -> null);
        }
        assertThat(count("hapax.would.refuse", "job", "report", "verdict", "overlap"))
                .isEqualTo(1);
        assertThat(count("hapax.ran.twice", "job", "report", "verdict", "overlap"))
                .isEqualTo(1);
        assertThat(registry.find("hapax.refused").counter()).isNull();
    }

    @Test
    void names_that_carry_ids_share_one_tag_value() throws Exception {
        admitted(RunRequest.lock("invoice/1")).complete();
        admitted(RunRequest.lock("invoice/2")).complete();
        assertThat(count("hapax.runs", "job", "other")).isEqualTo(2);
    }

    @Test
    void a_forced_release_is_counted() throws Exception {
        RunRequest request = RunRequest.lock("k");
        GuardedRun run = admitted(request);
        guard.admin().forceRelease(request.identity(), "alice", "gone").join();
        run.close();
        assertThat(count("hapax.forced", "job", "k")).isEqualTo(1);
    }

    @Test
    void more_names_than_a_registry_should_have_are_counted_together() throws Exception {
        for (int i = 0; i < GuardMetrics.MOST_JOBS + 20; i++) {
            admitted(RunRequest.lock("mail/" + i)).complete();
        }
        assertThat(registry.get("hapax.runs").counters()).hasSize(GuardMetrics.MOST_JOBS + 1);
        assertThat(count("hapax.runs", "job", "other")).isEqualTo(20);
        admitted(RunRequest.lock("mail/0")).complete();
        assertThat(count("hapax.runs", "job", "mail/0")).isEqualTo(2);
    }

    @Test
    void names_that_come_at_once_do_not_exceed_the_bound() {
        JobNames names = new JobNames(job -> true, 10);
        Set<String> tags = IntStream.range(0, 10_000)
                .parallel()
                .mapToObj(i -> names.tagOf("mail/" + i))
                .collect(Collectors.toSet());
        assertThat(tags).hasSize(11).contains("other");
    }

    @Test
    void runs_at_work_and_runs_that_wait_are_gauges() throws Exception {
        metrics.watch(guard);
        RunRequest request = RunRequest.lock("k").tune(o -> o.withOnConflict(OnConflict.WAIT));
        GuardedRun run = admitted(request);
        CompletableFuture<Admission> next = guard.admitAsync(request);
        try (var scope = run.enter()) {
            assertThat(registry.get("hapax.active").gauge().value()).isEqualTo(1);
        }
        eventually()
                .untilAsserted(
                        () -> assertThat(registry.get("hapax.waiting").gauge().value())
                                .isEqualTo(1));
        next.cancel(true);
        run.close();
        eventually().untilAsserted(() -> {
            assertThat(registry.get("hapax.active").gauge().value()).isZero();
            assertThat(registry.get("hapax.waiting").gauge().value()).isZero();
        });
    }

    @Test
    void the_age_of_the_last_success_grows_until_the_next_one_and_failures_do_not_count() throws Exception {
        MockClock clock = new MockClock();
        MeterRegistry timed = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
        GuardMetrics ages = new GuardMetrics(timed, job -> !job.equals("unnamed"));
        Lease lease = admitted(RunRequest.lock("k")).lease().orElseThrow();
        ages.on(new GuardEvent.Released("report", lease, RunOutcome.FAILED, Duration.ofSeconds(1)));
        ages.on(new GuardEvent.Released("unnamed", lease, RunOutcome.COMPLETED, Duration.ofSeconds(1)));
        assertThat(timed.find("hapax.last.success.age").timeGauges()).isEmpty();
        ages.on(new GuardEvent.Released("report", lease, RunOutcome.COMPLETED, Duration.ofSeconds(1)));
        TimeGauge age = timed.get("hapax.last.success.age").tag("job", "report").timeGauge();
        clock.add(Duration.ofMinutes(3));
        ages.on(new GuardEvent.Released("report", lease, RunOutcome.UNCONFIRMED, Duration.ofSeconds(1)));
        assertThat(age.value(TimeUnit.SECONDS)).isEqualTo(180);
        ages.on(new GuardEvent.Released("report", lease, RunOutcome.COMPLETED, Duration.ofSeconds(1)));
        clock.add(Duration.ofSeconds(7));
        assertThat(age.value(TimeUnit.SECONDS)).isEqualTo(7);
    }

    @Test
    void a_guard_that_is_watched_twice_counts_once() throws Exception {
        metrics.watch(guard);
        metrics.watch(guard);
        try (GuardedRun run = admitted(RunRequest.lock("k"));
                GuardedRun.Scope scope = run.enter()) {
            assertThat(registry.get("hapax.active").gauge().value()).isEqualTo(1);
        }
    }

    @Test
    void listeners_that_share_a_registry_do_not_make_it_log() {
        Logger ofRegistry = (Logger) LoggerFactory.getLogger("io.micrometer");
        Level before = ofRegistry.getLevel();
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        lines.start();
        ofRegistry.setLevel(Level.DEBUG);
        ofRegistry.addAppender(lines);
        try {
            MeterRegistry shared = new SimpleMeterRegistry();
            for (int n = 0; n < 3; n++) {
                GuardMetrics one = new GuardMetrics(shared);
                one.on(new GuardEvent.Released("job", lease(), RunOutcome.COMPLETED, Duration.ZERO));
            }
        } finally {
            ofRegistry.detachAppender(lines);
            ofRegistry.setLevel(before);
        }
        assertThat(lines.list).isEmpty();
    }

    private static Lease lease() {
        return new Lease(
                new JobIdentity(new LockKey("k"), null),
                OwnerId.random(),
                new FencingToken(1),
                "alice",
                Duration.ofSeconds(30),
                Instant.EPOCH);
    }

    @Test
    void two_guards_with_a_listener_each_share_the_gauges_of_their_registry() throws Exception {
        MockClock clock = new MockClock();
        MeterRegistry timed = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
        GuardMetrics first = new GuardMetrics(timed);
        GuardMetrics second = new GuardMetrics(timed);
        JobGuard other = JobGuard.builder(store).ticker(ticker).withoutLogging().build();
        try (GuardedRun one = admitted(RunRequest.lock("a"));
                GuardedRun.Scope scope = one.enter()) {
            first.watch(guard);
            second.watch(other);
            second.watch(guard);
            GuardedRun two = other.admit(RunRequest.lock("b")).fold(run -> run, refusal -> {
                throw new AssertionError(refusal);
            });
            try (two;
                    GuardedRun.Scope inner = two.enter()) {
                assertThat(timed.get("hapax.active").gauge().value()).isEqualTo(2);
            }
            GuardEvent.Released success = new GuardEvent.Released(
                    "report", one.lease().orElseThrow(), RunOutcome.COMPLETED, Duration.ofSeconds(1));
            first.on(success);
            clock.add(Duration.ofMinutes(3));
            second.on(success);
            assertThat(timed.get("hapax.last.success.age").timeGauge().value(TimeUnit.SECONDS))
                    .isZero();
        } finally {
            other.close();
        }
    }

    @Test
    void a_guard_that_is_made_again_goes_on_where_the_closed_one_was() throws Exception {
        MockClock clock = new MockClock();
        MeterRegistry timed = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
        for (int made = 1; made <= 3; made++) {
            GuardMetrics again = new GuardMetrics(timed);
            JobGuard next = JobGuard.builder(store)
                    .ticker(ticker)
                    .withoutLogging()
                    .listener(again)
                    .build();
            again.watch(next);
            GuardedRun run = next.admit(RunRequest.lock("k")).fold(admitted -> admitted, refusal -> {
                throw new AssertionError(refusal);
            });
            try (var scope = run.enter()) {
                assertThat(timed.get("hapax.active").gauge().value()).isEqualTo(1);
                clock.add(Duration.ofMinutes(3));
                run.complete();
            }
            int runs = made;
            eventually()
                    .untilAsserted(
                            () -> assertThat(timed.get("hapax.runs").counter().count())
                                    .isEqualTo(runs));
            assertThat(timed.get("hapax.last.success.age").timeGauge().value(TimeUnit.SECONDS))
                    .isZero();
            next.close();
        }
        timed.clear();
        GuardMetrics cleared = new GuardMetrics(timed);
        cleared.watch(guard);
        try (GuardedRun run = admitted(RunRequest.lock("k"));
                var scope = run.enter()) {
            assertThat(timed.get("hapax.active").gauge().value()).isEqualTo(1);
        }
    }

    @Test
    void a_forced_release_of_a_key_that_nobody_holds_is_not_counted() {
        guard.admin()
                .forceRelease(RunRequest.lock("k").identity(), "alice", "to be sure")
                .join();
        assertThat(registry.find("hapax.forced").counters()).isEmpty();
    }

    @Test
    void a_decision_about_an_abandoned_occurrence_is_counted() {
        JobIdentity identity = RunRequest.occurrence("bill@1").identity();
        metrics.on(new GuardEvent.Resolved("bill", identity, RunState.DONE, "alice", "it was paid"));
        assertThat(count("hapax.resolved", "job", "bill", "state", "done")).isEqualTo(1);
    }
}
