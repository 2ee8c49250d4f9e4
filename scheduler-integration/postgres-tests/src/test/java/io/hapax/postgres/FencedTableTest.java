package io.hapax.postgres;

import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.number;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.FencingToken;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.OwnThread;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FencedTableTest {

    private static final FencingToken SLEEPER = new FencingToken(7);
    private static final FencingToken SUCCESSOR = new FencingToken(8);

    private static HikariDataSource database;

    private final FencedTable accounts = FencedTable.of("fenced_account");
    private Connection first;
    private Connection second;

    @BeforeAll
    static void connect() {
        database = Attempts.pool(EmbeddedDatabase.shared(), 8, Duration.ofSeconds(5));
    }

    @AfterAll
    static void disconnect() {
        database.close();
    }

    @BeforeEach
    void create() throws SQLException {
        execute(database, "DROP TABLE IF EXISTS fenced_account");
        execute(
                database,
                "CREATE TABLE fenced_account (id text PRIMARY KEY, balance bigint, fence bigint NOT NULL DEFAULT 0)");
        execute(database, "INSERT INTO fenced_account (id, balance) VALUES ('a', 100)");
        first = database.getConnection();
        second = database.getConnection();
    }

    @AfterEach
    void close() throws SQLException {
        first.close();
        second.close();
        execute(database, "DROP TABLE fenced_account");
    }

    @Test
    void a_run_that_was_taken_over_cannot_write_between_its_successors_read_and_write() throws SQLException {
        accounts.raise(first, "a", SLEEPER);
        accounts.raise(second, "a", SUCCESSOR);
        long read = balance();

        assertThatExceptionOfType(StaleWriteException.class)
                .isThrownBy(() -> accounts.update(first, "a", SLEEPER, "balance = balance - ?", 30))
                .withMessageContaining("the row a of fenced_account has seen the fencing token 8")
                .withMessageContaining("the older 7")
                .satisfies(refused -> {
                    assertThat(refused.token()).isEqualTo(SLEEPER);
                    assertThat(refused.newest()).isEqualTo(SUCCESSOR);
                });
        accounts.update(second, "a", SUCCESSOR, "balance = ?", read - 30);
        assertThat(balance()).isEqualTo(70);
    }

    @Test
    void without_raising_first_the_stale_write_is_accepted() throws SQLException {
        accounts.raise(first, "a", SLEEPER);
        accounts.update(first, "a", SLEEPER, "balance = balance - ?", 30);
        assertThat(balance())
                .as("this is why the fence is raised before reading")
                .isEqualTo(70);
    }

    @Test
    void a_run_that_raises_late_is_refused() throws SQLException {
        accounts.raise(second, "a", SUCCESSOR);
        assertThatExceptionOfType(StaleWriteException.class).isThrownBy(() -> accounts.raise(first, "a", SLEEPER));
    }

    @Test
    void the_older_run_waits_for_an_open_transaction_of_the_newer_one_and_is_then_refused() throws Exception {
        second.setAutoCommit(false);
        accounts.raise(second, "a", SUCCESSOR);
        CompletableFuture<Void> late = OwnThread.run(() -> {
            try {
                accounts.update(first, "a", SLEEPER, "balance = 0");
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        });
        Awaitility.await()
                .until(() -> number(
                                database,
                                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                        > 0);
        accounts.update(second, "a", SUCCESSOR, "balance = balance - 30");
        second.commit();

        assertThat(late)
                .failsWithin(30, TimeUnit.SECONDS)
                .withThrowableThat()
                .withCauseInstanceOf(StaleWriteException.class);
        assertThat(balance()).isEqualTo(70);
    }

    @Test
    void a_newer_run_that_rolls_back_refuses_nobody() throws SQLException {
        second.setAutoCommit(false);
        accounts.raise(second, "a", SUCCESSOR);
        second.rollback();
        accounts.update(first, "a", SLEEPER, "balance = ?", 1);
        assertThat(balance()).isEqualTo(1);
    }

    @Test
    void the_same_run_writes_again_and_again_also_null() throws SQLException {
        accounts.raise(first, "a", SLEEPER);
        accounts.update(first, "a", SLEEPER, "balance = ?", 5);
        accounts.update(first, "a", SLEEPER, "balance = ?", new Object[] {null});
        assertThat(number(database, "SELECT count(*) FROM fenced_account WHERE balance IS NULL AND fence = 7"))
                .isEqualTo(1);
    }

    @Test
    void a_row_that_is_not_there_is_no_success() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accounts.raise(first, "b", SLEEPER))
                .withMessageContaining("no row with id b in fenced_account")
                .withMessageContaining("insert it first");
    }

    @Test
    void a_fence_without_a_default_is_named_as_the_mistake() throws SQLException {
        execute(database, "ALTER TABLE fenced_account ALTER fence DROP NOT NULL");
        execute(database, "UPDATE fenced_account SET fence = NULL");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accounts.raise(first, "a", SLEEPER))
                .withMessageContaining("bigint NOT NULL DEFAULT 0");
    }

    @Test
    void assigning_nothing_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> accounts.update(first, "a", SLEEPER, " "))
                .withMessageContaining("nothing is assigned");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a; drop table a", "a.b.c", "\"a\"b\"", "1a"})
    void what_is_not_a_name_is_refused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FencedTable.of(text))
                .withMessageContaining("'" + text + "' cannot be the name");
    }

    @Test
    void names_with_schema_and_quotes_and_other_columns_work() throws SQLException {
        execute(
                database,
                "CREATE TABLE public.\"Fenced Odd\" (\"Key\" bigint PRIMARY KEY, \"The fence\" bigint NOT NULL)");
        try {
            execute(database, "INSERT INTO \"Fenced Odd\" VALUES (1, 0)");
            FencedTable.of("public.\"Fenced Odd\"", "\"Key\"", "\"The fence\"").raise(first, 1L, SLEEPER);
            assertThat(number(database, "SELECT \"The fence\" FROM \"Fenced Odd\""))
                    .isEqualTo(7);
        } finally {
            execute(database, "DROP TABLE \"Fenced Odd\"");
        }
    }

    private long balance() throws SQLException {
        return number(database, "SELECT balance FROM fenced_account");
    }
}
