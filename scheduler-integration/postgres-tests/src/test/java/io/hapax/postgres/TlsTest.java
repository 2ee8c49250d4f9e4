package io.hapax.postgres;

import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.TestCertificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** On a PostgreSQL that the application's role reaches by TLS only, with certificates made for this test. */
@Tag("slow")
class TlsTest {

    private static TestCertificates certificates;
    private static TestCertificates others;
    private static EmbeddedDatabase database;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException, SQLException {
        certificates = TestCertificates.of("dns:localhost");
        others = TestCertificates.of("dns:localhost");
        Path access = Files.writeString(folder.resolve("pg_hba.conf"), """
                hostssl   all hapax    all scram-sha-256
                hostnossl all hapax    all reject
                host      all postgres all trust
                """);
        database = EmbeddedDatabase.start(Map.of(
                "ssl",
                "on",
                "ssl_cert_file",
                certificates.certificateFile().toString(),
                "ssl_key_file",
                certificates.keyFile().toString(),
                "hba_file",
                access.toString()));
        PostgresRunLedger.builder(database.dataSource())
                .namespace("postgres-test")
                .migrate(true)
                .build()
                .close();
        execute(database.dataSource(), "CREATE ROLE hapax LOGIN PASSWORD 'secret'");
        for (String grant : DocumentedGrants.statements("hapax")) {
            execute(database.dataSource(), grant);
        }
    }

    @AfterAll
    static void stop() {
        database.close();
        certificates.close();
        others.close();
    }

    private static DataSource source(String host, String parameters) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl("jdbc:postgresql://" + host + ":" + database.port() + "/postgres?" + parameters);
        source.setUser("hapax");
        source.setPassword("secret");
        return source;
    }

    private static String trusting(TestCertificates trusted) {
        return "sslmode=verify-full&sslrootcert=" + trusted.authorityFile();
    }

    @Test
    void with_the_authority_and_the_name_checked_a_ledger_works() {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(source("localhost", trusting(certificates)))
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            assertThat(get(ledger.complete(claimed(ledger, freshPair())))).isEqualTo(Completion.NOTED);
        }
        assertThat(PostgresRunLedger.builder(source("localhost", trusting(certificates)))
                        .namespace("postgres-test")
                        .examine(""))
                .noneMatch(finding -> finding.toString().contains("permission"));
    }

    private static void assertRefused(DataSource source, String... words) {
        assertThatThrownBy(() -> PostgresRunLedger.builder(source)
                        .namespace("postgres-test")
                        .build())
                .isInstanceOf(LedgerException.class)
                .hasMessageContainingAll(words);
        assertThat(PostgresRunLedger.builder(source).namespace("postgres-test").examine(""))
                .singleElement()
                .satisfies(finding -> assertThat(finding.toString()).contains(words));
    }

    @Test
    void the_certificate_of_another_authority_is_refused() {
        assertRefused(source("localhost", trusting(others)), "certificate is not trusted", "sslrootcert");
    }

    @Test
    void a_certificate_for_another_host_is_refused() {
        assertRefused(source("127.0.0.1", trusting(certificates)), "another host name");
    }

    @Test
    void without_tls_the_server_refuses() {
        assertRefused(source("localhost", "sslmode=disable"), "lets nobody in without TLS", "sslmode=verify-full");
    }

    @Test
    void a_server_without_tls_is_refused_where_tls_is_asked_for() {
        EmbeddedDatabase plain = EmbeddedDatabase.shared();
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(plain.jdbcUrl() + "?" + trusting(certificates));
        source.setUser(plain.user());
        assertRefused(source, "does not support SSL");
    }
}
