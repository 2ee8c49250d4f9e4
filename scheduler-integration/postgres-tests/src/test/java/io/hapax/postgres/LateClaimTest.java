package io.hapax.postgres;

import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.number;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.ledger.AfterCrash;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.time.Ticker;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** PostgreSQL carries a claim out after the guard gave up waiting for it. */
@Tag("slow")
class LateClaimTest {

    private static final Duration ANSWER = Duration.ofSeconds(1);
    private static final Duration TTL = Duration.ofSeconds(5);

    private final String namespace = freshName("late");
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final HikariDataSource pool = Attempts.pool(EmbeddedDatabase.shared(), 6, Duration.ofSeconds(5));
    private final PostgresRunLedger ledger = ledger(ANSWER);
    private final PostgresRunLedger another = ledger(ANSWER);
    private final PostgresRunLedger looking = ledger(Attempts.PATIENCE);
    private final JobGuard guard = guard(ledger);
    private final JobGuard other = guard(another);
    private final RunRequest request = RunRequest.lock(freshName("lock"))
            .once(freshName("run"))
            .tune(options -> options.withAfterCrash(AfterCrash.ABANDON).withTtl(TTL));

    private PostgresRunLedger ledger(Duration answerTimeout) {
        return PostgresRunLedger.builder(pool)
                .namespace(namespace)
                .migrate(true)
                .answerTimeout(answerTimeout)
                .build();
    }

    private JobGuard guard(PostgresRunLedger its) {
        return JobGuard.builder(store.otherClient()).ledger(its).build();
    }

    @AfterEach
    void close() {
        guard.close();
        other.close();
        ledger.close();
        another.close();
        looking.close();
        pool.close();
    }

    @Test
    void a_claim_that_was_carried_out_after_its_caller_gave_up_blocks_for_one_ttl_and_abandons_nothing()
            throws Exception {
        try (Connection blocker = pool.getConnection()) {
            blocker.setAutoCommit(false);
            execute(
                    blocker,
                    "SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(E'\\x01', 'hapax', '" + namespace + "', 'l"
                            + request.identity().lockKey().value() + "'), 0))");
            String waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'";
            // On a busy machine a claim may be given up before it comes to the server.
            await("a claim that waits at the server")
                    .pollInSameThread()
                    .until(() -> refused(guard.admit(request)).verdict() == Verdict.UNAVAILABLE
                            && number(pool, waiting) > 0);
            assertThat(get(looking.entry(request.identity()))).isEmpty();
            blocker.commit();
        }
        await("the claim of nobody")
                .until(() -> get(looking.entry(request.identity())).isPresent());
        AtomicReference<Admission> answer = new AtomicReference<>();
        await("the deadline").until(() -> {
            answer.set(other.admit(request));
            return answer.get()
                    .<Boolean>fold(
                            run -> true,
                            refusal ->
                                    refusal.verdict() != Verdict.RUNNING && refusal.verdict() != Verdict.UNAVAILABLE);
        });
        GuardedRun run = answer.get().fold(admitted -> admitted, refusal -> {
            throw new AssertionError(refusal);
        });
        run.close();
    }

    private static Refusal refused(Admission admission) {
        return admission.fold(
                run -> {
                    throw new AssertionError("admitted " + run);
                },
                refusal -> refusal);
    }
}
