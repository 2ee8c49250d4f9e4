package io.hapax.postgres;

import static io.hapax.postgres.Attempts.LONG;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.LeaseFixture.granted;
import static io.hapax.postgres.LeaseFixture.held;
import static io.hapax.postgres.LeaseFixture.waiting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who waits for a key is woken by the server, by one connection that listens. */
@Tag("slow")
class LeaseWakeUpTest {

    private final String namespace = freshName("woken");
    private HikariDataSource pool;
    private PostgresLeaseStore holding;
    private PostgresLeaseStore waits;

    @BeforeEach
    void open() {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 6, Duration.ofSeconds(5));
        holding = store(true);
        waits = store(true);
    }

    private PostgresLeaseStore store(boolean listens) {
        return PostgresLeaseStore.builder(pool)
                .namespace(namespace)
                .migrate(true)
                .listens(listens)
                .answerTimeout(Duration.ofSeconds(15))
                .build();
    }

    @AfterEach
    void close() {
        holding.close();
        waits.close();
        pool.close();
    }

    private long listening() throws SQLException {
        return number(
                pool, "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN " + Channel.of(namespace) + "'");
    }

    /** The first waiter is woken when the session stands, as what was released before went unheard; later ones by a release. */
    private CompletableFuture<Void> chanceOfAHeardRelease(JobIdentity identity) {
        get(waits.nextChance(identity, LONG));
        held(waits, waiting(identity));
        return waits.nextChance(identity, LONG).toCompletableFuture();
    }

    @Test
    void a_release_wakes_who_waits_for_its_key_and_nobody_else() throws SQLException {
        JobIdentity identity = freshPair();
        Lease lease = granted(holding, identity);
        CompletableFuture<Void> chance = chanceOfAHeardRelease(identity);
        CompletableFuture<Void> another = waits.nextChance(freshPair(), LONG).toCompletableFuture();
        assertThat(listening()).isEqualTo(1);
        assertThat(chance).isNotDone();
        get(holding.release(lease, Ending.NOT_DONE));
        get(chance);
        assertThat(another).isNotDone();
        waits.close();
        get(another);
        assertThat(waits.wakeUps().waiters()).isZero();
    }

    @Test
    void a_session_that_broke_is_replaced_by_another_one_while_somebody_waits() throws SQLException {
        JobIdentity identity = freshPair();
        granted(holding, identity);
        CompletableFuture<Void> chance = chanceOfAHeardRelease(identity);
        assertThat(chance).isNotDone();
        execute(
                pool,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN " + Channel.of(namespace)
                        + "'");
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            var unused = waits.nextChance(freshPair(), Duration.ofSeconds(5));
            return chance.isDone();
        });
    }

    @Test
    void a_store_that_is_not_to_listen_opens_no_session_and_waiting_ends_by_itself() throws SQLException {
        try (PostgresLeaseStore deaf = store(false)) {
            JobIdentity identity = freshPair();
            granted(holding, identity);
            held(deaf, waiting(identity));
            get(deaf.nextChance(identity, Attempts.SHORT));
            assertThat(deaf.wakeUps().isListening()).isFalse();
            assertThat(listening()).isZero();
        }
    }
}
