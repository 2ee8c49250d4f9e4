package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** The commands about the ledger, on a real one. */
@Tag("slow")
class RunsCommandTest {

    private static final Duration HOUR = Duration.ofHours(1);

    private final String url = EmptyDatabase.create();
    private final PGSimpleDataSource database = new PGSimpleDataSource();
    private final RunLedger ledger;

    RunsCommandTest() {
        database.setURL(url);
        ledger = PostgresRunLedger.builder(database)
                .namespace("shop")
                .answerTimeout(Duration.ofSeconds(30))
                .migrate(true)
                .build();
    }

    @BeforeEach
    void fill() {
        claimed("invoice/42", "invoice@1", AfterCrash.RERUN);
        end(claimed("invoice/41", "invoice@0", AfterCrash.RERUN), RunState.DONE);
        end(claimed("pay/7", "pay@7", AfterCrash.ABANDON), RunState.ABANDONED);
        end(claimed("cleanup", null, AfterCrash.RERUN), RunState.FAILED);
    }

    @AfterEach
    void close() {
        ledger.close();
    }

    private Lease claimed(String lock, @Nullable String run, AfterCrash afterCrash) {
        JobIdentity identity = new JobIdentity(new LockKey(lock), run == null ? null : new RunKey(run));
        Claim claim = ledger.claim(new ClaimRequest(identity, OwnerId.random(), "4711@host-2", HOUR, afterCrash, HOUR))
                .toCompletableFuture()
                .join();
        return ((Claim.Claimed) claim).lease();
    }

    private void end(Lease lease, RunState state) {
        (state == RunState.DONE ? ledger.complete(lease) : ledger.release(lease, state))
                .toCompletableFuture()
                .join();
    }

    private Answered runs(String... arguments) {
        return Answered.by(
                Stream.concat(Stream.of("runs"), Stream.of(arguments)).toArray(String[]::new),
                new String[] {"--database", url, "--namespace", "shop"});
    }

    private static List<String> found(Answered answered) {
        List<String> keys = new ArrayList<>();
        answered.json()
                .get("runs")
                .forEach(run -> keys.add(run.get("lockKey").asText() + " "
                        + run.get("runKey").asText() + " " + run.get("state").asText()));
        return keys;
    }

    @Test
    void the_list_shows_what_runs_and_what_waits_for_a_person_unless_told_otherwise() {
        assertThat(found(runs("list", "--json")))
                .containsExactly("pay/7 pay@7 ABANDONED", "invoice/42 invoice@1 RUNNING");
        assertThat(found(runs("list", "--state", "done,failed", "--json")))
                .containsExactly("cleanup null FAILED", "invoice/41 invoice@0 DONE");
        assertThat(found(runs("list", "--state", "Done", "--state", "RUNNING", "--text", "invoice", "--json")))
                .containsExactly("invoice/41 invoice@0 DONE", "invoice/42 invoice@1 RUNNING");
        assertThat(found(runs("list", "--older-than", "10m", "--json"))).isEmpty();
        Answered limited = runs("list", "--limit", "1", "--json");
        assertThat(found(limited)).hasSize(1);
        assertThat(limited.json().get("complete").asBoolean()).isFalse();
    }

    @Test
    void people_get_a_table_that_marks_what_is_past_its_deadline() throws SQLException {
        execute("UPDATE hapax_run SET deadline = now() - interval '1 min' WHERE occurrence = 'invoice@1'");
        Answered list = runs("list");
        assertThat(list.code()).isZero();
        assertThat(list.out())
                .containsPattern("pay@7 +pay/7 +ABANDONED +4711@host-2 +\\d\\d:\\d\\d:\\d\\dZ +\\d+ m?s +1\n")
                .containsPattern("invoice@1 +invoice/42 +RUNNING\\? ")
                .contains("RUNNING? is past its deadline");
        assertThat(runs("list", "--text", "nothing").out())
                .contains("knows no such run in namespace shop that is abandoned or lost or running", "'hapax doctor'");
    }

    @Test
    void a_run_is_shown_by_its_run_key_or_one_that_repeats_by_its_lock_key() {
        Answered shown = runs("show", "pay@7");
        assertThat(shown.code()).isZero();
        assertThat(shown.out())
                .contains("run key    pay@7", "lock key   pay/7", "state      ABANDONED", "after a crash: ABANDON");
        JsonNode repeating = runs("show", "--lock", "cleanup", "--json").json();
        assertThat(repeating.at("/run/state").asText()).isEqualTo("FAILED");
        assertThat(repeating.at("/run/runKey").isNull()).isTrue();
        assertThat(repeating.at("/run/attempt").asInt()).isEqualTo(1);
        Answered none = runs("show", "--lock", "pay/7");
        assertThat(none.code()).isEqualTo(3);
        assertThat(none.out()).contains("knows no run without a run key of lock key pay/7", "runs list --text");
        assertThat(runs("show").code()).isEqualTo(2);
        assertThat(runs("show", "pay@7", "--lock", "pay/7").err()).contains("either RUNKEY, or --lock");
    }

    @Test
    void a_decision_without_yes_says_what_would_happen_and_changes_nothing() {
        Answered dry = runs("resolve", "pay@7", "--as", "again");
        assertThat(dry.code()).isZero();
        assertThat(dry.prose())
                .contains("run pay@7 was started by 4711@host-2 at ", "crashed. It would be free to run again")
                .containsPattern("Nothing was changed. To do it, add --token \\d+ --reason '…' --yes");
        assertThat(state("pay@7")).isEqualTo("ABANDONED");
        Answered another =
                runs("resolve", "pay@7", "--as", "again", "--token", "1", "--reason", "seen long ago", "--yes");
        assertThat(another.code()).isEqualTo(3);
        assertThat(another.prose()).contains("is not abandoned by that run any more");
        assertThat(state("pay@7")).isEqualTo("ABANDONED");
        assertThat(runs("resolve", "pay@7", "--as", "done", "--json")
                        .json()
                        .get("dryRun")
                        .asBoolean())
                .isTrue();
    }

    @Test
    void a_decision_is_carried_out_once_and_kept_in_the_audit() {
        String[] order = {"resolve", "pay@7", "--as", "done", "--reason", "the bank has it", "--actor", "ann", "--yes"};
        Answered resolved = runs(order);
        assertThat(resolved.code()).isZero();
        assertThat(resolved.out())
                .contains("run pay@7 will count as done: it never runs again")
                .contains("Noted in the audit: ann: the bank has it");
        assertThat(state("pay@7")).isEqualTo("DONE");
        Answered again = runs(order);
        assertThat(again.code()).isEqualTo(3);
        assertThat(again.out()).contains("run pay@7 is not abandoned, but done. Nothing was changed.");
        assertThat(runs("show", "pay@7").out()).containsPattern("audit +\\S+ RESOLVE_DONE by ann: the bank has it");
    }

    @Test
    void an_occurrence_that_is_to_run_again_can_be_claimed_again() {
        runs("resolve", "pay@7", "--as", "again", "--reason", "nothing was sent", "--yes");
        assertThat(claimed("pay/7", "pay@7", AfterCrash.ABANDON).token().value())
                .isPositive();
    }

    /** The ledger only permits it: a job that its scheduler takes for ended is not offered by itself. */
    @ParameterizedTest
    @ValueSource(strings = {"pay@7", "invoice@0"})
    void what_is_to_run_again_says_what_is_left_to_do_in_each_scheduler(String run) {
        String left =
                "be free to run again: the next worker that gets it runs it from the start. Next step: let the scheduler"
                        + " fire it; in JobRunr requeue the job, in Quartz trigger it";
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            String[] decision = {"resolve", run, "--as", "again", "--redis", redis.url()};
            assertThat(runs(decision).prose()).contains("It would " + left);
            String[] order = Stream.concat(Stream.of(decision), Stream.of("--reason", "nothing was sent", "--yes"))
                    .toArray(String[]::new);
            assertThat(runs(order).prose()).contains("run " + run + " will " + left);
        }
        assertThat(state(run)).isEqualTo("RELEASED");
    }

    @Test
    void what_has_completed_runs_again_when_a_person_says_so() throws InterruptedException {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                RedissonLeaseStore store = RedissonLeaseStore.builder()
                        .url(redis.url())
                        .namespace("shop")
                        .answerTimeout(Duration.ofSeconds(6))
                        .firstStart(WallClock.now())
                        .build();
                JobGuard guard = JobGuard.builder(store)
                        .worker("4711@host-2")
                        .ledger(ledger)
                        .build()) {
            RunRequest order = RunRequest.lock("customer/7").once("order/7").waitAtMost(Duration.ofSeconds(20));
            assertThat(guard.run(order, run -> "sent")).isInstanceOf(RunResult.Ran.class);
            assertThat(guard.run(order, run -> "sent twice")).isInstanceOf(RunResult.Refused.class);

            String[] decision = {"resolve", "order/7", "--as", "again", "--redis", redis.url()};
            Answered dry = runs(decision);
            assertThat(dry.code()).isZero();
            assertThat(dry.out())
                    .contains("run order/7 has completed at 4711@host-2 (attempt 1). It would be free to run again")
                    .contains("Nothing was changed.");
            assertThat(guard.run(order, run -> "sent twice")).isInstanceOf(RunResult.Refused.class);

            Answered again = runs(Stream.concat(
                            Stream.of(decision),
                            Stream.of("--reason", "the goods came back", "--actor", "ann", "--yes"))
                    .toArray(String[]::new));
            assertThat(again.err()).isEmpty();
            assertThat(again.code()).isZero();
            assertThat(again.out())
                    .contains("run order/7 will be free to run again")
                    .contains("Noted in the audit: ann: the goods came back");
            assertThat(state("order/7")).isEqualTo("RELEASED");
            assertThat(guard.run(order, run -> "sent again")).isInstanceOf(RunResult.Ran.class);
            assertThat(guard.run(order, run -> "sent twice")).isInstanceOf(RunResult.Refused.class);
            assertThat(guard.admin()
                            .runAgain(order.identity(), "ann", "by the API")
                            .join())
                    .isTrue();
            assertThat(guard.run(order, run -> "sent again")).isInstanceOf(RunResult.Ran.class);
        }
    }

    @Test
    void what_is_not_abandoned_or_not_known_is_left_alone() {
        Answered running = runs("resolve", "invoice@1", "--as", "again", "--reason", "test", "--yes");
        assertThat(running.code()).isEqualTo(3);
        assertThat(running.out()).contains("is not abandoned, but running");
        assertThat(runs("resolve", "unknown", "--as", "again", "--reason", "test", "--yes")
                        .code())
                .isEqualTo(3);
        Answered undecided = runs("resolve", "pay@7", "--reason", "test", "--yes");
        assertThat(undecided.code()).isEqualTo(2);
        assertThat(undecided.err()).contains("Missing required option: '--as=DECISION'");
        assertThat(runs("resolve", "pay@7", "--as", "perhaps").err()).contains("expected one of [DONE, AGAIN]");
        assertThat(state("pay@7")).isEqualTo("ABANDONED");
    }

    @Test
    void missing_tables_are_told_and_not_created() throws SQLException {
        String empty = EmptyDatabase.create();
        Answered told = Answered.by("runs", "list", "--database", empty);
        assertThat(told.code()).isEqualTo(1);
        assertThat(told.out()).isEmpty();
        assertThat(told.err()).contains("the tables of the ledger are missing. Apply ");
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setURL(empty);
        try (Connection connection = source.getConnection();
                Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery("SELECT to_regclass('hapax_run')")) {
            row.next();
            assertThat(row.getString(1)).isNull();
        }
    }

    private String state(String run) {
        return runs("show", run, "--json").json().at("/run/state").asText();
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
