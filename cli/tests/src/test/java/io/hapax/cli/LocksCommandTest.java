package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The commands about leases, with real guards that hold them. */
@Tag("slow")
class LocksCommandTest {

    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();
    private static final String NAMESPACE = "shop";

    private final RedissonLeaseStore store = RedissonLeaseStore.builder()
            .url(REDIS.url())
            .namespace(NAMESPACE)
            .answerTimeout(Duration.ofSeconds(2))
            .firstStart(WallClock.now())
            .build();
    private final JobGuard guard = JobGuard.builder(store)
            .worker("4711@host-2")
            .defaults(options -> options.withTtl(Duration.ofSeconds(12)))
            .build();
    private final List<GuardedRun> runs = new ArrayList<>();
    private final Deque<GuardedRun.Scope> scopes = new ArrayDeque<>();

    @BeforeEach
    void hold() throws InterruptedException {
        admit(RunRequest.lock("invoice/42").once("billing/DEFAULT/invoice/DEFAULT/nightly@2026-11-26T00:00:00Z"));
        admit(RunRequest.occurrence("import@2026-11-26"));
    }

    @AfterEach
    void release() {
        scopes.forEach(GuardedRun.Scope::close);
        runs.forEach(GuardedRun::close);
        guard.close();
        store.close();
        REDIS.command("FLUSHALL");
    }

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    private void admit(RunRequest request) throws InterruptedException {
        admit(guard, request);
    }

    private void admit(JobGuard by, RunRequest request) throws InterruptedException {
        // The first answer of a cold client may come late.
        Admission admission = by.admit(request.waitAtMost(Duration.ofSeconds(20)));
        GuardedRun run = ((Admission.Admitted) admission).run();
        runs.add(run);
        scopes.push(run.enter(OnLeaseLost.SIGNAL));
    }

    private static Answered locks(String... arguments) {
        return locks(WallClock.REAL, arguments);
    }

    private static Answered locks(InstantSource clock, String... arguments) {
        List<String> words = new ArrayList<>(List.of("locks"));
        words.addAll(List.of(arguments));
        words.addAll(List.of("--redis", REDIS.url(), "--namespace", NAMESPACE));
        return Answered.at(clock, words.toArray(String[]::new));
    }

    private boolean isHeld(String lock) {
        return store.admin()
                .holder(new JobIdentity(new LockKey(lock), null))
                .toCompletableFuture()
                .join()
                .filter(holder -> !holder.owner().value().equals("forced"))
                .isPresent();
    }

    @Test
    void the_list_shows_every_lease_with_its_holder() {
        Answered list = locks("list");
        assertThat(list.code()).isZero();
        assertThat(list.err()).isEmpty();
        assertThat(list.out().lines())
                .first()
                .asString()
                .matches("KEY +KIND +WORKER +SINCE +AGE +LEFT +TOKEN +AWAITED");
        assertThat(list.out())
                .containsPattern(
                        "invoice/42 +lock +4711@host-2 +\\d\\d:\\d\\d:\\d\\dZ +\\d+ m?s +\\d+ m?s +\\d{16} +no")
                .containsPattern("import@2026-11-26 +run +4711@host-2 ")
                .contains("\n  run billing/DEFAULT/invoice/DEFAULT/nightly@2026-11-26T00:00:00Z");
    }

    @Test
    void the_list_can_be_narrowed_and_says_how_much_it_leaves_out() throws InterruptedException {
        admit(RunRequest.lock("invoice/43"));
        assertThat(keys(locks("list", "--text", "invoice/", "--json"))).containsExactly("invoice/42", "invoice/43");
        assertThat(keys(locks("list", "--text", "DEFAULT/nightly", "--json"))).containsExactly("invoice/42");
        assertThat(keys(locks("list", "--worker", "host-2", "--json"))).hasSize(3);
        assertThat(keys(locks("list", "--worker", "host-3", "--json"))).isEmpty();
        assertThat(keys(locks("list", "--older-than", "1h", "--json"))).isEmpty();
        assertThat(keys(locks("list", "--older-than", "0", "--json"))).hasSize(3);
        Answered limited = locks("list", "--limit", "1", "--json");
        assertThat(keys(limited)).hasSize(1);
        assertThat(limited.json().get("found").asInt()).isEqualTo(3);
        assertThat(limited.json().get("complete").asBoolean()).isFalse();
        assertThat(locks("list", "--limit", "1").out()).contains("… and 2 more; --limit shows them.");
        assertThat(locks("list", "--text", "nothing").out())
                .contains("No such lease is held in namespace shop", "'hapax doctor'");
    }

    private static List<String> keys(Answered answered) {
        List<String> keys = new ArrayList<>();
        answered.json().get("locks").forEach(lock -> keys.add(lock.get("key").asText()));
        return keys;
    }

    @Test
    void programs_get_times_as_iso_8601_and_durations_in_milliseconds() {
        Instant since = runs.get(0).lease().orElseThrow().since();
        InstantSource clock = InstantSource.fixed(since.plusMillis(61_001));
        JsonNode document = locks(clock, "list", "--text", "invoice", "--json").json();
        assertThat(document.get("namespace").asText()).isEqualTo(NAMESPACE);
        JsonNode lock = document.get("locks").get(0);
        assertThat(lock.get("kind").asText()).isEqualTo("lock");
        assertThat(lock.get("worker").asText()).isEqualTo("4711@host-2");
        assertThat(lock.get("owner").asText()).hasSize(22);
        assertThat(lock.get("token").asLong()).isPositive();
        assertThat(Instant.parse(lock.get("since").asText())).isEqualTo(since);
        assertThat(lock.get("ageMillis").asLong()).isEqualTo(61_001);
        assertThat(lock.get("leftMillis").asLong()).isBetween(1L, 30_000L);
        assertThat(lock.get("awaited").asBoolean()).isFalse();
    }

    @Test
    void a_lease_is_shown_by_its_lock_key_or_its_run_key_and_nothing_is_exit_code_three() {
        Answered shown = locks("show", "invoice/42");
        assertThat(shown.code()).isZero();
        assertThat(shown.out())
                .contains("lock key   invoice/42", "worker     4711@host-2", "unless it is renewed", "token ");
        assertThat(locks("show", "import@2026-11-26", "--run-key").out()).contains("run key    import@2026-11-26");
        Answered none = locks("show", "import@2026-11-26");
        assertThat(none.code()).isEqualTo(3);
        assertThat(none.out()).isEqualTo("Nobody holds lock key import@2026-11-26 in namespace shop.\n");
        Answered document = locks("show", "import@2026-11-26", "--json");
        assertThat(document.code()).isEqualTo(3);
        assertThat(document.json().get("held").asBoolean()).isFalse();
        assertThat(document.json().get("lock").isNull()).isTrue();
    }

    @Test
    void a_long_or_odd_key_is_found_by_its_text_and_by_what_the_list_shows_of_it() throws InterruptedException {
        String odd = "Rechnung für Müller, " + "x".repeat(200);
        admit(RunRequest.lock(odd));
        String listed = keys(locks("list", "--text", "Rechnung", "--json")).get(0);
        assertThat(listed).contains("~");
        assertThat(locks("show", odd).code()).isZero();
        assertThat(locks("show", listed).code()).isZero();
        Answered table = locks("list");
        assertThat(table.out().lines()).allMatch(line -> line.length() <= 100);
        assertThat(table.out()).contains("…").doesNotContain(listed);
        assertThat(locks("release", listed, "--reason", "test", "--yes").code()).isZero();
        assertThat(isHeld(odd)).isFalse();
        assertThat(locks("show", listed).out()).contains("FORCE_RELEASE").contains("test");
    }

    @Test
    void a_release_without_yes_says_what_would_happen_and_changes_nothing() {
        Answered dry = locks("release", "invoice/42");
        assertThat(dry.code()).isZero();
        assertThat(dry.prose())
                .contains("Would take lock key invoice/42 away from 4711@host-2 (owner ")
                .contains("works on until its next renewal, 10 s at most, together with the next holder")
                .containsPattern("Nothing was changed. To do it, add --owner \\S{22} --reason '…' --yes");
        assertThat(isHeld("invoice/42")).isTrue();
        JsonNode document = locks("release", "invoice/42", "--json").json();
        assertThat(document.get("dryRun").asBoolean()).isTrue();
        assertThat(document.get("released").asBoolean()).isFalse();
        assertThat(locks("show", "invoice/42").out()).doesNotContain("audit");
    }

    @Test
    void a_release_takes_the_lease_away_tells_its_holder_and_is_kept_in_the_audit() {
        String owner =
                locks("show", "invoice/42", "--json").json().at("/lock/owner").asText();
        Answered released = locks(
                "release", "invoice/42", "--owner", owner, "--reason", "host-2 is dead", "--actor", "ann", "--yes");
        assertThat(released.code()).isZero();
        assertThat(released.prose())
                .contains("Took lock key invoice/42 away from 4711@host-2 (owner " + owner)
                .contains("Noted in the audit: ann: host-2 is dead");
        assertThat(isHeld("invoice/42")).isFalse();
        assertThat(locks("show", "invoice/42").out())
                .containsPattern("audit +\\S+ FORCE_RELEASE by ann: host-2 is dead");
        await().atMost(Duration.ofSeconds(20)).until(() -> runs.get(0).lost().isPresent());
    }

    @Test
    void a_release_by_a_run_key_is_kept_in_the_audit_under_the_systems_user() {
        assertThat(locks("release", "import@2026-11-26", "--run-key", "--reason", "test", "--yes")
                        .code())
                .isZero();
        JsonNode entry = locks("show", "import@2026-11-26", "--run-key", "--json")
                .json()
                .get("audit")
                .get(0);
        assertThat(entry.get("action").asText()).isEqualTo("FORCE_RELEASE");
        assertThat(entry.get("actor").asText()).isEqualTo(System.getProperty("user.name"));
        assertThat(entry.get("subject").asText()).isEqualTo("run import@2026-11-26");
    }

    @Test
    void only_the_owner_that_was_named_loses_its_lease() {
        Answered other = locks("release", "invoice/42", "--owner", "another", "--reason", "test", "--yes");
        assertThat(other.code()).isEqualTo(3);
        assertThat(other.prose()).contains("is held by another owner, ", " on 4711@host-2", "Nothing was changed");
        assertThat(isHeld("invoice/42")).isTrue();
        assertThat(locks("release", "nothing", "--reason", "test", "--yes").code())
                .isEqualTo(3);
        Answered unexplained = locks("release", "invoice/42", "--yes");
        assertThat(unexplained.code()).isEqualTo(2);
        assertThat(unexplained.err()).contains("--yes needs a --reason");
    }

    private static Answered command(String... arguments) {
        return Answered.by(arguments, new String[] {"--redis", REDIS.url(), "--namespace", NAMESPACE});
    }

    @Test
    void a_key_is_paused_with_who_and_why_listed_shown_and_resumed() {
        Answered paused = command("pause", "invoice/42", "--reason", "wrong sums", "--by", "ann");
        assertThat(paused.code()).isZero();
        assertThat(paused.prose())
                .contains("Paused lock key invoice/42 in namespace shop: nobody is admitted until 'hapax resume"
                        + " invoice/42'.")
                .contains("4711@host-2 holds it since ")
                .contains("Noted in the audit: ann: wrong sums");
        assertThat(isHeld("invoice/42")).isTrue();
        assertThat(locks("list", "--paused").out())
                .containsPattern("invoice/42 +lock +ann +\\S+Z +\\d+ m?s +resumed +wrong sums");
        assertThat(locks("list", "--paused", "--text", "other").out())
                .isEqualTo("No such key is paused in namespace shop.\n");
        assertThat(locks("show", "invoice/42").out()).containsPattern("paused +since .* by ann: wrong sums\n");
        JsonNode again = command("pause", "invoice/42", "--reason", "still", "--actor", "bob", "--for", "2h", "--json")
                .json();
        assertThat(again.at("/before/actor").asText()).isEqualTo("ann");
        assertThat(again.at("/lock/worker").asText()).isEqualTo("4711@host-2");
        JsonNode list = locks("list", "--paused", "--json").json();
        assertThat(list.at("/pauses/0/key").asText()).isEqualTo("invoice/42");
        assertThat(list.at("/pauses/0/leftMillis").asLong()).isBetween(1L, 7_200_000L);
        assertThat(locks("show", "invoice/42", "--json")
                        .json()
                        .at("/paused/reason")
                        .asText())
                .isEqualTo("still");

        Answered resumed = command("resume", "invoice/42", "--by", "eve", "--reason", "mended");
        assertThat(resumed.code()).isZero();
        assertThat(resumed.prose())
                .contains("Resumed lock key invoice/42, which was paused since ", "by bob: still")
                .contains("Noted in the audit: eve: mended");
        Answered twice = command("resume", "invoice/42");
        assertThat(twice.code()).isEqualTo(3);
        assertThat(twice.prose()).contains("lock key invoice/42 is not paused in namespace shop. Nothing was changed.");
        assertThat(locks("show", "invoice/42").out())
                .containsPattern("RESUME by eve: mended\naudit +\\S+ PAUSE by bob: still\naudit +\\S+ PAUSE by ann:"
                        + " wrong sums\n")
                .doesNotContain("paused  ");
    }

    @Test
    void an_odd_key_is_paused_by_its_text_and_resumed_by_what_the_list_shows() {
        String odd = "Rechnung für Müller";
        assertThat(command("pause", odd, "--reason", "test").code()).isZero();
        String listed =
                locks("list", "--paused", "--json").json().at("/pauses/0/key").asText();
        assertThat(listed).contains("~");
        Answered refused = command("pause", listed, "--reason", "test");
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err()).contains("is what Redis keeps of a longer key");
        assertThat(command("resume", listed).code()).isZero();
        assertThat(locks("list", "--paused", "--json").json().get("pauses")).isEmpty();
        assertThat(command("pause", "k").err()).contains("--reason");
        assertThat(command("pause", "2026-11-29", "--run-key", "--reason", "test")
                        .prose())
                .contains("Paused run key 2026-11-29");
        assertThat(command("resume", "2026-11-29").code()).isEqualTo(3);
        assertThat(command("resume", "2026-11-29", "--run-key").code()).isZero();
    }

    @Test
    void asking_changes_nothing_neither_where_workers_are_nor_on_an_empty_server() {
        try (EmbeddedRedis empty = EmbeddedRedis.start()) {
            for (EmbeddedRedis server : List.of(REDIS, empty)) {
                String before = content(server);
                ask(server.url());
                assertThat(content(server)).isEqualTo(before);
            }
            assertThat(empty.command("DBSIZE")).isEqualTo("0");
            assertThat(empty.commandStats().keySet())
                    .contains("evalsha", "scan")
                    .doesNotContain("set", "hset", "del", "lpush", "pexpire", "zadd", "publish");
        }
    }

    private static void ask(String redis) {
        String[] at = {"--redis", redis, "--namespace", NAMESPACE, "--json"};
        Answered.by(new String[] {"locks", "list"}, at).json();
        Answered.by(new String[] {"locks", "list", "--paused"}, at).json();
        Answered.by(new String[] {"locks", "show", "invoice/42"}, at).json();
        Answered.by(new String[] {"locks", "release", "invoice/42"}, at).json();
        Answered.by(new String[] {"doctor", "--no-ledger"}, at).json();
    }

    private static String content(EmbeddedRedis redis) {
        return redis.command("KEYS", "*")
                .lines()
                .filter(key -> !key.isEmpty())
                .sorted()
                .map(key -> key + "=" + redis.command("DUMP", key))
                .toList()
                .toString();
    }

    @Test
    void a_quorum_is_asked_as_one_and_nothing_is_left_there() throws InterruptedException {
        try (EmbeddedRedis one = EmbeddedRedis.start();
                EmbeddedRedis two = EmbeddedRedis.start();
                EmbeddedRedis three = EmbeddedRedis.start()) {
            List<EmbeddedRedis> servers = List.of(one, two, three);
            String urls = String.join(",", one.url(), two.url(), three.url());
            ask(urls);
            assertThat(servers)
                    .allSatisfy(server -> assertThat(server.command("DBSIZE")).isEqualTo("0"));
            try (LeaseStore quorum = RedissonLeaseStore.builder()
                            .namespace(NAMESPACE)
                            .answerTimeout(Duration.ofSeconds(6))
                            .firstStart(WallClock.now())
                            .quorum(List.of(one.url(), two.url(), three.url()));
                    JobGuard other = JobGuard.builder(quorum).worker("q").build()) {
                for (int n = 0; n < 20; n++) {
                    admit(other, RunRequest.lock("k" + n));
                }
                String[] at = {"--redis", urls, "--namespace", NAMESPACE};
                // Of a bounded search, every server would have told of others.
                assertThat(Answered.by(new String[] {"locks", "list", "--limit", "2"}, at)
                                .out())
                        .contains("… and 18 more");
                three.kill();
                assertThat(Answered.by(new String[] {"locks", "show", "k7"}, at).out())
                        .contains("worker     q");
                Answered released =
                        Answered.by(new String[] {"locks", "release", "k7", "--reason", "test", "--yes"}, at);
                assertThat(released.prose()).contains("Took lock key k7 away from q");
                Answered gone = Answered.by(new String[] {"locks", "show", "k7"}, at);
                assertThat(gone.code()).isEqualTo(3);
                assertThat(gone.out()).contains("audit ", "FORCE_RELEASE").contains("test");
            }
        }
    }

    /** There the holder may come back, as Redis may have forgotten others; see {@code force-release.lua}. */
    @Test
    void what_was_taken_away_in_quarantine_is_barred_and_cannot_be_taken_away_again() {
        try (EmbeddedRedis restarted = EmbeddedRedis.start()) {
            restarted.command("HSET", "hapax:{shop:0}:m", "run", "another", "seen", "1", "until", "1");
            restarted.command(
                    "SET", "hapax:{shop:0}:l:k", "owner1|1764130000000000|1764130000000000|-|w|", "PX", "60000");
            String[] at = {"--redis", restarted.url(), "--namespace", NAMESPACE, "--reason", "test", "--yes"};
            assertThat(Answered.by(new String[] {"locks", "release", "k"}, at).code())
                    .isZero();
            Answered again = Answered.by(new String[] {"locks", "release", "k"}, at);
            assertThat(again.code()).isEqualTo(3);
            assertThat(again.prose()).contains("was taken away already. Redis is in quarantine");
        }
    }
}
