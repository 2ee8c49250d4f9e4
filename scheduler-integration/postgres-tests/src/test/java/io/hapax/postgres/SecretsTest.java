package io.hapax.postgres;

import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.core.read.ListAppender;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.time.Ticker;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.LoggerFactory;

/** Passwords are in no line and no exception of the ledger, and hashed keys in no row. */
@Isolated
class SecretsTest {

    private static final String PASSWORD = "XyZZy-geheim-4711";
    private static final String PERSON = "jane.doe@example.org";

    private final List<String> said = new ArrayList<>();
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    private static Logger logger(String name) {
        return (Logger) LoggerFactory.getLogger(name);
    }

    @BeforeEach
    void listen() {
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger("ROOT").addAppender(lines);
        logger("io.hapax").setLevel(Level.DEBUG);
    }

    @AfterEach
    void nothing_has_told_a_secret() {
        logger("ROOT").detachAppender(lines);
        logger("io.hapax").setLevel(Level.INFO);
        for (ILoggingEvent line : lines.list) {
            said.add(line.getFormattedMessage());
            said.add(line.getMDCPropertyMap().toString());
            for (IThrowableProxy cause = line.getThrowableProxy(); cause != null; cause = cause.getCause()) {
                said.add(String.valueOf(cause.getMessage()));
            }
        }
        assertThat(said).isNotEmpty().noneMatch(text -> text.contains("XyZZy") || text.contains("jane"));
    }

    private void remember(Throwable failure) {
        assertThat(failure).isNotNull();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            said.add(cause.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:postgresql://127.0.0.1:PORT/nowhere?user=hapax&password=PASSWORD",
                "jdbc:postgresql://127.0.0.1:1/postgres?user=hapax&password=PASSWORD",
                "jdbc:postgresql://no-such-host.invalid/postgres?user=hapax&password=PASSWORD"
            })
    void a_database_that_does_not_let_us_in_keeps_its_password(String address) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(address.replace("PASSWORD", PASSWORD)
                .replace("PORT", String.valueOf(EmbeddedDatabase.shared().port())));
        PostgresRunLedger.Builder settings =
                PostgresRunLedger.builder(source).namespace("postgres-test").answerTimeout(Duration.ofSeconds(1));
        said.add(settings.toString());
        remember(catchThrowable(settings::build));
        settings.examine("").forEach(finding -> said.add(finding.toString()));
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(source.getUrl());
        config.setInitializationFailTimeout(-1);
        config.setConnectionTimeout(300);
        try (HikariDataSource pool = new HikariDataSource(config)) {
            remember(catchThrowable(() -> PostgresRunLedger.builder(pool)
                    .namespace("postgres-test")
                    .answerTimeout(Duration.ofSeconds(1))
                    .build()));
        }
    }

    @Test
    void with_hashed_keys_no_row_of_any_table_has_the_plain_key() throws Exception {
        EmbeddedDatabase database = EmbeddedDatabase.shared();
        var address = database.createDatabase("hashed_" + System.nanoTime());
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(address.dataSource())
                        .namespace("postgres-test")
                        .answerTimeout(Duration.ofSeconds(6))
                        .migrate(true)
                        .build();
                JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                        .ledger(ledger)
                        .hashKeys("0123456789abcdef")
                        .defaults(options -> options.withAfterCrash(AfterCrash.ABANDON))
                        .build()) {
            RunRequest request = RunRequest.lock("mail/" + PERSON).once("mail/" + PERSON + "@1");
            guard.run(request, run -> "sent");
            GuardedRun abandoned = guard.admit(RunRequest.occurrence(PERSON)).fold(run -> run, refusal -> {
                throw new AssertionError(refusal);
            });
            abandoned.enter().close();
            abandoned.close();
            assertThat(guard.admin()
                            .resolve(abandoned.identity(), RunState.DONE, "ann", "it was sent")
                            .join())
                    .isTrue();
            String rows = "";
            for (String table :
                    List.of("hapax_run", "hapax_renewal", "hapax_audit", "hapax_settings", "hapax_schema")) {
                rows += table + rows(address.dataSource().getConnection(), table);
            }
            assertThat(rows).contains(guard.kept(request.identity()).leaseName(), "RESOLVE_DONE", "keys=hmac/");
            said.add(rows);
        }
    }

    private static String rows(Connection opened, String table) throws SQLException {
        StringBuilder all = new StringBuilder();
        try (Connection connection = opened;
                Statement sql = connection.createStatement();
                ResultSet rows = sql.executeQuery("SELECT t::text FROM " + table + " t")) {
            while (rows.next()) {
                all.append(rows.getString(1)).append('\n');
            }
        }
        return all.toString();
    }
}
