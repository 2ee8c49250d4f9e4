package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.ledger.AfterCrash;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.Ticker;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;

/** What would let a job fail at each firing is found before the first one. */
@ResourceLock(Logs.LOGGERS)
class JobCheckTest {

    @Guarded(ttl = "300ms")
    public static class ShortTtl extends Probe.PlainJob {}

    @Guarded(ttl = "30 seconds")
    public static class BadDuration extends Probe.PlainJob {}

    @Guarded(afterCrash = AfterCrash.ABANDON)
    public static class AbandonedWithoutLedger extends Probe.PlainJob {}

    @Guarded(key = "k/#{#ordr}")
    public static class Expression extends Probe.PlainJob {}

    @Guarded(key = "k", onConflict = OnConflict.ALLOW)
    public static class Contradicting extends Probe.PlainJob {}

    @Guarded(mode = LockMode.UNTIL_EXECUTED)
    public static class Keyless extends Probe.PlainJob {}

    @Guarded(once = "for ever")
    public static class Once extends Probe.PlainJob {}

    @Guarded(key = "order/%{ordr}")
    public static class Misspelt extends Probe.PlainJob {}

    /** Of this test alone, whose lines are told from those of others by it. */
    private final String group = "check-" + UUID.randomUUID();

    private Scheduler scheduler;
    private Logs logs;

    @BeforeEach
    void create() throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", group);
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        scheduler = Fleet.create(properties);
        logs = Logs.of("io.hapax.quartz");
    }

    @AfterEach
    void stop() throws SchedulerException {
        logs.close();
        scheduler.shutdown();
    }

    private void install(UnaryOperator<JobGuardBuilder> settings) throws SchedulerException {
        HapaxPlugin.install(
                scheduler,
                settings.apply(JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                                .closesStore())
                        .build());
    }

    private void install() throws SchedulerException {
        install(guard -> guard);
    }

    private JobBuilder durable(Class<? extends Job> type) {
        return job("report", type);
    }

    private JobBuilder job(String name, Class<? extends Job> type) {
        return JobBuilder.newJob(type).withIdentity(name, group).storeDurably();
    }

    private static TriggerBuilder<Trigger> later(String name) {
        return Jobs.once(name, Instant.parse("2199-01-01T00:00:00Z"));
    }

    private List<String> errors() {
        return logs.lines().stream()
                .filter(line -> line.startsWith("ERROR") && line.contains(group))
                .toList();
    }

    static Stream<Arguments> wrong() {
        return Stream.of(
                Arguments.of(ShortTtl.class, List.of("a ttl of PT0.3S is too short", "a ttl of at least")),
                Arguments.of(BadDuration.class, List.of("'30 seconds' is not a duration", "write 500ms, 30s")),
                Arguments.of(AbandonedWithoutLedger.class, List.of("ABANDON needs a ledger", "or use RERUN")),
                Arguments.of(Expression.class, List.of("#{#ordr} is an expression", "Use %{name}")),
                Arguments.of(Contradicting.class, List.of("onConflict=ALLOW", "leave out one of them")));
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void a_wrong_annotation_is_refused_at_start_and_told_of_a_job_that_comes_later(
            Class<? extends Job> type, List<String> parts) throws SchedulerException {
        scheduler.addJob(durable(type).build(), false);
        assertThatThrownBy(this::install)
                .isInstanceOf(SchedulerException.class)
                .hasMessageContaining("@Guarded on " + type.getName())
                .hasMessageContainingAll(parts.toArray(CharSequence[]::new));
        assertThat(HapaxPlugin.guards(scheduler)).isFalse();
        scheduler.clear();
        install();
        scheduler.addJob(durable(type).build(), false);
        assertThat(errors())
                .singleElement()
                .asString()
                .contains("@Guarded on " + type.getName())
                .contains(parts);
    }

    static Stream<Arguments> keyless() {
        return Stream.of(
                Arguments.of(Keyless.class, List.of("mode=UNTIL_EXECUTED", "needs a key")),
                Arguments.of(Once.class, List.of("once 'for ever'", "add %{name}")));
    }

    @ParameterizedTest
    @MethodSource("keyless")
    void a_job_without_a_key_is_refused_at_start_with_its_triggers(Class<? extends Job> type, List<String> parts)
            throws SchedulerException {
        scheduler.scheduleJob(durable(type).build(), later("later").build());
        assertThatThrownBy(this::install)
                .isInstanceOf(SchedulerException.class)
                .hasMessageContaining("@Guarded on " + type.getName())
                .hasMessageContainingAll(parts.toArray(CharSequence[]::new));
    }

    /** As a job that waits for its triggers does. */
    @ParameterizedTest
    @MethodSource("keyless")
    void a_durable_job_may_get_its_key_from_triggers_that_come_later(Class<? extends Job> type, List<String> parts)
            throws SchedulerException {
        scheduler.addJob(durable(type).build(), false);
        install();
        scheduler.addJob(job("another", type).build(), false);
        assertThat(HapaxPlugin.guards(scheduler)).isTrue();
        assertThat(errors()).isEmpty();
    }

    @Test
    void the_job_is_named() throws SchedulerException {
        scheduler.addJob(durable(AbandonedWithoutLedger.class).build(), false);
        assertThatThrownBy(this::install)
                .hasMessageContaining(
                        "job " + group + ".report, @Guarded on " + AbandonedWithoutLedger.class.getName());
    }

    @Test
    void what_makes_sense_with_this_guard_or_with_the_data_of_the_job_or_its_trigger_is_fine()
            throws SchedulerException {
        scheduler.addJob(durable(AbandonedWithoutLedger.class).build(), false);
        scheduler.addJob(
                job("data", Keyless.class)
                        .usingJobData(JobSettings.LOCK_KEY, "k")
                        .build(),
                false);
        scheduler.scheduleJob(
                job("trigger", Contradicting.class).build(),
                later("later")
                        .usingJobData(JobSettings.PREFIX + "onConflict", "SKIP")
                        .build());
        scheduler.addJob(
                job("off", ShortTtl.class)
                        .usingJobData(JobSettings.ENABLED, "false")
                        .build(),
                false);
        install(guard -> guard.ledger(new InMemoryRunLedger(Ticker.SYSTEM)));
        assertThat(errors()).isEmpty();
    }

    /** Whoever may store jobs must not keep an application from starting. */
    @Test
    void what_the_data_of_a_job_says_is_told_and_does_not_end_the_start() throws SchedulerException {
        scheduler.addJob(
                durable(Probe.PlainJob.class)
                        .usingJobData(JobSettings.PREFIX + "ttll", "1s")
                        .build(),
                false);
        install();
        assertThat(errors())
                .singleElement()
                .asString()
                .contains(
                        "a job will not be run: job " + group + ".report",
                        "hapax.ttll: there is no such setting",
                        "ttl,");
    }

    @Test
    void a_name_in_a_key_that_neither_job_nor_trigger_has() throws SchedulerException {
        scheduler.scheduleJob(
                job("before", Misspelt.class).build(),
                later("first").usingJobData("order", "7").build());
        install();
        scheduler.scheduleJob(
                job("after", Misspelt.class).build(),
                later("second").usingJobData("order", "8").build());
        scheduler.scheduleJob(
                job("fine", Misspelt.class).build(),
                later("third").usingJobData("ordr", "9").build());
        assertThat(errors()).hasSize(2);
        assertThat(errors().get(0)).contains("job " + group + ".before", "%{ordr}", "trigger DEFAULT.first", "[order]");
        assertThat(errors().get(1)).contains("job " + group + ".after", "%{ordr}", "trigger DEFAULT.second");
    }

    @Test
    void a_guard_that_only_observes_refuses_no_start() throws SchedulerException {
        scheduler.addJob(durable(ShortTtl.class).build(), false);
        install(guard -> guard.defaults(options -> options.withObserve(true)));
        assertThat(errors()).singleElement().asString().contains("the guard only observes", "too short");
    }
}
