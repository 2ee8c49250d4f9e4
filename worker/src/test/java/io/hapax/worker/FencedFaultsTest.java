package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunState;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.testkit.EmbeddedRedis;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * A payment through the fence, on a real Redis and PostgreSQL, while processes are killed and frozen between its steps and
 * Redis forgets or stops.
 */
@Tag("slow")
class FencedFaultsTest {

    /** Where a test waits until a lease has expired. */
    private static final Duration SHORT_TTL = Duration.ofSeconds(5);

    /** Where one must not expire though its process gets no processor for a while. */
    private static final Duration LONGER_TTL = Duration.ofSeconds(9);

    private static final String OUTLASTS = "outlasts";

    private static final Pattern ADMITTED = Pattern.compile("> admitted, attempt (\\d+)\\R");

    @TempDir
    private Path logs;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final String jdbcUrl = FleetTest.newDatabase();
    private final HikariDataSource database = DemoCommand.pool(jdbcUrl);
    private final List<Replica> payers = new ArrayList<>();
    private Duration ttl = SHORT_TTL;
    private JobGuard guard;

    @BeforeEach
    void start(TestInfo test) throws SQLException {
        ttl = test.getTags().contains(OUTLASTS) ? LONGER_TTL : SHORT_TTL;
        guard = StepwisePayer.guard(redis.url(), database, "test", ttl);
        try (Connection connection = database.getConnection();
                Statement sql = connection.createStatement()) {
            sql.execute("CREATE TABLE effect (worker text NOT NULL)");
        }
    }

    @AfterEach
    void stop() {
        payers.forEach(Replica::close);
        guard.close();
        database.close();
        redis.close();
    }

    private Replica payer(String name, AfterCrash afterCrash) {
        Replica payer = Replica.start(
                name, logs, StepwisePayer.class, StepwisePayer.arguments(name, redis.url(), jdbcUrl, afterCrash, ttl));
        payers.add(payer);
        await().atMost(Duration.ofMinutes(2)).until(payer::isUp);
        order(payer, "admitted, attempt ");
        return payer;
    }

    private static void order(Replica payer, String expected) {
        payer.say("go");
        eventually().until(() -> payer.log().contains("> " + expected));
    }

    private static ConditionFactory eventually() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20));
    }

    private static RunRequest payment() {
        return StepwisePayer.payment(AfterCrash.RERUN);
    }

    /** Tries until the earlier run's time is over. */
    private GuardedRun takeOver() {
        return eventually().until(() -> guard.admit(payment()).fold(run -> run, refusal -> null), run -> run != null);
    }

    private Refusal refused(RunRequest request) throws InterruptedException {
        return guard.admit(request)
                .fold(
                        run -> {
                            throw new AssertionError("was admitted: " + run);
                        },
                        refusal -> refusal);
    }

    /** The ledger counts a claim as well whose answer came too late on a busy machine, so that it was withdrawn. */
    private static int attempt(Replica payer) {
        Matcher line = ADMITTED.matcher(payer.log());
        assertThat(line.find()).isTrue();
        return Integer.parseInt(line.group(1));
    }

    /** A busy machine may be late to say what the ledger has. */
    private void pay(GuardedRun run) throws SQLException {
        try (GuardedRun.Scope scope = run.enter();
                Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            StepwisePayer.write(connection, "test");
            run.completeIn(connection);
            connection.commit();
        }
        assertThat(run.complete()).isIn(RunOutcome.COMPLETED, RunOutcome.UNCONFIRMED);
        assertThat(entry().state()).isEqualTo(RunState.DONE);
        assertThat(entry().token()).isEqualTo(run.fencingToken());
    }

    private List<String> effects() throws SQLException {
        List<String> workers = new ArrayList<>();
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT worker FROM effect")) {
            while (rows.next()) {
                workers.add(rows.getString(1));
            }
        }
        return workers;
    }

    private LedgerEntry entry() {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(database)
                .namespace("worker-test")
                .answerTimeout(Duration.ofSeconds(30))
                .build()) {
            return ledger.entry(payment().identity())
                    .toCompletableFuture()
                    .join()
                    .orElseThrow();
        }
    }

    @Test
    void a_holder_that_was_paused_commits_late_and_is_rolled_back() throws Exception {
        Replica paused = payer("paused", AfterCrash.RERUN);
        order(paused, "written");
        paused.freeze();
        GuardedRun taker = takeOver();
        assertThat(taker.attempt()).isGreaterThan(attempt(paused));
        pay(taker);

        paused.thaw();
        order(paused, "rolled back");
        order(paused, "ended LOST");
        assertThat(effects()).containsExactly("test");
        assertThat(entry().state()).isEqualTo(RunState.DONE);
        assertThat(entry().token()).isEqualTo(taker.fencingToken());
    }

    @Test
    void a_holder_that_died_between_its_effect_and_the_commit_has_had_no_effect() throws Exception {
        Replica killed = payer("killed", AfterCrash.RERUN);
        order(killed, "written");
        killed.kill();
        pay(takeOver());
        assertThat(effects()).containsExactly("test");
    }

    @Test
    @Tag(OUTLASTS)
    void a_holder_that_died_after_its_commit_is_not_repeated() throws Exception {
        Replica killed = payer("killed", AfterCrash.RERUN);
        order(killed, "written");
        order(killed, "committed");
        killed.kill();
        eventually().until(() -> refused(payment()).verdict() == Verdict.DONE);
        assertThat(effects()).containsExactly("killed");
    }

    @Test
    void a_takeover_works_when_redis_has_lost_everything_and_the_holder_is_dead() throws Exception {
        Replica killed = payer("killed", AfterCrash.RERUN);
        killed.kill();
        redis.restartEmpty();
        GuardedRun taker = takeOver();
        assertThat(taker.attempt()).isGreaterThan(attempt(killed));
        pay(taker);
    }

    @Test
    @Tag(OUTLASTS)
    void while_a_holder_is_alive_a_redis_that_lost_everything_lets_nobody_else_in() throws Exception {
        Replica holder = payer("holder", AfterCrash.RERUN);
        // A worker that never spoke to this Redis, and was told not to wait, trusts it blindly; the ledger does not.
        eventually().until(() -> {
            redis.command("FLUSHALL");
            try (JobGuard credulous = StepwisePayer.guard(redis.url(), database, "credulous", ttl)) {
                Admission answer = credulous.admit(payment());
                assertThat(answer).isInstanceOf(Admission.Refused.class);
                return answer.fold(run -> false, refusal -> refusal.verdict() == Verdict.RUNNING);
            }
        });
        order(holder, "written");
        order(holder, "committed");
        order(holder, "ended ");
        assertThat(holder.log()).containsPattern("> ended (COMPLETED|UNCONFIRMED)");
        redis.command("FLUSHALL");
        eventually().until(() -> refused(payment()).verdict() == Verdict.DONE);
        assertThat(effects()).containsExactly("holder");
    }

    @Test
    void with_abandon_a_run_that_died_is_left_for_a_person() throws Exception {
        Replica killed = payer("killed", AfterCrash.ABANDON);
        killed.kill();
        RunRequest request = StepwisePayer.payment(AfterCrash.ABANDON);
        eventually().until(() -> refused(request).verdict() == Verdict.ABANDONED);
        assertThat(entry().state()).isEqualTo(RunState.ABANDONED);
        assertThat(entry().worker()).isEqualTo("killed");
        assertThat(effects()).isEmpty();
    }

    @Test
    @Tag(OUTLASTS)
    void without_redis_nothing_begins_unless_the_ledger_alone_may_decide() throws Exception {
        Replica holder = payer("holder", AfterCrash.RERUN);
        redis.kill();
        assertThat(refused(payment()).verdict()).isEqualTo(Verdict.UNAVAILABLE);
        RunRequest ledgerOnly = payment().tune(options -> options.withWhenUnavailable(WhenUnavailable.LEDGER_ONLY));
        eventually().until(() -> refused(ledgerOnly).verdict() == Verdict.RUNNING);
        holder.kill();
        GuardedRun taker =
                eventually().until(() -> guard.admit(ledgerOnly).fold(run -> run, refusal -> null), run -> run != null);
        pay(taker);
        assertThat(effects()).containsExactly("test");
    }

    /** The old one is neither dead nor asleep; it just cannot renew, and does not listen. */
    @Test
    void a_holder_that_is_alive_and_was_taken_over_is_told_and_refused() throws Exception {
        GuardedRun old = takeOver();
        // Never entered, so never renewed.
        GuardedRun taker = takeOver();
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            StepwisePayer.write(connection, "old");
            assertThatThrownBy(() -> old.completeIn(connection)).isInstanceOf(LeaseLostException.class);
            connection.rollback();
        }
        assertThat(old.complete()).isEqualTo(RunOutcome.LOST);
        pay(taker);
        assertThat(effects()).containsExactly("test");
    }
}
