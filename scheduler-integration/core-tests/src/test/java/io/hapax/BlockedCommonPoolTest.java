package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.Verdict;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.BlockedCommonPool;
import io.hapax.time.Ticker;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** No time-out waits for the JDK's common pool, whose threads an application's blocking tasks may take all. */
@Timeout(300)
class BlockedCommonPoolTest {

    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final FaultyLeaseStore store = new FaultyLeaseStore(memory);
    private final JobGuard guard = JobGuard.builder(store).withoutLogging().build();

    private BlockedCommonPool pool;

    @BeforeEach
    void block_every_thread_of_the_pool() throws InterruptedException {
        pool = new BlockedCommonPool();
    }

    @AfterEach
    void let_it_go() {
        store.healthy();
        pool.close();
        guard.close();
    }

    private Verdict refused(RunRequest request) throws InterruptedException {
        return Answered.refusal(guard.admit(request)).verdict();
    }

    @Test
    void whoever_waits_for_a_key_is_told_when_the_time_is_over() throws Exception {
        GuardedRun holder = Answered.run(guard.admit(RunRequest.lock("k")));
        assertThat(refused(RunRequest.lock("k").waitAtMost(Duration.ofMillis(300))))
                .isEqualTo(Verdict.OVERLAP);
        assertThat(pool.isBlocked()).isTrue();
        holder.close();
    }

    @Test
    void a_store_that_never_answers_is_given_up() throws Exception {
        store.hangAcquires();
        assertThat(refused(RunRequest.lock("k"))).isEqualTo(Verdict.UNAVAILABLE);
        assertThat(pool.isBlocked()).isTrue();
    }
}
