package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.lease.Ending;
import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.Intervention;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.HeldLease;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.EmbeddedSentinel;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import org.slf4j.LoggerFactory;

/** Under users of Redis that have exactly the rights that docs/security.md lists. */
@Tag("slow")
class RightsTest {

    private static final String PASSWORD = "geheim";
    private static final String NAMESPACE = "shop";
    private static final Pattern ADDRESS = Pattern.compile("127\\.0\\.0\\.1:(\\d+)");
    private static final Pattern CALLED = Pattern.compile("redis\\.p?call\\('([A-Z]+)'");
    /** Of the connection, not of scripts. */
    private static final Set<String> OF_CONNECTIONS =
            Set.of("evalsha", "eval", "ping", "client|setname", "subscribe", "unsubscribe");

    /** Who listens to the log wants nobody else to write to it. */
    static final String LOG = "log";

    private static EmbeddedRedis redis;

    @BeforeAll
    static void start() {
        redis = DocumentedRights.start();
        DocumentedRights.make(redis, DocumentedRights.of("hapax", NAMESPACE, PASSWORD));
        DocumentedRights.make(redis, DocumentedRights.of("hapax-reader", NAMESPACE, PASSWORD));
    }

    @AfterAll
    static void stop() {
        redis.close();
    }

    private static RedissonLeaseStore.Builder settings(String namespace) {
        return RedissonLeaseStore.builder()
                .namespace(namespace)
                .longestTtl(Duration.ofMinutes(10))
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now());
    }

    private static String url(EmbeddedRedis server, String user) {
        return server.url().replace("redis://", "redis://" + user + ":" + PASSWORD + "@");
    }

    /** What was refused to users, one a line: why and what. */
    private static List<String> refusals(EmbeddedRedis server) {
        return logged(DocumentedRights.administrator(server).command("ACL", "LOG"));
    }

    private static List<String> logged(String log) {
        List<String> lines = log.lines().toList();
        return Stream.iterate(0, n -> n + 1)
                .limit(lines.size())
                .filter(n -> lines.get(n).equals("reason"))
                .map(n -> lines.get(n + 1) + " " + lines.get(n + 5))
                .distinct()
                .toList();
    }

    /** Redisson tries these when it connects, and does without; the look at the server's settings does, too. */
    private static void assertNothingThatMatters(List<String> refusals) {
        assertThat(refusals).isSubsetOf("key test1", "command config|get");
    }

    /** The contract, half of it by each way in which a store with a client of its own asks. */
    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    @ResourceLock(value = LOG, mode = ResourceAccessMode.READ)
    class TheContractOnOneServer extends ContractOnRedis {

        private final EmbeddedRedis server = DocumentedRights.start();
        private final AtomicInteger asked = new AtomicInteger();

        @Override
        LeaseStore open(String namespace) {
            DocumentedRights.make(server, DocumentedRights.of("hapax", namespace, PASSWORD));
            return settings(namespace).url(url(server, "hapax")).build();
        }

        @Override
        protected LeaseStore store() {
            return asked.getAndIncrement() % 2 == 0
                    ? super.store()
                    : super.store().blocking();
        }

        @AfterAll
        void stop() {
            List<String> refusals = refusals(server);
            server.close();
            assertNothingThatMatters(refusals);
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    @ResourceLock(value = LOG, mode = ResourceAccessMode.READ)
    class TheContractOnAQuorum extends ContractOnRedis {

        private final List<EmbeddedRedis> servers =
                Stream.generate(DocumentedRights::start).limit(3).toList();

        @Override
        LeaseStore open(String namespace) {
            servers.forEach(server -> DocumentedRights.make(server, DocumentedRights.of("hapax", namespace, PASSWORD)));
            return QuorumOpening.openWaiting(
                    servers.stream().map(server -> url(server, "hapax")).toList(),
                    settings(namespace),
                    Duration.ofSeconds(20),
                    Duration.ofSeconds(2));
        }

        /** A quorum's grant takes two calls, and is worth nothing when most of its ttl is over. */
        @Override
        protected Duration shortTtl() {
            return Duration.ofMillis(700);
        }

        @AfterAll
        void stop() {
            List<String> refusals = servers.stream()
                    .flatMap(server -> refusals(server).stream())
                    .toList();
            servers.forEach(EmbeddedRedis::close);
            assertNothingThatMatters(refusals);
        }
    }

    @Test
    @ResourceLock(LOG)
    void a_start_under_these_rights_logs_nothing_alarming() {
        Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
        Logger redisson = (Logger) LoggerFactory.getLogger("org.redisson");
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        root.addAppender(lines);
        redisson.setLevel(Level.INFO);
        try (RedissonLeaseStore store =
                settings(NAMESPACE).url(url(redis, "hapax")).build()) {
            get(store.release(granted(store, lock("k")), Ending.NOT_DONE));
        } finally {
            redisson.setLevel(Level.ERROR);
            root.detachAppender(lines);
        }
        assertThat(lines.list)
                .filteredOn(line -> line.getLevel().isGreaterOrEqual(Level.WARN))
                .filteredOn(line -> !isOfAnotherServer(line.getFormattedMessage()))
                .isEmpty();
    }

    /** Of threads that a test before this one has left, which look for a server that is gone. */
    private static boolean isOfAnotherServer(String line) {
        Matcher address = ADDRESS.matcher(line);
        return address.find() && !address.group(1).equals(Integer.toString(redis.port()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "FLUSHALL",
                "FLUSHDB",
                "KEYS *",
                "CONFIG SET maxmemory 1",
                "CONFIG GET requirepass",
                "ACL LIST",
                "SHUTDOWN",
                "SCRIPT FLUSH",
                "SCRIPT KILL",
                "FUNCTION LIST",
                "MONITOR",
                "CLIENT LIST",
                "REPLICAOF NO ONE",
                "DUMP hapax:{shop:0}:m",
                "GET hapax:{other:0}:m",
                "GET hapax:{shop2:0}:m",
                "GET elsewhere",
                "EVAL return(1) 1 hapax:{other:0}:m",
                "EVAL redis.call('GET','hapax:{other:0}:m') 0",
                "EVAL redis.call('FLUSHALL') 0",
                "EVAL redis.call('PUBLISH','hapax:other:wake','k') 0",
                "PUBLISH hapax:other:wake k",
                "SUBSCRIBE hapax:other:wake",
                "PSUBSCRIBE *"
            })
    void everything_else_is_refused(String command) {
        EmbeddedRedis user = EmbeddedRedis.external(url(redis, "hapax"));
        assertThatThrownBy(() -> user.command(command.split(" ")))
                .isInstanceOf(IllegalStateException.class)
                .message()
                .containsPattern("NOPERM|The user executing the script can't");
    }

    static Stream<String> words() {
        return DocumentedRights.of("hapax", NAMESPACE, PASSWORD).stream().filter(word -> word.matches("[+~&].*"));
    }

    /** None of the rights is there for nothing: whoever looks is told what is missing. */
    @ParameterizedTest
    @MethodSource("words")
    void a_right_that_is_missing_is_named_by_an_examination(String missing) {
        List<String> words = DocumentedRights.of("hapax", NAMESPACE, PASSWORD);
        List<String> fewer = DocumentedRights.without(words, missing);
        fewer.set(2, "poorer");
        DocumentedRights.make(redis, fewer);
        List<Finding> findings = settings(NAMESPACE).url(url(redis, "poorer")).examine(List.of());
        String name = missing.startsWith("+")
                ? missing.substring(1)
                : missing.startsWith("~") ? "access one of the keys" : "subscribe, publish";
        boolean forWork = !missing.matches("\\+(scan|lpush|ltrim|lrange|z.*|time|client.*)");
        assertThat(findings).anySatisfy(finding -> {
            assertThat(finding.severity()).isEqualTo(forWork ? Severity.ERROR : Severity.WARNING);
            assertThat(finding.problem()).containsPattern("\\b" + Pattern.quote(name) + "\\b");
            assertThat(finding.toString()).contains("docs/security.md");
        });
    }

    @Test
    void what_only_people_need_is_missed_and_said_to_be_done_without() {
        List<String> words = DocumentedRights.without(DocumentedRights.of("hapax", NAMESPACE, PASSWORD), "+scan");
        words = DocumentedRights.without(words, "+zadd");
        words.set(2, "plain");
        DocumentedRights.make(redis, words);
        List<Finding> findings = settings(NAMESPACE).url(url(redis, "plain")).examine(List.of());
        assertThat(findings).noneMatch(finding -> finding.severity() == Severity.ERROR);
        assertThat(findings).anySatisfy(finding -> {
            assertThat(finding.problem()).contains("does not let its user do scan", "hapax locks list");
            assertThat(finding.remedy()).startsWith("ACL SETUSER plain +scan");
        });
        assertThat(findings).anySatisfy(finding -> assertThat(finding.problem()).contains("do zadd", "throttle"));
    }

    @Test
    void settings_that_differ_are_found_also_where_a_right_is_missing() {
        settings("differing").url(administrators()).build().close();
        List<String> words = DocumentedRights.without(DocumentedRights.of("hapax", "differing", PASSWORD), "+set");
        words.set(2, "halved");
        DocumentedRights.make(redis, words);
        assertDifferenceIsFound();
        DocumentedRights.make(redis, DocumentedRights.without(words, "+time"));
        assertDifferenceIsFound();
    }

    private static String administrators() {
        return redis.url().replace("redis://", "redis://admin:root@");
    }

    private static void assertDifferenceIsFound() {
        assertThat(settings("differing")
                        .longestTtl(Duration.ofMinutes(11))
                        .url(url(redis, "halved"))
                        .examine(List.of()))
                .filteredOn(finding -> finding.severity() == Severity.ERROR)
                .extracting(Finding::problem)
                .anyMatch(problem -> problem.contains("have agreed on other settings"))
                .anyMatch(problem -> problem.contains("does not let its user do set"));
    }

    @Test
    void with_all_rights_an_examination_has_nothing_to_say_of_them() {
        assertThat(settings(NAMESPACE).url(url(redis, "hapax")).examine(List.of()))
                .noneMatch(finding -> finding.severity() == Severity.ERROR);
    }

    @Test
    void what_an_examination_looks_for_is_what_the_document_grants() {
        assertThat(ServerState.needed("hapax:shop:wake").stream().map(ServerState::right))
                .containsExactlyInAnyOrderElementsOf(DocumentedRights.granted("hapax"));
    }

    @Test
    void what_the_document_grants_is_what_scripts_and_connections_use() {
        Set<String> used = new TreeSet<>(OF_CONNECTIONS);
        for (Script script : Script.values()) {
            CALLED.matcher(script.text())
                    .results()
                    .map(found -> found.group(1).toLowerCase(Locale.ROOT))
                    .forEach(used::add);
        }
        assertThat(used).containsExactlyInAnyOrderElementsOf(DocumentedRights.granted("hapax"));
    }

    @Test
    void the_package_documentation_has_the_same_line() throws IOException {
        String text = Files.readString(Path.of("../redis/src/main/java/io/hapax/redis/package-info.java"))
                .replaceAll("\\s*\\n \\*\\s*", " ");
        assertThat(text).contains(DocumentedRights.line("hapax"));
    }

    @Test
    void a_user_who_may_not_run_scripts_is_told_at_the_start() {
        DocumentedRights.make(
                redis, List.of("ACL SETUSER poor reset on >geheim ~hapax:* -@all +ping +client|setname".split(" ")));
        assertThatThrownBy(() -> settings(NAMESPACE).url(url(redis, "poor")).build())
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("no permission", "'evalsha'", "docs/security.md");
    }

    @Test
    void a_command_that_a_script_may_not_use_is_told_as_a_missing_right() {
        List<String> words = DocumentedRights.without(DocumentedRights.of("hapax", NAMESPACE, PASSWORD), "+lpush");
        words.set(2, "silent");
        DocumentedRights.make(redis, words);
        try (RedissonLeaseStore store =
                settings(NAMESPACE).url(url(redis, "silent")).build()) {
            assertThatThrownBy(() -> get(store.admin().forceRelease(lock("k"), new Intervention("ann", "a test"))))
                    .hasMessageContainingAll("no permission", "docs/security.md");
        }
    }

    @Test
    void a_database_of_its_own_needs_one_right_more() {
        assertThatThrownBy(() ->
                        settings(NAMESPACE).url(url(redis, "hapax") + "/3").build())
                .hasMessageContaining("'select'");
        makeWith("database", "A database other than 0");
        try (RedissonLeaseStore store =
                settings(NAMESPACE).url(url(redis, "database") + "/3").build()) {
            assertWorks(store);
        }
    }

    @Test
    void to_wait_for_replicas_needs_one_right_more() {
        makeWith("waiting", "`waitForReplicas`");
        try (RedissonLeaseStore store = settings(NAMESPACE)
                .url(url(redis, "waiting"))
                .waitForReplicas(1)
                .build()) {
            assertThatThrownBy(() -> granted(store, lock("k")))
                    .as("there is no replica")
                    .hasMessageContaining("waitForReplicas");
        }
    }

    @Test
    void the_applications_client_needs_one_right_more() {
        makeWith("application", "A `RedissonClient` of the application");
        Config config = new Config();
        config.useSingleServer().setAddress(redis.url());
        config.setUsername("application");
        config.setPassword(PASSWORD);
        RedissonClient client = Redisson.create(config);
        try (RedissonLeaseStore store = settings(NAMESPACE).client(client).build()) {
            assertWorks(store);
        } finally {
            client.shutdown();
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    @ResourceLock(value = LOG, mode = ResourceAccessMode.READ)
    void a_cluster_needs_a_few_rights_more(@TempDir Path folder) throws IOException {
        try (EmbeddedCluster cluster = EmbeddedCluster.start(1)) {
            List<EmbeddedRedis> servers =
                    cluster.urls().stream().map(EmbeddedRedis::external).toList();
            servers.forEach(server -> server.command(with("hapax", "Cluster").toArray(String[]::new)));
            Path yaml = Files.writeString(
                    folder.resolve("cluster.yaml"),
                    String.format(Locale.ROOT, """
                    username: hapax
                    password: %s
                    clusterServersConfig:
                      nodeAddresses:
                        - "%s"
                    """, PASSWORD, cluster.urls().get(0)));
            try (RedissonLeaseStore store = settings(NAMESPACE).yaml(yaml).build()) {
                for (int n = 0; n < 20; n++) {
                    assertWorks(store);
                }
            }
            // Redisson finds out whether there is sharded publishing, and does without.
            assertThat(servers.stream().flatMap(server -> logged(server.command("ACL", "LOG")).stream()))
                    .isSubsetOf(
                            "key test1", "command config|get", "command pubsub|numpat", "command pubsub|shardnumsub");
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    @ResourceLock(value = LOG, mode = ResourceAccessMode.READ)
    void behind_sentinel_the_same_rights_are_enough_and_sentinel_has_a_user_of_its_own(@TempDir Path folder)
            throws IOException {
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1)) {
            List<EmbeddedRedis> servers = Stream.concat(Stream.of(sentinel.master()), sentinel.replicas().stream())
                    .toList();
            servers.forEach(server -> server.command(
                    DocumentedRights.of("hapax", NAMESPACE, PASSWORD).toArray(String[]::new)));
            for (EmbeddedRedis each : sentinel.sentinels()) {
                each.command("ACL", "SETUSER", "admin", "on", ">root", "+@all");
                each.command(DocumentedRights.of("hapax-sentinel", NAMESPACE, PASSWORD)
                        .toArray(String[]::new));
                each.command("ACL", "SETUSER", "default", "off");
            }
            String addresses = sentinel.urls().stream()
                    .map(url -> "    - \"" + url + "\"\n")
                    .collect(Collectors.joining());
            Path yaml = Files.writeString(
                    folder.resolve("sentinel.yaml"),
                    String.format(Locale.ROOT, """
                    username: hapax
                    password: %s
                    sentinelServersConfig:
                      masterName: %s
                      sentinelUsername: hapax-sentinel
                      sentinelPassword: %s
                      sentinelAddresses:
                    %s""", PASSWORD, EmbeddedSentinel.MASTER_NAME, PASSWORD, addresses));
            try (RedissonLeaseStore store = settings(NAMESPACE).yaml(yaml).build()) {
                assertWorks(store);
            }
            servers.forEach(server -> assertNothingThatMatters(logged(server.command("ACL", "LOG"))));
            sentinel.sentinels().forEach(each -> assertThat(refusals(each)).isEmpty());
        }
    }

    private static List<String> with(String user, String addition) {
        List<String> words = new ArrayList<>(DocumentedRights.of("hapax", NAMESPACE, PASSWORD));
        words.set(2, user);
        words.addAll(DocumentedRights.addition(addition));
        return words;
    }

    private static void makeWith(String user, String addition) {
        DocumentedRights.make(redis, with(user, addition));
    }

    private static void assertWorks(RedissonLeaseStore store) {
        Lease lease = granted(store, lock(OwnerId.random().value()));
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        get(store.nextChance(lease.identity(), Duration.ofMillis(5)));
        assertThat(get(store.admin().leases(10))).isNotEmpty();
        assertThat(get(store.release(lease, Ending.NOT_DONE))).isTrue();
    }

    @Test
    void a_reader_sees_everything_and_changes_nothing() {
        Intervention why = new Intervention("ann", "a test");
        try (RedissonLeaseStore worker =
                        settings(NAMESPACE).url(url(redis, "hapax")).build();
                RedissonLeaseStore reader = settings(NAMESPACE)
                        .url(url(redis, "hapax-reader"))
                        .lazy(true)
                        .build()) {
            Lease lease = granted(worker, lock("read"));
            get(worker.admin().forceRelease(lock("nobody's"), why));
            get(worker.board().post(FleetBoard.Posting.of("worker", "at work", Duration.ofMinutes(1))));
            HeldLease held = get(reader.admin().leases(10)).stream()
                    .filter(one -> one.holder().owner().equals(lease.owner()))
                    .findFirst()
                    .orElseThrow();
            assertThat(held.name()).isEqualTo("read");
            assertThat(get(reader.admin().audit(10)).get(0).why()).isEqualTo(why);
            assertThat(get(reader.board().summaries())).containsValue("at work");
            assertThat(get(reader.admin().servers())).allMatch(server -> server.answers());
            assertThatThrownBy(() -> get(reader.admin().forceRelease(held, why)))
                    .hasMessageContaining("no permission");
            assertThatThrownBy(() -> granted(reader, lock("more"))).hasMessageContaining("no permission");
            assertThat(get(worker.release(lease, Ending.NOT_DONE))).isTrue();
        }
    }
}
