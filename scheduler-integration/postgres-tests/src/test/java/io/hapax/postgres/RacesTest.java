package io.hapax.postgres;

import static io.hapax.postgres.Attempts.atOnce;
import static io.hapax.postgres.Attempts.brokenOff;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.nextRun;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunState;
import io.hapax.testkit.EmbeddedDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Eight workers, each with a ledger of its own, so that their requests meet in the database and not in a batch. */
@Tag("slow")
class RacesTest {

    private static final int WORKERS = 8;
    private static final int CYCLES = 2_000;

    private HikariDataSource pool;
    private List<PostgresRunLedger> ledgers;

    @BeforeEach
    void open() {
        pool = Attempts.pool(EmbeddedDatabase.shared(), WORKERS, Duration.ofSeconds(10));
        ledgers = IntStream.range(0, WORKERS)
                .mapToObj(n -> PostgresRunLedger.builder(pool)
                        .namespace("races")
                        .migrate(true)
                        .connections(1)
                        .answerTimeout(Duration.ofMinutes(1))
                        .build())
                .toList();
    }

    @AfterEach
    void close() {
        ledgers.forEach(PostgresRunLedger::close);
        pool.close();
    }

    @Test
    void of_eight_racing_takeovers_one_wins_with_a_higher_token() throws Exception {
        for (int round = 0; round < 5; round++) {
            JobIdentity identity = freshPair();
            Lease broken = brokenOff(ledgers.get(0), identity, AfterCrash.RERUN);
            List<Claim> answers = race(n -> identity);
            Claim.Claimed winner = onlyWinner(answers);
            assertThat(winner.lease().token()).isGreaterThan(broken.token());
            assertThat(winner.attempt()).isEqualTo(2);
            assertThat(get(ledgers.get(0).complete(broken))).isEqualTo(Completion.SUPERSEDED);
        }
    }

    @Test
    void of_racing_occurrences_that_take_a_lock_key_over_one_wins() throws Exception {
        for (int round = 0; round < 5; round++) {
            JobIdentity identity = freshPair();
            Lease broken = brokenOff(ledgers.get(0), identity, AfterCrash.RERUN);
            assertThat(onlyWinner(race(n -> nextRun(identity))).lease().token()).isGreaterThan(broken.token());
        }
    }

    @Test
    void of_racing_occurrences_of_one_lock_key_one_is_claimed_and_the_others_are_told_that_it_is_held()
            throws Exception {
        for (int round = 0; round < 40; round++) {
            JobIdentity identity = freshPair();
            onlyWinner(race(n -> nextRun(identity)));
        }
    }

    /** The gate queues them up with snapshots from before the first one's commit: the unique index refuses them. */
    @Test
    void occurrences_that_queue_at_the_gate_of_one_lock_key_are_not_failed_by_the_unique_index() throws Exception {
        JobIdentity identity = freshPair();
        List<Claim> answers;
        try (var blocker = pool.getConnection()) {
            blocker.setAutoCommit(false);
            Attempts.execute(
                    blocker,
                    "SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(E'\\x01', 'hapax', 'races', 'l"
                            + identity.lockKey().value() + "'), 0))");
            List<Callable<Claim>> tasks = new ArrayList<>();
            for (PostgresRunLedger ledger : ledgers.subList(1, WORKERS)) {
                tasks.add(() -> get(ledger.claim(request(nextRun(identity)))));
            }
            tasks.add(() -> {
                String queue = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'";
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(50);
                while (Attempts.number(EmbeddedDatabase.shared().dataSource(), queue) < WORKERS - 1) {
                    assertThat(System.nanoTime())
                            .as("all must come to the gate")
                            .isLessThan(end);
                }
                blocker.commit();
                return new Claim.Held(null, false, Duration.ZERO);
            });
            answers = atOnce(tasks);
        }
        onlyWinner(answers);
    }

    @Test
    void tokens_of_a_lock_key_grow_over_two_thousand_racing_claims() throws Exception {
        List<LockKey> keys = IntStream.range(0, 4)
                .mapToObj(n -> new LockKey(freshName("few")))
                .toList();
        Map<LockKey, List<Long>> tokens = new HashMap<>();
        keys.forEach(key -> tokens.put(key, new ArrayList<>()));
        Map<LockKey, AtomicInteger> holders = new HashMap<>();
        keys.forEach(key -> holders.put(key, new AtomicInteger()));
        AtomicInteger cycles = new AtomicInteger();
        List<Callable<Void>> tasks = new ArrayList<>();
        for (PostgresRunLedger ledger : ledgers) {
            tasks.add(() -> {
                for (int n = 0; cycles.get() < CYCLES; n++) {
                    LockKey key = keys.get(n % keys.size());
                    JobIdentity identity = n / keys.size() % 2 == 0
                            ? new JobIdentity(key, null)
                            : new JobIdentity(key, freshPair().runKey());
                    if (get(ledger.claim(request(identity))) instanceof Claim.Claimed claimed) {
                        assertThat(holders.get(key).incrementAndGet())
                                .as("holders")
                                .isEqualTo(1);
                        // Nobody else is here: the claim keeps them out.
                        tokens.get(key).add(claimed.lease().token().value());
                        cycles.incrementAndGet();
                        holders.get(key).decrementAndGet();
                        get(ledger.release(claimed.lease(), RunState.RELEASED));
                    }
                }
                return null;
            });
        }
        atOnce(tasks);
        assertThat(tokens.values().stream().mapToInt(List::size).sum()).isGreaterThanOrEqualTo(CYCLES);
        tokens.values().forEach(grown -> assertThat(grown).isSorted().doesNotHaveDuplicates());
    }

    private interface Wish {
        JobIdentity of(int worker);
    }

    private List<Claim> race(Wish wish) throws Exception {
        CyclicBarrier start = new CyclicBarrier(WORKERS);
        List<Callable<Claim>> tasks = new ArrayList<>();
        for (int n = 0; n < WORKERS; n++) {
            int worker = n;
            tasks.add(() -> {
                start.await(1, TimeUnit.MINUTES);
                return get(ledgers.get(worker).claim(request(wish.of(worker))));
            });
        }
        return atOnce(tasks);
    }

    private static Claim.Claimed onlyWinner(List<Claim> answers) {
        assertThat(answers).filteredOn(Claim.Held.class::isInstance).hasSize(answers.size() - 1);
        return answers.stream()
                .filter(Claim.Claimed.class::isInstance)
                .map(Claim.Claimed.class::cast)
                .findFirst()
                .orElseThrow();
    }
}
