package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.WhenUnavailable;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunLedger;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.Scheduled;

/** Whatever is wrong is told at start-up: what, where, what is allowed, how to mend it. */
class WrongSettingsTest {

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withPropertyValues("spring.application.name=wrong-settings")
            .withConfiguration(AutoConfigurations.of(
                    HapaxAutoConfiguration.class,
                    HapaxQuartzAutoConfiguration.class,
                    HapaxJobRunrAutoConfiguration.class,
                    HapaxActuatorAutoConfiguration.class,
                    HapaxConsoleAutoConfiguration.class));

    private final ApplicationContextRunner inMemory = runner.withUserConfiguration(InMemoryHapax.Store.class);

    static InvalidSettingException cause(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof InvalidSettingException found) {
                return found;
            }
        }
        throw new AssertionError("not told well", failure);
    }

    private static void assertTold(ApplicationContextRunner wrong, String... parts) {
        wrong.run(context -> {
            assertThat(context).hasFailed();
            InvalidSettingException cause = cause(context.getStartupFailure());
            assertThat(cause.getMessage()).contains(parts);
            FailureAnalysis analysis = new SettingFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis).isNotNull();
            assertThat(analysis.getDescription())
                    .startsWith("Hapax cannot guard this application")
                    .contains(parts[0]);
            assertThat(analysis.getAction()).isNotBlank();
        });
    }

    @Test
    void a_console_whose_credential_is_too_short_or_whose_path_is_none() {
        assertTold(
                inMemory.withPropertyValues("hapax.console.enabled=true", "hapax.console.credential=1234"),
                "hapax.console",
                "at least 8 characters, has 4");
        assertTold(
                inMemory.withPropertyValues("hapax.console.enabled=true", "hapax.console.proxies=10.0.0.7,gateway"),
                "hapax.console",
                "such as 10.0.0.7, 10.0.0.0/8 or fd00::/8; was 'gateway'");
        for (String path : new String[] {"hapax", "/hapax/", "/", "/a b", "/*"}) {
            new WebApplicationContextRunner()
                    .withConfiguration(
                            AutoConfigurations.of(HapaxAutoConfiguration.class, HapaxConsoleAutoConfiguration.class))
                    .withUserConfiguration(InMemoryHapax.Store.class)
                    .withPropertyValues("hapax.console.enabled=true", "hapax.console.path=" + path)
                    .run(context -> assertThat(cause(context.getStartupFailure()))
                            .hasMessageContaining("hapax.console.path: '" + path + "' is no path for the console"));
        }
        assertTold(inMemory.withPropertyValues("hapax.hash-keys=short"), "hapax", "at least 16 characters, has 5");
    }

    @Test
    void a_console_that_is_not_on_the_class_path() {
        assertTold(
                inMemory.withClassLoader(new FilteredClassLoader("io.hapax.console"))
                        .withPropertyValues("hapax.console.enabled=true"),
                "hapax.console.enabled",
                "Add io.hapax:hapax-console");
    }

    @Test
    void a_store_in_memory_that_is_not_on_the_class_path() {
        inMemory.withClassLoader(new FilteredClassLoader("io.hapax.test"))
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage(
                                "@InMemoryHapax keeps leases in a store of io.hapax:hapax-test, which is not on the class path:"
                                        + " add it to the dependencies of the tests"));
    }

    @Test
    void nothing_that_says_where_leases_are_kept() {
        assertTold(runner, "hapax.redis.url", "Set hapax.redis.url=redis://localhost:6379", "@InMemoryHapax");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "default", "quartzScheduler"})
    void an_application_without_a_name_of_its_own(String name) {
        assertTold(
                runner.withPropertyValues("spring.application.name=" + name, "hapax.redis.url=redis://localhost:1"),
                "hapax.redis.namespace",
                "set spring.application.name, or hapax.redis.namespace");
        assertTold(
                runner.withPropertyValues(
                        "hapax.redis.namespace=" + (name.isEmpty() ? "default" : name),
                        "hapax.redis.url=redis://localhost:1"),
                "hapax.redis",
                "is the default of a library");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hapax.redis.url=http://localhost:6379 | hapax.redis.url | redis://",
                "hapax.redis.url=redis://localhost:1 | hapax.redis.url | hapax.redis.lazy=true",
                "hapax.redis.quorum=redis://a:1,redis://b:1 | hapax.redis.quorum | 3",
                "hapax.redis.url=redis://a:1;hapax.redis.quorum=redis://b:1 | hapax.redis.quorum | Leave out one",
                "hapax.redis.url=redis://a:1;hapax.redis.namespace=ä ö | hapax.redis | use 1 to 64 letters",
                "hapax.redis.url=redis://a:1;hapax.redis.answer-timeout=1ms | hapax.redis | at least 20ms",
                "hapax.redis.url=redis://a:1;hapax.redis.longest-ttl=1ms | hapax.redis | at least 100ms"
            })
    void a_wrong_store(String settings, String where, String mend) {
        assertTold(runner.withPropertyValues(settings.split(";")), where, mend);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hapax.defaults.ttl=soon | hapax.defaults.ttl | write 500ms, 30s",
                "hapax.defaults.ttl=1ms | hapax.defaults.ttl | must be from 100ms",
                "hapax.defaults.lease-time=30s | hapax.defaults.leaseTime | allowed are",
                "hapax.defaults.on-conflict=maybe | hapax.defaults.onConflict | allowed are",
                "hapax.defaults.throttle=often | hapax.defaults.throttle | write 3/1m",
                "hapax.defaults.concurrency=0 | hapax.defaults.concurrency | from 1 to 100",
                "hapax.defaults.on-conflict=allow;hapax.defaults.concurrency=2 | hapax.defaults | leave out one of them",
                "hapax.defaults.after-crash=abandon | hapax | needs a ledger",
                "hapax.defaults.when-unavailable=ledger-only | hapax | needs a ledger",
                "hapax.worker=' ' | hapax | must not be blank",
                "hapax.ledger.enabled=true | hapax.ledger.enabled | Set spring.datasource.url"
            })
    void wrong_options(String settings, String where, String mend) {
        assertTold(inMemory.withPropertyValues(settings.replace("'", "").split(";")), where, mend);
    }

    @ParameterizedTest
    @CsvSource({
        "hapax.default.ttl=60s, hapax.default.ttl, hapax.defaults.ttl",
        "hapax.redis.uri=redis://localhost, hapax.redis.uri, hapax.redis.url",
        "hapax.url=redis://localhost, hapax.url, hapax.redis.url",
        "hapax.ledger.enable=true, hapax.ledger.enable, hapax.ledger.enabled",
        "hapax.defaults-on-conflict=wait, hapax.defaults-on-conflict, hapax.defaults.on-conflict",
        "hapax.consol.path=/hapax, hapax.consol.path, hapax.console.path"
    })
    void a_setting_that_does_not_exist(String setting, String name, String instead) {
        inMemory.withPropertyValues(setting).run(context -> {
            assertThat(context).hasFailed();
            FailureAnalysis analysis = new UnknownSettingAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis).isNotNull();
            assertThat(analysis.getDescription())
                    .startsWith("Hapax cannot guard this application")
                    .contains("no setting " + name);
            assertThat(analysis.getAction())
                    .startsWith("Write " + instead + ",")
                    .contains("hapax.redis.namespace", "hapax.defaults.wait-timeout", "hapax.shutdown-grace");
        });
    }

    static class Collapsing {
        @Guarded(key = "all")
        public void work(String argument) {}
    }

    static class CollapsingOnce {
        @Guarded(once = "for ever")
        public void work() {}
    }

    static class Keyless {
        @Guarded(ttl = "10s")
        public void work(String argument) {}
    }

    static class Rescheduling {
        @Guarded(key = "k/%0", onConflict = OnConflict.RESCHEDULE)
        public void work(String argument) {}
    }

    static class Buffering {
        @Guarded(key = "k/%0", onConflict = OnConflict.BUFFER_ONE)
        public void work(String argument) {}
    }

    static class Queued {
        @Guarded(key = "k/%0", mode = LockMode.UNTIL_EXECUTED)
        public void work(String argument) {}
    }

    static class Primitive {
        @Guarded(key = "k/%0")
        public int work(String argument) {
            return 1;
        }
    }

    static class Later {
        @Guarded(key = "k/%0")
        public Future<String> work(String argument) {
            return CompletableFuture.completedFuture(argument);
        }
    }

    static class LaterInside {
        @Guarded(key = "k/%0")
        public CompletableFuture<List<Future<String>>> work(String argument) {
            return CompletableFuture.completedFuture(List.of());
        }
    }

    static class Asynchronous {
        @Async
        @Guarded(key = "k/%0")
        public void work(String argument) {}
    }

    @Guarded(key = "k")
    static class OnItsClass {
        public void work() {}
    }

    static class Final {
        @Guarded(key = "k/%0")
        public final void work(String argument) {}
    }

    static class BadExpression {
        @Guarded(key = "k/#{#argument.}")
        public void work(String argument) {}
    }

    static class NoSuchArgument {
        @Guarded(key = "k/%3")
        public void work(String argument) {}
    }

    static class NoSuchVariable {
        @Guarded(key = "k/#{#ordr.length()}")
        public void work(String order) {}
    }

    static class ShortTtl {
        @Guarded(key = "k/%0", ttl = "300ms")
        public void work(String argument) {}
    }

    static class AbandonedWithoutLedger {
        @Guarded(once = "k/%0", afterCrash = AfterCrash.ABANDON)
        public void work(String argument) {}
    }

    static class BadDuration {
        @Guarded(key = "k/%0", ttl = "30 seconds")
        public void work(String argument) {}
    }

    static class Contradicting {
        @Guarded(key = "k/%0", mode = LockMode.UNTIL_EXECUTED, onConflict = OnConflict.ALLOW)
        public void work(String argument) {}
    }

    static class LedgerOnly {
        @Guarded(key = "k/%0", concurrency = 2, whenUnavailable = WhenUnavailable.LEDGER_ONLY)
        public void work(String argument) {}
    }

    @Test
    void a_wrong_annotation_of_a_bean_method() {
        assertBean(Collapsing.class, "the same whatever the arguments", "ignoreArguments = true");
        assertBean(CollapsingOnce.class, "the same for each call", "add an expression");
        assertTold(
                inMemory.withBean(Keyless.class).withClassLoader(withoutJobRunr()),
                "@Guarded on Keyless.work",
                "neither key nor once");
        assertBean(Rescheduling.class, "onConflict=RESCHEDULE", "use SKIP, WAIT, FAIL or ALLOW");
        assertBean(Buffering.class, "onConflict=BUFFER_ONE", "use SKIP, WAIT, FAIL or ALLOW");
        assertBean(Queued.class, "a method is not queued", "use WHILE_EXECUTING");
        assertBean(Primitive.class, "the method returns int", "set onConflict = FAIL or WAIT");
        assertBean(Later.class, "returns a Future", "return when the work is done");
        assertBean(LaterInside.class, "returns a CompletableFuture of Future", "return when the work is done");
        assertBean(Asynchronous.class, "an @Async method returns before", "of another bean");
        assertTold(
                inMemory.withBean(OnItsClass.class).withClassLoader(withoutJobRunr()),
                "@Guarded on OnItsClass",
                "guards nothing there",
                "Put it on the methods");
        assertBean(Final.class, "private, final or static", "make it an ordinary method");
        assertBean(
                BadExpression.class,
                "key 'k/#{#argument.}': #{#argument.} is no expression",
                "Write #{#argument.property}, or %0.property");
        assertBean(NoSuchArgument.class, "%3 has no value", "%0");
        assertBean(NoSuchVariable.class, "no parameter is called 'ordr'; there are [a0, order, p0]", "order");
        assertBean(ShortTtl.class, "a ttl of PT0.3S is too short", "a ttl of at least PT0.5S");
        assertBean(AbandonedWithoutLedger.class, "ABANDON needs a ledger", "hapax.ledger.enabled=true");
        assertBean(BadDuration.class, "'30 seconds' is not a duration", "write 500ms, 30s");
        assertBean(
                Contradicting.class,
                "mode=UNTIL_EXECUTED and onConflict=ALLOW contradict each other",
                "use UNTIL_EXECUTING");
        assertBean(LedgerOnly.class, "whenUnavailable=LEDGER_ONLY", "use FAIL_CLOSED or FAIL_OPEN");
    }

    @Test
    void an_occurrence_that_is_to_be_abandoned_after_a_crash_needs_a_name() {
        assertTold(
                inMemory.withBean(AbandonedWithoutName.class)
                        .withBean(RunLedger.class, () -> new InMemoryRunLedger(Ticker.SYSTEM))
                        .withClassLoader(withoutJobRunr()),
                "@Guarded on AbandonedWithoutName.work",
                "ABANDON needs once");
    }

    @Test
    void a_firing_has_a_name_of_its_own_if_its_schedule_plans_it() {
        ApplicationContextRunner withLedger = inMemory.withBean(
                        RunLedger.class, () -> new InMemoryRunLedger(Ticker.SYSTEM))
                .withClassLoader(withoutJobRunr());
        withLedger
                .withBean(AbandonedFirings.class)
                .run(context -> assertThat(context).hasNotFailed());
        assertTold(
                withLedger.withBean(AbandonedDelays.class), "@Guarded on AbandonedDelays.work", "ABANDON needs once");
    }

    public static class AbandonedFirings {
        @Scheduled(cron = "0 0 3 * * *")
        @Guarded(key = "k", afterCrash = AfterCrash.ABANDON)
        public void nightly() {}

        @Scheduled(fixedRateString = "PT1H")
        @Guarded(key = "k", afterCrash = AfterCrash.ABANDON)
        public void hourly() {}
    }

    public static class AbandonedDelays {
        @Scheduled(fixedDelay = 1000)
        @Guarded(key = "k", afterCrash = AfterCrash.ABANDON)
        public void work() {}
    }

    static class AbandonedWithoutName {
        @Guarded(key = "k/%0", afterCrash = AfterCrash.ABANDON)
        public void work(String argument) {}
    }

    /** A DataSource of another database, as far as anybody asks it. */
    private static DataSource of(String product) {
        DatabaseMetaData facts = answering(DatabaseMetaData.class, "getDatabaseProductName", product);
        Connection connection = answering(Connection.class, "getMetaData", facts);
        return answering(DataSource.class, "getConnection", connection);
    }

    private static <T> T answering(Class<T> type, String method, Object answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, called, arguments) -> called.getName().equals(method) ? answer : null));
    }

    @Test
    void another_database_than_postgresql() {
        assertTold(
                inMemory.withBean(DataSource.class, () -> of("H2")).withPropertyValues("hapax.ledger.enabled=true"),
                "hapax.ledger.enabled",
                "the DataSource is H2",
                "hapax.ledger.enabled=false");
        assertTold(
                runner.withBean(DataSource.class, () -> of("MySQL")).withPropertyValues("hapax.leases=postgres"),
                "hapax.leases",
                "the DataSource is MySQL",
                "hapax.leases=redis");
    }

    /** Without JobRunr nobody but other code can call a bean method. */
    private static FilteredClassLoader withoutJobRunr() {
        return new FilteredClassLoader("org.jobrunr");
    }

    @Test
    void what_only_a_scheduler_can_follow_is_fine_on_the_method_of_a_job_and_refused_when_other_code_calls_it() {
        inMemory.withBean(Queued.class).withBean(Rescheduling.class).run(context -> {
            assertThat(context).hasNotFailed();
            assertThatThrownBy(() -> context.getBean(Queued.class).work("x"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("@Guarded on Queued.work is for the job of a scheduler")
                    .hasMessageContaining("use WHILE_EXECUTING");
        });
    }

    private void assertBean(Class<?> bean, String what, String mend) {
        assertTold(
                inMemory.withBean(bean).withClassLoader(withoutJobRunr()),
                "@Guarded on " + bean.getSimpleName() + ".work",
                what,
                mend);
    }

    @Test
    void a_context_without_schedulers_actuator_and_micrometer_starts() {
        inMemory.withClassLoader(new FilteredClassLoader(
                        "org.quartz",
                        "org.jobrunr",
                        "io.micrometer",
                        "org.springframework.boot.actuate",
                        "org.springframework.boot.health"))
                .run(context -> assertThat(context).hasNotFailed().hasSingleBean(JobGuard.class));
    }

    @Test
    void a_guard_of_the_application_is_used() {
        inMemory.withBean(
                        "mine",
                        JobGuard.class,
                        () -> JobGuard.builder(new io.hapax.test.InMemoryLeaseStore(io.hapax.time.Ticker.SYSTEM))
                                .worker("mine")
                                .build())
                .run(context ->
                        assertThat(context.getBean(JobGuard.class).worker()).isEqualTo("mine"));
    }

    @Test
    void switched_off_there_is_no_guard() {
        runner.withPropertyValues("hapax.enabled=false")
                .withBean(Collapsing.class)
                .run(context -> assertThat(context)
                        .hasNotFailed()
                        .doesNotHaveBean(JobGuard.class)
                        .doesNotHaveBean(LeaseStore.class));
    }
}
