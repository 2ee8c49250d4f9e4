package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.FleetBoard;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Misconfigurations that are really put in the doctor's way. Each test asks for what is wrong, how to mend it and the exit
 * code; where what to do is a command, that very command is carried out, and the finding has to go away.
 */
@Tag("slow")
class DoctorCommandTest {

    private static final EmbeddedRedis REDIS =
            EmbeddedRedis.start("--appendonly", "yes", "--repl-diskless-sync-delay", "0");
    /** Unlike that of other tests, it syncs to disk, as one of a healthy fleet does. */
    private static final EmbeddedDatabase POSTGRES =
            EmbeddedDatabase.start(Map.of("fsync", "on", "full_page_writes", "on"));

    private static final String NAMESPACE = "shop";
    /** For what the tests themselves ask a ledger, on a machine that is busy. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int RETRIES = 5;

    private static final Path FAKETIME = Path.of("/usr/bin/faketime");

    private static String database = "";

    /** Workers have agreed on their settings, on both servers. */
    @BeforeAll
    static void workersHaveRun() throws SQLException {
        database = newDatabase("shop");
        migrate(database);
        agree(REDIS, database);
    }

    @AfterAll
    static void stop() {
        REDIS.close();
        POSTGRES.close();
    }

    private static String newDatabase(String name) {
        return POSTGRES.createDatabase(name).jdbcUrl() + "?user=" + POSTGRES.user() + "&password=s3cret";
    }

    private static PGSimpleDataSource source(String url) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setURL(url);
        return source;
    }

    private static void migrate(String url) {
        PostgresRunLedger.builder(source(url))
                .namespace("worker-test")
                .migrate(true)
                .build()
                .close();
    }

    private static void agree(EmbeddedRedis redis, String url) {
        try (LeaseStore store = RedissonLeaseStore.builder()
                        .url(redis.url())
                        .namespace(NAMESPACE)
                        .answerTimeout(Duration.ofSeconds(6))
                        .firstStart(WallClock.now())
                        .build();
                RunLedger ledger = ledger(url);
                JobGuard guard = JobGuard.builder(store).ledger(ledger).build()) {
            assertThat(guard.fingerprint()).contains("namespace=shop");
        }
    }

    private static PostgresRunLedger ledger(String url) {
        return PostgresRunLedger.builder(source(url))
                .namespace(NAMESPACE)
                .answerTimeout(PATIENCE)
                .build();
    }

    private static void execute(String url, String sql) {
        try (Connection connection = source(url).getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new AssertionError(sql + " failed", e);
        }
    }

    private static Answered doctor(String... arguments) {
        return answered(List.of("--redis", REDIS.url(), "--database", database, "--namespace", NAMESPACE), arguments);
    }

    /** Of Redis alone. */
    private static Answered redisDoctor(String urls, String... arguments) {
        return answered(List.of("--no-ledger", "--redis", urls, "--namespace", NAMESPACE), arguments);
    }

    private static Answered answered(List<String> usual, String... arguments) {
        List<String> all = new ArrayList<>(List.of("doctor"));
        all.addAll(List.of(arguments));
        for (int n = 0; n < usual.size(); n++) {
            boolean alone = usual.get(n).equals("--no-ledger");
            if (!all.contains(usual.get(n))) {
                all.addAll(usual.subList(n, alone ? n + 1 : n + 2));
            }
            n += alone ? 0 : 1;
        }
        String[] words = all.toArray(String[]::new);
        Answered told = Answered.by(words);
        for (int n = 0; n < RETRIES && told.isOfSlowMachine(); n++) {
            told = Answered.by(words);
        }
        return told;
    }

    /** Of a process of its own. */
    private static Answered answered(ProcessBuilder builder) throws IOException, InterruptedException {
        Answered told = ended(builder);
        for (int n = 0; n < RETRIES && told.isOfSlowMachine(); n++) {
            told = ended(builder);
        }
        return told;
    }

    private static Answered ended(ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = ChildProcess.start(builder);
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Answered(process.waitFor(), out, "");
    }

    /** The remedy of the only finding that is worse than a note and whose problem has these words. */
    private static String remedy(Answered answered, int exitCode, String severity, String... problem) {
        assertThat(answered.out()).doesNotContain("s3cret");
        List<JsonNode> found = new ArrayList<>();
        for (JsonNode finding : answered.json().get("findings")) {
            if (Stream.of(problem).allMatch(finding.get("problem").asText()::contains)) {
                found.add(finding);
            }
        }
        assertThat(found).as(answered.out()).hasSize(1);
        assertThat(found.get(0).get("severity").asText()).isEqualTo(severity);
        assertThat(answered.code()).isEqualTo(exitCode);
        return found.get(0).get("remedy").asText();
    }

    private static void assertFine(Answered answered) {
        assertThat(answered.code()).as(answered.out()).isZero();
        JsonNode document = answered.json();
        assertThat(document.get("errors").asInt() + document.get("warnings").asInt())
                .isZero();
    }

    @Test
    void a_healthy_setup_is_fine_and_what_was_checked_is_told() {
        assertFine(doctor("--json"));
        Answered told = doctor();
        assertThat(told.code()).isZero();
        assertThat(told.prose())
                .contains("checked: Redis at 127.0.0.1:" + REDIS.port() + " (master, version 7.0.")
                .contains("persistence, eviction policy, clock, topology, settings of the workers")
                .contains("checked: PostgreSQL at 127.0.0.1:" + POSTGRES.port() + "/shop: version, tables, rights")
                .endsWith("namespace shop: 0 errors, 0 warnings, 0 notes ");
        assertThat(told.out().lines()).allMatch(line -> line.length() <= 100);
    }

    @Test
    void a_redis_that_may_evict_leases() {
        REDIS.command("CONFIG", "SET", "maxmemory", "500mb", "maxmemory-policy", "allkeys-lru");
        String remedy = remedy(doctor("--json"), 5, "WARNING", "may evict leases", "allkeys-lru");
        assertThat(remedy).startsWith("CONFIG SET maxmemory-policy noeviction, and in its configuration file");
        REDIS.command(remedy.replaceAll(",.*", "").split(" ", -1));
        assertFine(doctor("--json"));
    }

    @Test
    void a_user_of_redis_without_all_rights() {
        REDIS.command(
                "ACL",
                "SETUSER",
                "app",
                "on",
                ">s3cret",
                "~hapax:*",
                "&hapax:*",
                "+@all",
                "-lpush",
                "-publish",
                "-scan");
        String url = REDIS.url().replace("//", "//app:s3cret@");
        String remedy = remedy(redisDoctor(url, "--json"), 4, "ERROR", "does not let its user do publish");
        assertThat(remedy)
                .startsWith("ACL SETUSER app +publish, with the keys ~hapax:{")
                .contains("and keep that in the ACL file");
        REDIS.command(remedy.replaceAll(",.*", "").split(" ", -1));
        String list = remedy(redisDoctor(url, "--json"), 5, "WARNING", "does not let its user do scan");
        String audit = remedy(redisDoctor(url, "--json"), 5, "WARNING", "does not let its user do lpush");
        REDIS.command(list.replaceAll(",.*", "").split(" ", -1));
        REDIS.command(audit.replaceAll(",.*", "").split(" ", -1));
        assertFine(redisDoctor(url, "--json"));
        REDIS.command("ACL", "SETUSER", "app", "-@all", "+hello", "+auth", "+ping");
        assertThat(remedy(redisDoctor(url, "--json"), 4, "ERROR", "no permission"))
                .startsWith("Grant the user the rights");
    }

    @Test
    void a_wrong_password_and_a_server_that_does_not_run() {
        REDIS.command("ACL", "SETUSER", "strict", "on", ">right", "~*", "&*", "+@all");
        assertThat(remedy(
                        redisDoctor(REDIS.url().replace("//", "//strict:s3cret@"), "--json"),
                        4,
                        "ERROR",
                        "wrong user name or password"))
                .isEqualTo("Correct them in the address, redis://user:password@host:port");
        assertFine(redisDoctor(REDIS.url().replace("//", "//strict:right@"), "--json"));
        assertThat(remedy(redisDoctor("redis://:s3cret@127.0.0.1:1", "--json"), 4, "ERROR", "connection refused"))
                .isEqualTo("Is it running there?");
        REDIS.freeze();
        try {
            assertThat(remedy(
                            Answered.by(
                                    new String[] {"doctor", "--no-ledger", "--redis", REDIS.url()},
                                    new String[] {"--namespace", NAMESPACE, "--ttl", "3s", "--json"}),
                            4,
                            "ERROR",
                            "gave no answer within 500 ms"))
                    .isEqualTo("See whether it runs, hangs, or is cut off from here, and whether it expects TLS"
                            + " (rediss://)");
        } finally {
            REDIS.thaw();
        }
        Answered unreachable = doctor("--database", "jdbc:postgresql://127.0.0.1:1/x?user=u&password=s3cret", "--json");
        assertThat(remedy(unreachable, 4, "ERROR", "the connection failed"))
                .contains("Is PostgreSQL up and reachable?");
    }

    @Test
    void a_redis_that_keeps_nothing_on_disk() {
        try (EmbeddedRedis forgetful = EmbeddedRedis.start()) {
            agree(forgetful, database);
            String remedy = remedy(redisDoctor(forgetful.url(), "--json"), 5, "WARNING", "keeps nothing on disk");
            assertThat(remedy).isEqualTo("Set appendonly yes with appendfsync everysec");
            forgetful.command("CONFIG", "SET", "appendonly", "yes", "appendfsync", "everysec");
            assertFine(redisDoctor(forgetful.url(), "--json"));
        }
    }

    @Test
    void workers_that_only_observe_guard_nothing() {
        String namespace = "trial";
        try (RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(REDIS.url())
                .namespace(namespace)
                .answerTimeout(PATIENCE)
                .firstStart(WallClock.now())
                .build()) {
            report(store, "alice", true);
            report(store, "bob", false);
            assertThat(remedy(
                            redisDoctor(REDIS.url(), "--namespace", namespace, "--json"),
                            5,
                            "WARNING",
                            "1 worker only observes (alice): it refuses and interrupts nothing"))
                    .startsWith("Set observe=false (Spring Boot: hapax.defaults.observe=false) and start it again");
            report(store, "bob", true);
            remedy(
                    redisDoctor(REDIS.url(), "--namespace", namespace, "--json"),
                    5,
                    "WARNING",
                    "2 workers only observe (alice, bob), and no worker that reports guards");
            report(store, "alice", false);
            report(store, "bob", false);
            assertFine(redisDoctor(REDIS.url(), "--namespace", namespace, "--json"));
        }
    }

    /** As a worker with a console does. */
    private static void report(RedissonLeaseStore store, String worker, boolean observes) {
        String report = "{\"worker\":\"" + worker + "\",\"observes\":" + observes + "}";
        store.board()
                .post(FleetBoard.Posting.of(worker, report, Duration.ofHours(1)))
                .toCompletableFuture()
                .join();
    }

    @Test
    void a_replica_instead_of_its_master() {
        try (EmbeddedRedis replica = EmbeddedRedis.start(
                "--appendonly", "yes", "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 " + REDIS.port())) {
            await().atMost(PATIENCE)
                    .until(() -> replica.command("INFO", "replication").contains("master_link_status:up"));
            assertThat(remedy(redisDoctor(replica.url(), "--json"), 4, "ERROR", "is a read-only replica"))
                    .startsWith("Connect to the master");
        }
    }

    @Test
    void a_node_of_a_cluster_as_if_it_were_alone() {
        try (EmbeddedRedis node = EmbeddedRedis.start("--cluster-enabled", "yes", "--appendonly", "yes")) {
            node.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
            await().atMost(PATIENCE).until(() -> node.command("CLUSTER", "INFO").contains("cluster_state:ok"));
            assertThat(remedy(redisDoctor(node.url(), "--json"), 4, "ERROR", "is one server of a Cluster"))
                    .startsWith("Configure the Cluster, by a Redisson YAML file");
        }
    }

    @Test
    void the_whole_cluster_by_the_workers_file(@TempDir Path folder) throws Exception {
        // None of its servers is taken for down when it gets no processor for a while.
        try (EmbeddedCluster cluster = EmbeddedCluster.start(0, "--cluster-node-timeout", "15000")) {
            cluster.masters().forEach(master -> master.command("CONFIG", "SET", "appendonly", "yes"));
            Path file = Files.writeString(
                    folder.resolve("redisson.yaml"),
                    "clusterServersConfig:\n  nodeAddresses:\n    - \""
                            + cluster.urls().get(0) + "\"\n");
            try (LeaseStore store = RedissonLeaseStore.builder()
                            .yaml(file)
                            .namespace(NAMESPACE)
                            .answerTimeout(Duration.ofSeconds(6))
                            .firstStart(WallClock.now())
                            .build();
                    JobGuard guard = JobGuard.builder(store).build();
                    GuardedRun run = guard.admit(RunRequest.lock("report")).fold(admitted -> admitted, refusal -> {
                        throw new AssertionError(refusal);
                    });
                    GuardedRun.Scope scope = run.enter()) {
                String[] byFile = {"--redis-file", file.toString(), "--namespace", NAMESPACE};
                Answered shown = Answered.by(new String[] {"locks", "show", "report"}, byFile);
                assertThat(shown.code()).as(shown.err()).isZero();
                assertThat(shown.out()).contains("report", "ttl left");
                assertFine(answered(List.of(byFile), "--no-ledger", "--json"));
                Answered byAddress = Answered.by(
                        "locks", "show", "report", "--redis", cluster.urls().get(0));
                assertThat(byAddress.code()).isEqualTo(1);
                assertThat(byAddress.err()).contains("is one server of a Cluster", "Redisson YAML file");
            }
        }
    }

    @Test
    void a_quorum_that_is_none() {
        try (EmbeddedRedis second = EmbeddedRedis.start("--appendonly", "yes");
                EmbeddedRedis third = EmbeddedRedis.start("--appendonly", "yes")) {
            String twice = REDIS.url() + "," + REDIS.url().replace("127.0.0.1", "localhost") + "," + second.url();
            assertThat(remedy(redisDoctor(twice, "--json"), 4, "ERROR", "are the same server"))
                    .isEqualTo("Name every server of the quorum once");
            String even = REDIS.url() + "," + second.url();
            assertThat(remedy(redisDoctor(even, "--json"), 4, "ERROR", "a quorum needs an odd number of servers"))
                    .contains("Add servers");
            String three = String.join(",", REDIS.url(), second.url(), third.url());
            // Its workers use one server of it alone.
            assertThat(remedy(redisDoctor(three, "--json"), 4, "ERROR", "There: format=2", "quorum=3/"))
                    .contains("servers");
            List<String> urls = List.of(three.split(",", -1));
            RedissonLeaseStore.builder()
                    .namespace("of-three")
                    .answerTimeout(Duration.ofSeconds(6))
                    .firstStart(WallClock.now())
                    .quorum(urls)
                    .close();
            assertFine(redisDoctor(three, "--namespace", "of-three", "--json"));
        }
    }

    @Test
    void two_servers_behind_one_address() throws IOException {
        try (EmbeddedRedis second = EmbeddedRedis.start("--appendonly", "yes");
                ServerSocket balancer = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            daemon(() -> balance(balancer, REDIS.port(), second.port()));
            Answered told = redisDoctor("redis://127.0.0.1:" + balancer.getLocalPort(), "--json");
            assertThat(remedy(told, 4, "ERROR", "is not one server", "load balancer"))
                    .startsWith("Connect to the master itself");
        }
    }

    private static void balance(ServerSocket balancer, int... ports) {
        AtomicInteger turn = new AtomicInteger();
        try {
            while (true) {
                Socket client = balancer.accept();
                Socket server =
                        new Socket(InetAddress.getLoopbackAddress(), ports[turn.getAndIncrement() % ports.length]);
                daemon(() -> copy(client, server));
                daemon(() -> copy(server, client));
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    private static void copy(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException ended) {
            // So is the other direction.
        }
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "balancer");
        thread.setDaemon(true);
        thread.start();
    }

    @Test
    void settings_that_differ_from_those_of_the_workers() {
        Answered other = doctor("--ttl", "45s", "--json");
        assertThat(remedy(other, 4, "ERROR", "have agreed on other settings", "longestTtl=30000ms", "45000ms"))
                .contains("a longestTtl (ttl) that is not longer");
        assertFine(doctor("--ttl", "20s", "--json"));
        String noted = newDatabase("noted");
        migrate(noted);
        execute(noted, "INSERT INTO hapax_settings VALUES ('shop', 'namespace=shop buckets=64')");
        assertThat(remedy(
                        doctor("--database", noted, "--json"),
                        4,
                        "ERROR",
                        "have noted other settings in the ledger",
                        "buckets=64"))
                .contains("Give all the same settings", "hapax_settings");
    }

    @Test
    void workers_that_hash_their_keys_differ_in_nothing_that_the_doctor_can_know() {
        execute(database, "UPDATE hapax_settings SET fingerprint = fingerprint || ' keys=hmac/0123456789'");
        assertFine(doctor("--json"));
        execute(database, "UPDATE hapax_settings SET fingerprint = replace(fingerprint, ' keys=hmac/0123456789', '')");
    }

    @Test
    void a_namespace_that_nobody_has_used() {
        Answered unknown = doctor("--namespace", "shopp", "--json");
        assertThat(remedy(unknown, 0, "NOTE", "no worker of namespace shopp has used 127.0.0.1:"))
                .startsWith("If workers run, compare their namespace and address");
        assertThat(remedy(unknown, 0, "NOTE", "has used this ledger yet; there are shop"))
                .contains("schema");
        assertFine(unknown);
    }

    @Test
    void tables_that_are_missing_or_of_another_version() {
        String empty = newDatabase("empty");
        assertThat(remedy(doctor("--database", empty, "--json"), 4, "ERROR", "the tables of the ledger are missing"))
                .startsWith("Apply io/hapax/postgres/hapax-ledger-1.sql from the jar");
        migrate(empty);
        assertFine(doctor("--database", empty, "--json"));
        execute(empty, "UPDATE hapax_schema SET version = 7");
        assertThat(remedy(
                        doctor("--database", empty, "--json"),
                        4,
                        "ERROR",
                        "the tables of the ledger are of version 7, this library needs 1"))
                .isEqualTo("Update the library");
    }

    @Test
    void a_role_without_all_rights_and_one_that_does_not_wait_for_the_disk() {
        String owner = newDatabase("rights");
        migrate(owner);
        agree(REDIS, owner);
        execute(owner, "CREATE ROLE \"the app\" LOGIN");
        execute(owner, "GRANT SELECT, INSERT, UPDATE ON hapax_run, hapax_renewal TO \"the app\"");
        execute(owner, "GRANT SELECT ON hapax_settings, hapax_audit, hapax_schema TO \"the app\"");
        execute(owner, "ALTER ROLE \"the app\" SET synchronous_commit = off");
        String[] asApp = {"--json", "--database", owner.replace("user=" + POSTGRES.user(), "user=the+app")};
        Answered told = doctor(asApp);
        for (String what :
                List.of("ON hapax_run", "ON hapax_renewal", "ON hapax_audit", "ON hapax_settings", "hapax_fence")) {
            boolean forClaims = what.equals("ON hapax_settings") || what.equals("hapax_fence");
            String remedy =
                    remedy(told, 4, forClaims ? "ERROR" : "WARNING", "the role \"the app\" lacks a right", what);
            assertThat(remedy).startsWith("GRANT ").contains("; docs/security.md lists all that it needs");
            execute(owner, remedy.replaceAll(";.*", ""));
        }
        String remedy = remedy(doctor(asApp), 5, "WARNING", "synchronous_commit is off");
        assertThat(remedy).startsWith("ALTER ROLE \"the app\" SET synchronous_commit = on, or in postgresql.conf");
        execute(owner, remedy.replaceAll(",.*", ""));
        assertFine(doctor(asApp));
    }

    @Test
    void a_database_that_does_not_sync() {
        String shared = EmptyDatabase.create();
        migrate(shared);
        assertThat(remedy(doctor("--database", shared, "--json"), 5, "WARNING", "fsync or full_page_writes is off"))
                .isEqualTo("Set fsync = on and full_page_writes = on in postgresql.conf");
    }

    @Test
    void abandoned_runs_until_somebody_decides() {
        String own = newDatabase("abandoned");
        migrate(own);
        agree(REDIS, own);
        try (PostgresRunLedger ledger = ledger(own)) {
            Claim claim = ledger.claim(new ClaimRequest(
                            new JobIdentity(null, new RunKey("pay@7")),
                            OwnerId.random(),
                            "w",
                            Duration.ofHours(1),
                            AfterCrash.ABANDON,
                            Duration.ofHours(1)))
                    .toCompletableFuture()
                    .join();
            ledger.release(((Claim.Claimed) claim).lease(), RunState.ABANDONED)
                    .toCompletableFuture()
                    .join();
        }
        String[] there = {"--json", "--database", own};
        assertThat(remedy(doctor(there), 5, "WARNING", "1 occurrence is abandoned"))
                .contains("hapax runs list --state abandoned", "hapax runs resolve");
        String[] order = {
            "runs", "resolve", "pay@7", "--as", "done", "--reason", "test", "--yes", "--namespace", NAMESPACE
        };
        assertThat(Answered.by(order, there).code()).isZero();
        assertFine(doctor(there));
    }

    @Test
    void a_database_that_nobody_named_is_left_out_and_named_as_such() throws IOException, InterruptedException {
        Answered people = withoutDatabase();
        assertThat(people.code()).isZero();
        assertThat(people.prose())
                .contains("left out: PostgreSQL, which nobody named: --database or DATABASE_URL does")
                .contains("checked: Redis at ")
                .contains("0 errors, 0 warnings, 0 notes")
                .doesNotContain("localhost:5432");
        JsonNode program = withoutDatabase("--json").json();
        assertThat(program.get("checked"))
                .allMatch(checked -> checked.get("about").asText().equals("redis"));
        assertThat(program.get("leftOut"))
                .singleElement()
                .satisfies(what -> assertThat(what.asText())
                        .isEqualTo("PostgreSQL, which nobody named: --database or DATABASE_URL does"));
        assertThat(doctor("--json").json().get("leftOut")).isEmpty();
        assertThat(doctor("--no-ledger", "--json").json().get("leftOut")).isEmpty();
    }

    /** In a process of its own, as the variable may be set for the tests. */
    private static Answered withoutDatabase(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                HapaxCommandLine.class.getName(),
                "doctor",
                "--redis",
                REDIS.url(),
                "--namespace",
                NAMESPACE));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().remove("DATABASE_URL");
        return answered(builder);
    }

    @Test
    void a_database_that_was_named_and_does_not_answer_is_an_error() {
        Answered told = doctor("--database", "postgres://127.0.0.1:1/shop");
        assertThat(told.code()).isEqualTo(ExitCodes.ERRORS_FOUND);
        assertThat(told.prose()).contains("silent: PostgreSQL at 127.0.0.1:1/shop");
    }

    /** The doctor's own clock is wrong: libfaketime shifts that of its process, and of nothing else. */
    @Test
    void clocks_that_differ() throws IOException, InterruptedException {
        if (System.getenv("HAPAX_TOOLS_REQUIRED") == null) {
            assumeThat(Files.isExecutable(FAKETIME))
                    .as("skipped: no faketime (apt-get install faketime)")
                    .isTrue();
        }
        List<String> command = List.of(
                FAKETIME.toString(),
                "-f",
                "+" + (90 + aheadAlready()) + "s",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                HapaxCommandLine.class.getName(),
                "doctor",
                "--json",
                "--redis",
                REDIS.url(),
                "--database",
                database,
                "--namespace",
                NAMESPACE);
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        withoutFaketime(builder);
        // Or threads that wait for a time would spin.
        builder.environment()
                .putAll(Map.of(
                        "FAKETIME_DONT_FAKE_MONOTONIC",
                        "1",
                        "DONT_FAKE_MONOTONIC",
                        "1",
                        "FAKETIME_FORCE_MONOTONIC_FIX",
                        "0",
                        "NO_FAKE_STAT",
                        "1"));
        Answered told = answered(builder);
        assertThat(remedy(told, 5, "WARNING", "Redis at", "has a clock that is", "ms behind this machine's"))
                .startsWith("Keep both by NTP");
        assertThat(remedy(told, 5, "WARNING", "PostgreSQL's clock is", "ms behind this machine's"))
                .startsWith("Keep both by NTP");
    }

    /** By how many seconds these tests are run in the future; faketime counts from what it really is. */
    private static long aheadAlready() throws IOException, InterruptedException {
        ProcessBuilder date = withoutFaketime(new ProcessBuilder("date", "+%s"));
        Process process = ChildProcess.start(date);
        String real = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return WallClock.now().getEpochSecond() - Long.parseLong(real.strip());
    }

    private static ProcessBuilder withoutFaketime(ProcessBuilder builder) {
        builder.environment().keySet().removeIf(name -> name.equals("LD_PRELOAD") || name.startsWith("FAKETIME"));
        return builder;
    }
}
