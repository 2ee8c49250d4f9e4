package io.hapax.cli;

import io.hapax.lease.LeaseStoreException;
import io.hapax.ledger.RunLedger;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.postgres.PostgresRunLedger;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine.Option;

/** Where the ledger is, or the leases are. */
final class DatabaseOptions {

    private static final int LOGIN_SECONDS = 5;

    private static final String LEDGER = "ledger";
    /** Stands for a namespace where none matters. */
    private static final String ANY = "any";

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** What the driver has to say is in its exceptions, too. Held, as loggers are forgotten with their levels. */
    private static final Logger DRIVER = Logger.getLogger("org.postgresql");

    @Option(
            names = "--database",
            paramLabel = "URL",
            description = "jdbc:postgresql://host/db?user=…&password=… or postgres://user:password@host/db"
                    + " [DATABASE_URL]")
    private @Nullable String database;

    /** Whether the option or the variable says where it is. */
    boolean isNamed() {
        return !address().isEmpty();
    }

    private String address() {
        return CommonOptions.setting(database, "DATABASE_URL", "");
    }

    /** Without a pool, which takes longer to start than a command takes to answer. */
    private PGSimpleDataSource source(String what) {
        if (!isNamed()) {
            throw new IllegalArgumentException(
                    "name the PostgreSQL that has the " + what + " of the workers, with --database or DATABASE_URL");
        }
        String url = PostgresAddress.jdbcUrl("--database", address());
        DRIVER.setLevel(Level.OFF);
        PGSimpleDataSource source = new PGSimpleDataSource();
        try {
            source.setURL(url);
            if (source.getLoginTimeout() == 0) {
                // Of connecting and of the login: whatever listens there may not be PostgreSQL.
                source.setLoginTimeout(LOGIN_SECONDS);
            }
        } catch (IllegalArgumentException e) {
            // Its message has the password.
            throw new IllegalArgumentException(
                    "--database cannot be used: it is not an address that PostgreSQL's driver"
                            + " understands. Write jdbc:postgresql://host:5432/db?user=…&password=… (odd characters in percent signs)");
        }
        return source;
    }

    /** The server and the database, without credentials. */
    String place() {
        PGSimpleDataSource source = source(LEDGER);
        String[] hosts = source.getServerNames();
        int[] ports = source.getPortNumbers();
        String first = hosts.length == 0 ? "localhost" : String.valueOf(hosts[0]);
        int port = ports.length == 0 || ports[0] == 0 ? 5432 : ports[0];
        return first + ":" + port + "/" + source.getDatabaseName();
    }

    /** Whether one can connect at all. */
    boolean answers() {
        try (Connection connection = source(LEDGER).getConnection()) {
            return !connection.isClosed();
        } catch (SQLException unreachable) {
            return false;
        }
    }

    /** The namespaces whose workers keep a ledger there. */
    List<String> namespacesOfLedger() {
        return namespaces(LEDGER, "SELECT namespace FROM hapax_settings ORDER BY namespace", () -> open(ANY));
    }

    /** The namespaces whose workers keep leases there. */
    List<String> namespacesOfLeases() {
        return namespaces(
                "leases",
                "SELECT DISTINCT namespace FROM hapax_lease_settings ORDER BY namespace",
                () -> leases(ANY, PATIENCE).build());
    }

    /** @param opening says what is wrong, with a remedy, where the question fails */
    private List<String> namespaces(String what, String sql, Supplier<? extends AutoCloseable> opening) {
        try (Connection connection = source(what).getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> all = new ArrayList<>();
            while (rows.next()) {
                all.add(rows.getString(1));
            }
            return all;
        } catch (SQLException e) {
            try (AutoCloseable opened = opening.get()) {
                throw new LeaseStoreException("cannot look for namespaces in PostgreSQL: " + e.getMessage(), e);
            } catch (RuntimeException trouble) {
                throw trouble;
            } catch (Exception closing) {
                throw new LeaseStoreException("cannot look for namespaces in PostgreSQL: " + e.getMessage(), closing);
            }
        }
    }

    PostgresRunLedger.Builder builder(String namespace, Duration answerTimeout) {
        DataSource source = source(LEDGER);
        return PostgresRunLedger.builder(source)
                .namespace(namespace)
                .answerTimeout(answerTimeout)
                .connections(1)
                // Nothing is created, and nothing is forgotten.
                .migrate(false)
                .cleanUpEvery(Duration.ZERO);
    }

    PostgresLeaseStore.Builder leases(String namespace, Duration answerTimeout) {
        return PostgresLeaseStore.builder(source("leases"))
                .namespace(namespace)
                .answerTimeout(answerTimeout)
                .connections(1)
                // Nothing is created, and nothing is forgotten.
                .migrate(false)
                .cleanUpEvery(Duration.ZERO);
    }

    RunLedger open(String namespace) {
        return builder(namespace, PATIENCE).build();
    }
}
