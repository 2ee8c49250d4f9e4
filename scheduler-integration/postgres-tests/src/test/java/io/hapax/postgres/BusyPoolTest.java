package io.hapax.postgres;

import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.letPass;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Jobs hold every connection of their pool for longer than a claim lives. */
@Tag("slow")
class BusyPoolTest {

    private static final Duration TTL = Duration.ofSeconds(3);

    private final String namespace = freshName("busy");
    private final HikariDataSource jobs = Attempts.pool(EmbeddedDatabase.shared(), 2, Duration.ofSeconds(5));
    private final HikariDataSource elsewhere = Attempts.pool(EmbeddedDatabase.shared(), 4, Duration.ofSeconds(5));
    private final PostgresRunLedger ledger = PostgresRunLedger.builder(jobs)
            .namespace(namespace)
            .migrate(true)
            .answerTimeout(Attempts.PATIENCE)
            .build();
    private final PostgresRunLedger other =
            PostgresRunLedger.builder(elsewhere).namespace(namespace).build();

    @AfterEach
    void close() {
        ledger.close();
        other.close();
        jobs.close();
        elsewhere.close();
    }

    @Test
    void a_run_whose_job_and_its_neighbours_hold_every_connection_is_renewed_and_completes() throws Exception {
        JobIdentity identity = freshPair();
        Lease lease = claimed(ledger, request(identity, TTL, AfterCrash.ABANDON));
        get(ledger.begin(lease));
        try (Connection job = jobs.getConnection();
                Connection neighbour = jobs.getConnection()) {
            job.setAutoCommit(false);
            assertThat(neighbour.isValid(1)).isTrue();
            for (int third = 0; third < 4; third++) {
                letPass(TTL.dividedBy(3));
                assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
            }
            other.cleanUp();
            assertThat(ledger.completeIn(job, lease)).isEqualTo(Completion.NOTED);
            job.commit();
        }
    }
}
