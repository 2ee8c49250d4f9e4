package io.hapax.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedDatabase;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** What is wrong, and how to mend it, are told apart by whoever knows both, whatever the texts are. */
class ExaminationTest {

    private static PGSimpleDataSource source() {
        return (PGSimpleDataSource) EmbeddedDatabase.shared().dataSource();
    }

    @Test
    void a_full_stop_in_the_words_of_the_server_does_not_end_the_problem() {
        PGSimpleDataSource source = source();
        source.setDatabaseName("no. 1");
        assertThat(PostgresRunLedger.builder(source).namespace("postgres-test").examine(""))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.problem())
                            .startsWith("the ledger could not be looked at: there is no such database (")
                            .contains("no. 1")
                            .endsWith(")");
                    assertThat(finding.remedy()).isEqualTo("Fix that, and check again");
                });
    }

    @Test
    void the_servers_words_and_the_remedy_are_told_apart() {
        PGSimpleDataSource source = source();
        source.setPortNumbers(new int[] {1});
        assertThat(PostgresRunLedger.builder(source).namespace("postgres-test").examine(""))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.problem())
                            .startsWith("the ledger could not be looked at: the connection failed (")
                            .endsWith(")");
                    assertThat(finding.remedy()).isEqualTo("Is PostgreSQL up and reachable?");
                });
    }
}
