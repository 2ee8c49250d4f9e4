package io.hapax.postgres;

import static io.hapax.postgres.Attempts.LONG;
import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.failure;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunState;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class InputsTest {

    private static HikariDataSource database;

    private final PostgresRunLedger.Builder builder =
            PostgresRunLedger.builder(database).namespace("postgres-test").answerTimeout(Attempts.PATIENCE);

    @BeforeAll
    static void open() {
        database = Attempts.pool(EmbeddedDatabase.shared(), 10, Duration.ofSeconds(10));
    }

    @AfterAll
    static void close() {
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "ä", "a/b", "12345678901234567890123456789012345678901234567890123456789012345"})
    void a_namespace_that_is_not_allowed_is_refused(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.namespace(name))
                .withMessage(
                        "setting namespace: '%s' is not allowed; use 1 to 64 letters, digits, '.', '_' or '-'", name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "A", "a;drop schema public", "a.b", "1a", "\"a\""})
    void a_schema_that_is_not_allowed_is_refused(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.schema(name))
                .withMessageStartingWith("setting schema: '" + name + "' is not allowed; use up to 63 lower-case");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT0.099S", "PT-1S", "PT10M1S", "PT2562047788015215H"})
    void an_answer_timeout_out_of_bounds_is_refused(String time) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.answerTimeout(Duration.parse(time)))
                .withMessage("setting answerTimeout: must be 100 ms to 10 min, was " + Duration.parse(time));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 17})
    void a_number_of_connections_out_of_bounds_is_refused(int count) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.connections(count))
                .withMessage("setting connections: must be 1 to 16, was " + count);
    }

    @Test
    void no_namespace_is_refused_with_what_to_set() {
        PostgresRunLedger.Builder unnamed = PostgresRunLedger.builder(database);
        assertThatIllegalArgumentException()
                .isThrownBy(unnamed::build)
                .withMessageStartingWith("setting namespace: is not set")
                .withMessageContaining("billing-production");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> unnamed.examine(""))
                .withMessageStartingWith("setting namespace: is not set");
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", "quartzScheduler", "QuartzScheduler", "DefaultQuartzScheduler"})
    void the_default_name_of_a_library_is_no_namespace(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.namespace(name))
                .withMessageStartingWith("setting namespace: '" + name + "' is the default of a library");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT-1S", "PT0.000000001S", "PT0.999S", "PT24H0.001S"})
    void an_interval_of_clean_ups_out_of_bounds_is_refused(String time) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.cleanUpEvery(Duration.parse(time)))
                .withMessage(
                        "setting cleanUpEvery: must be 1 s to 24 h, or zero for never, was " + Duration.parse(time));
    }

    @Test
    void no_data_source_is_refused_at_once() {
        assertThatNullPointerException()
                .isThrownBy(() -> PostgresRunLedger.builder(null))
                .withMessageContaining("give the ledger a DataSource");
    }

    @ParameterizedTest
    @EnumSource(
            value = RunState.class,
            names = {"RUNNING", "DONE"})
    void states_that_make_no_sense_are_named(RunState state) {
        try (PostgresRunLedger ledger = builder.migrate(true).build()) {
            Lease lease = claimed(ledger, freshPair());
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ledger.release(lease, state))
                    .withMessage("a run is released as FAILED, FAILED_FOR_GOOD, RELEASED, LOST or ABANDONED, not as "
                            + state);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ledger.resolve(lease.identity(), RunState.FAILED))
                    .withMessage("an abandoned run is resolved as DONE or RELEASED, not as FAILED");
        }
    }

    @Test
    void other_settings_are_named_with_those_of_the_workers_before_and_how_to_change_them() {
        try (PostgresRunLedger ledger =
                builder.namespace(freshName("settings")).migrate(true).build()) {
            ledger.agree("ttl=30s");
            assertThatIllegalStateException()
                    .isThrownBy(() -> ledger.agree("ttl=60s"))
                    .withMessageContaining("have the settings [ttl=30s], this one has [ttl=60s]")
                    .withMessageContaining("stop all workers and delete the namespace's row in hapax_settings");
        }
    }

    @Test
    void a_request_that_the_database_refuses_does_not_spoil_the_others_of_its_batch() {
        try (PostgresRunLedger ledger = builder.migrate(true).connections(1).build()) {
            List<CompletionStage<Claim>> good = new ArrayList<>();
            good.add(ledger.claim(request(freshPair())));
            CompletionStage<Claim> bad = ledger.claim(
                    new ClaimRequest(freshPair(), OwnerId.random(), "nul \u0000", LONG, AfterCrash.RERUN, LONG));
            for (int n = 0; n < 20; n++) {
                good.add(ledger.claim(request(freshPair())));
            }
            assertThat(failure(bad)).hasMessageStartingWith("the ledger did not claim an occurrence: ");
            good.forEach(stage -> assertThat(get(stage)).isInstanceOf(Claim.Claimed.class));
        }
    }

    @Test
    void a_retention_beyond_the_calendar_fails_only_its_own_claim() {
        try (PostgresRunLedger ledger = builder.migrate(true).connections(1).build()) {
            CompletionStage<Claim> first = ledger.claim(request(freshPair()));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ledger.claim(new ClaimRequest(
                            freshPair(), OwnerId.random(), "w", LONG, AfterCrash.RERUN, Duration.ofDays(365_000_000))))
                    .withMessageStartingWith("the retention of a claim must be from 1ms to 36500d, was ");
            CompletionStage<Claim> last = ledger.claim(request(freshPair()));
            assertThat(List.of(get(first), get(last))).hasOnlyElementsOfType(Claim.Claimed.class);
        }
    }

    @Test
    void a_database_that_is_not_there_and_a_role_that_is_not_known_are_named() {
        EmbeddedDatabase server = EmbeddedDatabase.shared();
        DatabaseAddress none =
                new DatabaseAddress("localhost", server.port(), "no_such_base", server.user(), server.password());
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> PostgresRunLedger.builder(none.dataSource())
                        .namespace("postgres-test")
                        .build())
                .withMessageStartingWith("the ledger cannot be opened: there is no such database");
        DatabaseAddress nobody = new DatabaseAddress("localhost", server.port(), "postgres", "no_such_role", "x");
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> PostgresRunLedger.builder(nobody.dataSource())
                        .namespace("postgres-test")
                        .build())
                .withMessageStartingWith("the ledger cannot be opened: the login was refused");
    }
}
