package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.JobGuard;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.quartz.CalendarIntervalScheduleBuilder;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.quartz.core.QuartzScheduler;
import org.quartz.core.QuartzSchedulerResources;
import org.quartz.impl.SchedulerRepository;
import org.quartz.impl.StdScheduler;
import org.quartz.impl.StdSchedulerFactory;

/** Installation, by properties and in code. */
@Isolated
class HapaxPluginTest {

    private static final String PLUGIN = "org.quartz.plugin.hapax.";

    @AfterEach
    void forget_schedulers_that_could_not_be_made() {
        for (Scheduler scheduler : List.copyOf(SchedulerRepository.getInstance().lookupAll())) {
            SchedulerRepository.getInstance().remove(schedulerName(scheduler));
        }
    }

    private static String schedulerName(Scheduler scheduler) {
        try {
            return scheduler.getSchedulerName();
        } catch (SchedulerException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Scheduler scheduler(Map<String, String> settings) throws SchedulerException {
        return scheduler("billing", settings);
    }

    private static Scheduler scheduler(String name, Map<String, String> settings) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", name);
        properties.setProperty("org.quartz.scheduler.skipUpdateCheck", "true");
        properties.setProperty("org.quartz.threadPool.threadCount", "2");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        properties.setProperty(PLUGIN + "class", HapaxPlugin.class.getName());
        settings.forEach((setting, value) -> properties.setProperty(PLUGIN + setting, value));
        return Fleet.create(properties);
    }

    @Test
    void properties_alone_guard_two_replicas() throws Exception {
        Map<String, String> settings = Map.of("redisUrl", "memory:by-properties", "worker", "w1", "ttl", "9s");
        Probe probe = new Probe();
        Scheduler first = scheduler(settings);
        Scheduler second = scheduler(settings);
        try {
            for (Scheduler scheduler : List.of(first, second)) {
                probe.attach(scheduler, scheduler == first ? "a" : "b");
                scheduler.scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
                scheduler.start();
            }
            await().until(() -> probe.timesOf("tick").size() >= 4);
            assertThat(probe.timesOf("tick").values()).containsOnly(1L);
        } finally {
            first.shutdown(true);
            second.shutdown(true);
        }
        assertThat(MemoryStoreProvider.SETTINGS)
                .contains(Map.of("namespace", "billing", "answerTimeout", "1500ms", "longestTtl", "30000ms"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", "quartzScheduler", "QuartzScheduler", "DefaultQuartzScheduler"})
    void the_default_name_of_a_scheduler_is_no_namespace(String name) throws Exception {
        assertThatThrownBy(() -> scheduler(name, Map.of("redisUrl", "memory:unnamed")))
                .isInstanceOf(SchedulerException.class)
                .hasStackTraceContaining("there is no namespace")
                .hasStackTraceContaining(
                        "set org.quartz.scheduler.instanceName, or org.quartz.plugin.<name>.namespace");
        Scheduler named = scheduler(name, Map.of("redisUrl", "memory:unnamed", "namespace", "named-" + name));
        named.shutdown();
        assertThat(namespaces()).contains("named-" + name);
    }

    @Test
    void any_other_name_of_a_scheduler_is_a_namespace_of_its_own() throws Exception {
        Set<String> before = namespaces();
        for (String name : List.of("My Scheduler", "Überweisungen", "x".repeat(65), "x".repeat(66), "a/b", "日程")) {
            scheduler(name, Map.of("redisUrl", "memory:readable")).shutdown();
        }
        Set<String> made = namespaces();
        made.removeAll(before);
        assertThat(made).hasSize(6).allMatch(name -> name.matches("[A-Za-z0-9_.-]{1,64}"));
    }

    private static Set<String> namespaces() {
        return MemoryStoreProvider.SETTINGS.stream()
                .map(settings -> settings.get("namespace"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void all_settings_are_understood() throws Exception {
        Scheduler scheduler = scheduler(Map.ofEntries(
                Map.entry("redisUrl", "memory:all"),
                Map.entry("namespace", "fleet-7"),
                Map.entry("worker", "w"),
                Map.entry("answerTimeout", "1s"),
                Map.entry("longestTtl", "10m"),
                Map.entry("firstStart", "2026-11-28T09:30:00Z"),
                Map.entry("lazy", "true"),
                Map.entry("ttl", "20s"),
                Map.entry("maxHold", "1h"),
                Map.entry("waitTimeout", "10s"),
                Map.entry("retention", "7d"),
                Map.entry("onConflict", "reschedule"),
                Map.entry("onLeaseLost", "signal"),
                Map.entry("whenUnavailable", "fail-open"),
                Map.entry("retryDelay", "1s"),
                Map.entry("maxRetries", "5"),
                Map.entry("alone", "true"),
                Map.entry("enabled", "true")));
        scheduler.start();
        scheduler.shutdown(true);
        assertThat(MemoryStoreProvider.SETTINGS)
                .contains(Map.of(
                        "namespace",
                        "fleet-7",
                        "answerTimeout",
                        "1s",
                        "longestTtl",
                        "10m",
                        "firstStart",
                        "2026-11-28T09:30:00Z",
                        "lazy",
                        "true"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    ttl             | soon   | setting ttl: 'soon' is not a duration; write 500ms
                    onConflict      | maybe  | setting onConflict: 'maybe' is not known; allowed are [AUTO, SKIP
                    onLeaseLost     | shout  | setting onLeaseLost: 'shout' is not known; allowed are [INTERRUPT, SIGNAL]
                    whenUnavailable | cry    | setting whenUnavailable: 'cry' is not known
                    retention       | 0      | setting retention: must be from 1ms
                    retryDelay      | often  | setting retryDelay: 'often' is not a duration
                    retryDelay      | 0      | setting retryDelay: must not be zero
                    maxRetries      | -1     | setting maxRetries: must not be negative, was -1
                    redisUrl        | ftp://x | no lease store on the class path accepts the address 'ftp://x'
                    """)
    void a_wrong_setting_stops_the_scheduler_from_being_made(String name, String value, String message) {
        Map<String, String> settings =
                name.equals("redisUrl") ? Map.of(name, value) : Map.of("redisUrl", "memory:wrong", name, value);
        assertThatThrownBy(() -> scheduler(settings))
                .isInstanceOf(SchedulerException.class)
                .hasStackTraceContaining("Hapax cannot guard the scheduler 'billing' (plugin 'hapax'): " + message);
    }

    @Test
    void without_a_store_there_is_no_scheduler() {
        assertThatThrownBy(() -> scheduler(Map.of("ttl", "30s")))
                .hasStackTraceContaining("Hapax does not know where to keep its leases: set "
                        + "org.quartz.plugin.<name>.redisUrl (for example redis://localhost:6379)");
    }

    @Test
    void a_plugin_that_is_switched_off_needs_nothing_and_guards_nothing() throws Exception {
        Scheduler scheduler = scheduler(Map.of("enabled", "false"));
        Probe probe = new Probe();
        probe.attach(scheduler, "a");
        try {
            scheduler.scheduleJob(
                    Jobs.job("free"),
                    TriggerBuilder.newTrigger().withIdentity("once").build());
            scheduler.start();
            await().until(() -> probe.ended() == 1);
        } finally {
            scheduler.shutdown(true);
        }
    }

    @Test
    void a_scheduler_is_guarded_in_code_but_only_once() throws Exception {
        try (Fleet plain = Fleet.guarded(false);
                JobGuard guard =
                        JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build()) {
            Scheduler scheduler = plain.replica("a");
            HapaxPlugin.install(scheduler, guard);
            assertThatThrownBy(() -> HapaxPlugin.install(scheduler, guard))
                    .isInstanceOf(SchedulerException.class)
                    .hasMessageContaining("it is guarded already; install one plugin only");

            HapaxPlugin plugin = new HapaxPlugin(guard);
            Scheduler other = plain.replica("b");
            plugin.initialize("hapax", other, null);
            assertThatThrownBy(() -> plugin.initialize("hapax", plain.replica("c"), null))
                    .hasMessageContaining("use one plugin for each scheduler");
        }
    }

    @Test
    void a_guard_and_a_store_exclude_each_other() throws Exception {
        try (Fleet plain = Fleet.guarded(false);
                JobGuard guard =
                        JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build()) {
            HapaxPlugin plugin = new HapaxPlugin(guard);
            plugin.setRedisUrl("memory:two");
            assertThatThrownBy(() -> plugin.initialize("hapax", plain.replica("a"), null))
                    .hasMessageContaining("it was given a guard, so redisUrl, namespace, worker");
        }
    }

    /** A scheduler of a kind that the plugin can read: a subclass is as good. */
    static final class SubclassFactory extends StdSchedulerFactory {
        SubclassFactory(Properties properties) throws SchedulerException {
            super(properties);
        }

        @Override
        protected Scheduler instantiate(QuartzSchedulerResources resources, QuartzScheduler core) {
            return new StdScheduler(core) {};
        }
    }

    @Test
    void a_subclass_of_the_standard_scheduler_is_guarded_too() throws Exception {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "subclass");
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        Scheduler scheduler = new SubclassFactory(properties).getScheduler();
        try (JobGuard guard =
                JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build()) {
            HapaxPlugin.install(scheduler, guard);
            assertThat(SchedulerCore.of(scheduler).isWrapped()).isTrue();
        } finally {
            scheduler.shutdown(true);
        }
    }

    @Test
    void triggers_that_cannot_be_recognised_elsewhere_are_named_in_the_log() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.addJob(Jobs.job("job"), false);
            scheduler.addJob(Jobs.job("counting"), false);
            scheduler.addJob(Jobs.job("fine"), false);
            scheduler.scheduleJob(TriggerBuilder.newTrigger().forJob("job").build());
            scheduler.scheduleJob(TriggerBuilder.newTrigger()
                    .withIdentity("days")
                    .forJob("counting")
                    .withSchedule(CalendarIntervalScheduleBuilder.calendarIntervalSchedule()
                            .withIntervalInDays(1))
                    .build());
            scheduler.scheduleJob(TriggerBuilder.newTrigger()
                    .withIdentity("cron")
                    .forJob("fine")
                    .withSchedule(CronScheduleBuilder.dailyAtHourAndMinute(3, 0))
                    .build());
            scheduler.triggerJob(JobKey.jobKey("fine"));

            assertThat(logs.lines()).hasSize(2);
            assertThat(logs.lines().get(0)).contains("job DEFAULT.job").contains("has a generated name");
            assertThat(logs.lines().get(1)).contains("trigger DEFAULT.days counts from its start");
        }
    }
}
