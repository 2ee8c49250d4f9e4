package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.postgres.PostgresRunLedger;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.EmbeddedSentinel;
import io.hapax.testkit.TestCertificates;
import io.hapax.testkit.WallClock;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a new user meets, on a class path of its own: with the starter and what it brings, and without test doubles, the console, and
 * Netty's native transport, as its build would have them.
 */
@Tag("slow")
class FirstHourTest {

    private static final String SLF4J_1 = "-1.7.";

    private static final List<String> NOT_BROUGHT = List.of(
            "testkit",
            "hapax-test-",
            "scheduler-integration/test/target",
            "hapax-console",
            "console/target",
            "native-epoll",
            "netty-transport-classes-epoll",
            "jobrunr",
            "kotlin",
            SLF4J_1);

    private static final String MAIN = "io.hapax.spring.FirstHourApplication";

    /** What is not ours, and is there in each of the applications with Spring. */
    private static final Predicate<String> IS_LIBRARY =
            without(NOT_BROUGHT).and(entry -> !entry.contains("hapax") && !entry.contains("target"));

    private static final URLClassLoader LIBRARIES = SeparateApplication.libraries(IS_LIBRARY);

    private static final SeparateApplication APPLICATION = application(NOT_BROUGHT);

    private static SeparateApplication application(List<String> absent) {
        return new SeparateApplication(MAIN, without(absent).and(IS_LIBRARY.negate()), LIBRARIES);
    }

    private static List<String> notBroughtBut(String... brought) {
        List<String> absent = new ArrayList<>(NOT_BROUGHT);
        absent.removeAll(List.of(brought));
        return absent;
    }

    private static Predicate<String> without(List<String> parts) {
        return entry -> parts.stream().noneMatch(entry::contains);
    }

    private static final String NO_DATABASE =
            "--spring.autoconfigure.exclude=org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration,"
                    + "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration";

    /** The time that a busy machine needs, cold as these applications are: the longest that the usual ttl allows. */
    private static final String PATIENT = "--hapax.redis.answer-timeout=6s";

    /** The first answer of a ledger, whose time is not set, may come too late. */
    private static final String SENT = "sent to (ann|bob|cid)";

    /** Takes a server for dead after 20 s. */
    private static final String[] JOBRUNR = {
        "--jobrunr.background-job-server.enabled=true", "--jobrunr.background-job-server.poll-interval-in-seconds=5"
    };

    private static final Duration LONGEST = Duration.ofSeconds(120);

    /** A bean of it beside a Redis that nobody asks at the start. */
    private static final String MISTAKE = "--hapax.redis.url=redis://127.0.0.1:1;--hapax.redis.lazy=true;"
            + "--spring.main.sources=io.hapax.spring.FirstHourApplication$";

    @TempDir
    private Path folder;

    @AfterAll
    static void close() throws Exception {
        APPLICATION.close();
        LIBRARIES.close();
    }

    private String started(String... settings) throws Exception {
        return started(APPLICATION, NO_DATABASE, settings);
    }

    /** One with a database, whose tables Flyway creates if there are any. */
    private String startedWithDatabase(SeparateApplication application, String... settings) throws Exception {
        return started(application, "--spring.liquibase.enabled=false", settings);
    }

    private String started(SeparateApplication application, String first, String... settings) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.main.banner-mode=off",
                // One that only knows the console, as a new application does; ours keeps quiet.
                "--logging.config=" + logging(),
                "--management.endpoint.health.show-details=always",
                "--management.endpoints.web.exposure.include=health,hapax",
                first));
        arguments.addAll(Arrays.asList(settings));
        return application.run(arguments);
    }

    private Path logging() throws Exception {
        return Files.writeString(folder.resolve("logging.xml"), """
                <configuration>
                  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
                    <encoder><pattern>%level %logger %msg%n</pattern></encoder>
                  </appender>
                  <root level="INFO"><appender-ref ref="OUT"/></root>
                </configuration>
                """);
    }

    @Test
    void an_application_that_has_spring_data_redis_needs_nothing_but_a_name() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertThat(started(
                            "--spring.application.name=first-" + UUID.randomUUID(),
                            "--hapax.redis.first-start=" + WallClock.now(),
                            PATIENT,
                            "--spring.data.redis.url=" + redis.url()))
                    .contains("sent to ann", "well ended")
                    .containsOnlyOnce("1 bean method (0 scheduled) as worker '")
                    .contains("leases in RedissonLeaseStore [namespace=first-", "no ledger; ttl PT30S")
                    .contains("\"hapax\":{", "\"store\":\"answers\"")
                    .doesNotContain("NoClassDefFoundError", "ERROR");
        }
    }

    @Test
    void a_redis_behind_sentinel_in_a_cluster_or_behind_tls_is_found_where_spring_s_own_settings_say()
            throws Exception {
        try (EmbeddedSentinel sentinel = PatientTopologies.sentinel();
                EmbeddedCluster cluster = PatientTopologies.cluster();
                TestCertificates files = TestCertificates.of("dns:localhost,ip:127.0.0.1");
                TlsRedis redis = TlsRedis.start(files)) {
            String[][] servers = {
                {
                    "--spring.data.redis.sentinel.master=" + EmbeddedSentinel.MASTER_NAME,
                    "--spring.data.redis.sentinel.nodes=" + addresses(sentinel.urls())
                },
                {"--spring.data.redis.cluster.nodes=" + addresses(cluster.urls())},
                {
                    "--spring.ssl.bundle.pem.redis.truststore.certificate=file:" + files.authorityFile(),
                    "--spring.data.redis.ssl.bundle=redis",
                    "--spring.data.redis.host=localhost",
                    "--spring.data.redis.port=" + redis.tlsPort()
                }
            };
            for (String[] server : servers) {
                assertThat(started(with(
                                server,
                                "--spring.application.name=first-" + UUID.randomUUID(),
                                PATIENT,
                                "--hapax.redis.first-start=" + WallClock.now())))
                        .contains("sent to ann", "\"store\":\"answers\"", "well ended");
            }
        }
    }

    private static String addresses(List<String> urls) {
        return urls.stream().map(url -> url.replace("redis://", "")).collect(Collectors.joining(","));
    }

    @Test
    void a_longer_ttl_on_a_used_namespace_is_refused_with_a_setting_that_lets_it_in_beside_the_others()
            throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            String name = "--spring.application.name=first-" + UUID.randomUUID();
            String url = "--hapax.redis.url=" + redis.url();
            assertThat(started(name, url, PATIENT, "--hapax.redis.first-start=" + WallClock.now()))
                    .contains("sent to ann", "well ended");
            String refused = started(name, url, PATIENT, "--hapax.defaults.ttl=60s");
            assertThat(refused)
                    .contains("APPLICATION FAILED TO START", "longestTtl=60000ms", "hapax.redis.replace-settings=true")
                    .doesNotContain("\tat ", "well ended");
            String setting = "--hapax.redis.replace-settings=true";
            assertThat(started(name, url, PATIENT, "--hapax.defaults.ttl=60s", setting))
                    .contains("well ended", "ttl PT1M");
            // Left on; and one with the ttl of before.
            assertThat(started(name, url, PATIENT, "--hapax.defaults.ttl=60s", setting))
                    .contains("well ended");
            assertThat(started(name, url, PATIENT))
                    .contains("well ended", "ttl PT30S")
                    .doesNotContain("ERROR");
        }
    }

    @Test
    void old_and_new_replicas_with_another_ttl_run_side_by_side_until_the_last_old_one_has_gone() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                SeparateApplication fleet = new SeparateApplication(
                        "io.hapax.spring.FirstHourRollingChange",
                        without(NOT_BROUGHT).and(IS_LIBRARY.negate()),
                        LIBRARIES)) {
            assertThat(started(
                            fleet,
                            NO_DATABASE,
                            "--spring.application.name=first-" + UUID.randomUUID(),
                            "--hapax.redis.url=" + redis.url(),
                            // For the old ones alone: before them there was nothing to wait for.
                            "--hapax.redis.first-start=" + WallClock.now()))
                    .contains(
                            "longestTtl=14000ms",
                            "hapax.redis.replace-settings=true",
                            "a new one: did not start",
                            "new while a run of old goes on: refused ",
                            "the run of old: COMPLETED",
                            "old beside a run of new: refused OVERLAP",
                            "new beside a run of old: refused OVERLAP",
                            "another old one beside it: refused OVERLAP",
                            "new without old: ran",
                            "well ended");
        }
    }

    @Test
    void a_store_in_memory_without_the_module_for_tests_names_it() throws Exception {
        assertThat(started(
                        "--spring.application.name=first",
                        "--spring.main.sources=io.hapax.spring.test.InMemoryHapax$Store"))
                .contains("@InMemoryHapax keeps leases in a store of io.hapax:hapax-test")
                .doesNotContain("NoClassDefFoundError", "well ended");
    }

    @Test
    void a_redis_that_may_have_forgotten_leases_is_told_once_and_seen_in_health_and_endpoint() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            String told = started(
                    "--spring.application.name=first-" + UUID.randomUUID(),
                    // So long that it is not over when health is asked.
                    "--hapax.redis.longest-ttl=1h",
                    PATIENT,
                    "--spring.data.redis.host=127.0.0.1",
                    "--spring.data.redis.port=" + redis.port());
            assertThat(told)
                    .contains("well ended")
                    .contains("\"store\":\"grants nothing new: ", "\"status\":\"OUT_OF_SERVICE\"")
                    .contains(
                            "\"recent\":[{\"at\":",
                            "\"what\":\"refused\",\"job\":\"Mailer.send\"",
                            "\"why\":\"UNAVAILABLE\"")
                    .containsOnlyOnce("grants start in")
                    // Three were not sent, for one reason.
                    .containsOnlyOnce("not run job=Mailer.send lock mails/ann verdict=UNAVAILABLE")
                    .doesNotContain("not run job=Mailer.send lock mails/bob");
        }
    }

    @Test
    void the_console_says_of_a_redis_in_quarantine_what_health_says() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                SeparateApplication withConsole = application(notBroughtBut("hapax-console", "console/target"))) {
            String told = started(
                    withConsole,
                    NO_DATABASE,
                    "--spring.application.name=first-" + UUID.randomUUID(),
                    "--hapax.redis.longest-ttl=1h",
                    PATIENT,
                    "--hapax.redis.url=" + redis.url(),
                    "--hapax.console.enabled=true");
            Matcher health = Pattern.compile(
                            "\"store\":\"grants nothing new: ([^\"]+): [^\"]*in quarantine for \\d+ ms yet ([^\"]+)\"")
                    .matcher(told);
            assertThat(health.find()).as(told).isTrue();
            assertThat(told)
                    .contains("\"status\":\"OUT_OF_SERVICE\"")
                    .containsPattern("\"servers\":\\[\\{\"server\":\"" + Pattern.quote(health.group(1))
                            + "\",\"up\":false,[^}]*in quarantine for \\d+ ms yet " + Pattern.quote(health.group(2))
                            + "\"");
        }
    }

    @Test
    void the_endpoint_keeps_the_last_refusals_of_each_reason() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            String told = started(
                    "--spring.application.name=first-" + UUID.randomUUID(),
                    "--hapax.redis.first-start=" + WallClock.now(),
                    PATIENT,
                    "--hapax.redis.url=" + redis.url(),
                    "--spring.main.sources=io.hapax.spring.FirstHourApplication$Crowd");
            assertThat(told).contains("\"recent\":[{", "well ended").doesNotContain("counted twice", "reported twice");
            assertThat(told.split("\"why\":\"OVERLAP\"", -1)).hasSize(25 + 1);
            assertThat(told.split("\"why\":\"DONE\"", -1)).hasSize(1 + 1);
        }
    }

    @Test
    void a_ledger_without_tables_names_the_setting_that_creates_them_and_opens_behind_the_first_migration()
            throws Exception {
        Path migrations = Files.createDirectory(folder.resolve("migrations"));
        String[] settings = with(
                database(),
                "--hapax.redis.url=redis://127.0.0.1:1",
                "--hapax.redis.lazy=true",
                "--spring.flyway.locations=filesystem:" + migrations);
        assertThat(startedWithDatabase(APPLICATION, settings))
                .contains(
                        "APPLICATION FAILED TO START",
                        "hapax.ledger: the tables of the ledger are missing",
                        "Set hapax.ledger.migrate=true to create the tables")
                .doesNotContain("\tat ");
        Files.writeString(migrations.resolve("V1__orders.sql"), "CREATE TABLE orders (id int)");
        try (InputStream script = Objects.requireNonNull(
                PostgresRunLedger.class.getResourceAsStream("/io/hapax/postgres/hapax-ledger-1.sql"))) {
            Files.copy(script, migrations.resolve("V2__hapax.sql"));
        }
        assertThat(startedWithDatabase(APPLICATION, settings))
                .contains("well ended")
                .doesNotContain("no ledger");
    }

    @Test
    void a_ledger_opens_behind_the_first_change_of_liquibase() throws Exception {
        Path log = Files.writeString(folder.resolve("changes.yaml"), """
                databaseChangeLog:
                  - changeSet:
                      id: hapax-ledger-1
                      author: hapax
                      changes:
                        - sqlFile:
                            path: io/hapax/postgres/hapax-ledger-1.sql
                            splitStatements: false
                """);
        assertThat(started(
                        APPLICATION,
                        "--spring.flyway.enabled=false",
                        with(
                                database(),
                                "--hapax.redis.url=redis://127.0.0.1:1",
                                "--hapax.redis.lazy=true",
                                "--spring.liquibase.enabled=true",
                                "--spring.liquibase.change-log=" + log.toUri())))
                .contains("well ended")
                .doesNotContain("no ledger");
    }

    @Test
    void h2_is_no_ledger() throws Exception {
        assertThat(startedWithDatabase(
                        APPLICATION,
                        "--spring.application.name=first",
                        "--spring.flyway.enabled=false",
                        "--hapax.ledger.enabled=true",
                        "--hapax.redis.url=redis://127.0.0.1:1",
                        "--hapax.redis.lazy=true"))
                .contains(
                        "APPLICATION FAILED TO START",
                        "hapax.ledger.enabled: the ledger needs PostgreSQL, and the DataSource is H2",
                        "Point spring.datasource.url at PostgreSQL, or do without: hapax.ledger.enabled=false")
                .doesNotContain("\tat ");
    }

    @Test
    void tests_in_memory_and_the_application_with_jobrunr_share_a_database_and_its_ttl_fits_that_of_jobrunr()
            throws Exception {
        String[] database = with(database(), "--hapax.ledger.migrate=true", "--spring.flyway.enabled=false");
        String[] inMemory = with(database, "--spring.main.sources=io.hapax.spring.test.InMemoryHapax$Store");
        // Takes a server for dead after 40 s, half of which leaves a busy machine more time than the shortest ttl.
        String[] jobRunr = {
            "--jobrunr.background-job-server.enabled=true",
            "--jobrunr.background-job-server.poll-interval-in-seconds=10",
            "--hapax.redis.answer-timeout=3s"
        };
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                SeparateApplication withJobRunr =
                        application(notBroughtBut("hapax-test-", "scheduler-integration/test/target", "jobrunr"))) {
            assertThat(startedWithDatabase(withJobRunr, inMemory))
                    .containsPattern(SENT)
                    .contains("well ended", "ttl PT30S");
            String[] real = with(
                    with(database, jobRunr),
                    "--hapax.redis.url=" + redis.url(),
                    "--hapax.redis.first-start=" + WallClock.now());
            assertThat(startedWithDatabase(withJobRunr, real))
                    .containsPattern(SENT)
                    .contains("well ended", "ttl PT20S");
            assertThat(startedWithDatabase(withJobRunr, with(real, "--hapax.defaults.ttl=25s")))
                    .contains("well ended", "ttl PT25S");
            assertThat(startedWithDatabase(withJobRunr, inMemory))
                    .containsPattern(SENT)
                    .contains("well ended");
        }
    }

    /** It is looked at once: a lease that outlived the server would refuse it, and it would come back later and later. */
    @Test
    void a_job_of_a_worker_that_was_killed_is_free_when_jobrunr_offers_it_to_another() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            String[] settings = with(
                    with(database(), JOBRUNR),
                    "--hapax.ledger.migrate=true",
                    "--spring.flyway.enabled=false",
                    "--hapax.redis.url=" + redis.url(),
                    "--hapax.redis.first-start=" + WallClock.now());
            Process first = replica("first", with(settings, "--shop.first=true"));
            try {
                await().atMost(LONGEST)
                        .untilAsserted(() -> assertThat(log("first")).contains("ships 7"));
                Process second = replica("second", settings);
                try {
                    await().atMost(LONGEST)
                            .untilAsserted(() -> assertThat(log("second")).contains("ttl PT10S"));
                    first.destroyForcibly();
                    assertThat(second.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS))
                            .as(() -> log("second"))
                            .isTrue();
                } finally {
                    second.destroyForcibly().waitFor();
                }
            } finally {
                first.destroyForcibly().waitFor();
            }
            // A Redis of a busy machine may once answer too late.
            assertThat(log("second"))
                    .contains("ships 7", "well ended")
                    .doesNotContainPattern("not run job=.* verdict=(?!UNAVAILABLE)");
        }
    }

    /** A process of an application with JobRunr. */
    private Process replica(String name, String... settings) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-cp",
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(without(notBroughtBut("jobrunr")))
                        .collect(Collectors.joining(File.pathSeparator)),
                "io.hapax.spring.FirstHourTakeover",
                "--server.port=0",
                "--logging.config=" + logging()));
        command.addAll(Arrays.asList(settings));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile())
                .start();
    }

    private String log(String name) {
        try {
            return Files.readString(folder.resolve(name + ".log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void a_bean_method_without_the_starter_is_warned_of() throws Exception {
        List<String> absent = new ArrayList<>(NOT_BROUGHT);
        absent.addAll(List.of("spring-boot-starter/target/classes", "hapax-spring-boot-", "spring-boot-3/target"));
        try (SeparateApplication withoutStarter = application(absent)) {
            assertThat(started(withoutStarter, NO_DATABASE))
                    .containsOnlyOnce("guards NOTHING")
                    .contains(
                            "@Guarded on Mailer.send of bean 'mailer'",
                            "Add io.hapax:hapax-spring-boot-starter",
                            "sent to ann",
                            "well ended");
        }
    }

    @Test
    void a_suspend_function_without_the_libraries_that_spring_calls_it_through_is_refused_with_their_names()
            throws Exception {
        List<String> absent = new ArrayList<>(NOT_BROUGHT);
        absent.remove("kotlin");
        absent.addAll(List.of("kotlin-reflect", "kotlinx-coroutines-reactor"));
        try (SeparateApplication withKotlin = new SeparateApplication(MAIN, without(absent))) {
            assertThat(started(
                            withKotlin,
                            NO_DATABASE,
                            ("--spring.application.name=first;"
                                            + MISTAKE.replace("FirstHourApplication$", "SuspendedService"))
                                    .split(";")))
                    .contains(
                            "APPLICATION FAILED TO START",
                            "@Guarded on SuspendedService.",
                            "org.jetbrains.kotlin:kotlin-reflect and org.jetbrains.kotlinx:kotlinx-coroutines-reactor")
                    .doesNotContain("\tat ", "NoClassDefFoundError");
        }
    }

    @Test
    void quartz_with_slf4j_1_7_is_guarded_and_told_of_the_wait() throws Exception {
        Predicate<String> brought = without(List.of("slf4j-api-2", "logback", "-to-slf4j", "org/springframework"));
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                SeparateApplication quartz = new SeparateApplication("io.hapax.spring.FirstHourQuartz", brought)) {
            assertThat(quartz.run(List.of(redis.url(), "billing-" + UUID.randomUUID())))
                    .contains("logs with org.slf4j.impl.SimpleLoggerFactory", "well ended")
                    .containsOnlyOnce("grants start in")
                    .contains("not run job=report lock report verdict=UNAVAILABLE")
                    .doesNotContain("NoClassDefFoundError", "guarded too early");
        }
    }

    private static String[] database() {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("first_" + UUID.randomUUID().toString().replace('-', '_'));
        return new String[] {
            "--spring.application.name=first",
            "--spring.datasource.url=" + database.jdbcUrl(),
            "--spring.datasource.username=" + database.user(),
            "--spring.datasource.password=" + database.password(),
            "--hapax.ledger.enabled=true"
        };
    }

    private static String[] with(String[] settings, String... more) {
        return Stream.concat(Arrays.stream(settings), Arrays.stream(more)).toArray(String[]::new);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "--hapax.redis.uri=redis://localhost | There is no setting hapax.redis.uri | Write hapax.redis.url",
                "--hapax.default.ttl=60s | There is no setting hapax.default.ttl | Write hapax.defaults.ttl",
                "--hapax.ledger.enabled=true;--hapax.redis.url=redis://127.0.0.1:1;--hapax.redis.lazy=true | hapax.ledger.enabled | Set spring.datasource.url",
                "--hapax.console.enabled=true;--hapax.redis.url=redis://127.0.0.1:1;--hapax.redis.lazy=true | hapax.console.enabled | Add io.hapax:hapax-console",
                "--hapax.leases=redis | nothing says where to keep leases | Set hapax.redis.url=redis://localhost:6379",
                "--hapax.redis.url=redis://:p@ss#word@host | percent-encode | hapax.redis.url",
                "--hapax.redis.url=redis://127.0.0.1:1 | connection refused | hapax.redis.lazy=true",
                MISTAKE + "MisspeltKey | \"no parameter is called 'ordr'\" | order",
                MISTAKE + "WrongTtl | \"'30 seconds' is not a duration\" | write 500ms, 30s",
                MISTAKE + "AbandonedWithoutLedger | ABANDON needs a ledger | hapax.ledger.enabled=true",
            })
    void what_is_wrong_is_told_in_the_words_of_the_settings(String settings, String what, String mend)
            throws Exception {
        assertThat(started(("--spring.application.name=first;" + settings).split(";")))
                .contains("APPLICATION FAILED TO START", "Hapax cannot guard this application", what, mend)
                .doesNotContain("\tat ", "#word", "ExecutionException");
    }
}
