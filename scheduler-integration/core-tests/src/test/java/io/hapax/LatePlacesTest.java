package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.test.FaultyRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.LateLeaseStore;
import io.hapax.testkit.LateLeaseStore.Operation;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A place that is given up late is the place of that ask, and no later one of the same attempt. */
class LatePlacesTest {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final LateLeaseStore store = new LateLeaseStore(memory);
    private final FaultyRunLedger ledger = new FaultyRunLedger(new InMemoryRunLedger(ticker));
    private final JobGuard guard = JobGuard.builder(store)
            .worker("stalling")
            .ticker(ticker)
            .ledger(ledger)
            .build();

    @AfterEach
    void close() {
        guard.close();
    }

    private List<String> holders() {
        return memory.reservations()
                .orElseThrow()
                .holders("pace:mail")
                .toCompletableFuture()
                .join();
    }

    @Test
    void a_place_that_is_given_up_late_ends_no_place_of_the_next_ask() throws Exception {
        store.calls().next(Operation.GIVE_UP, 1);
        ledger.down();
        CompletableFuture<Admission> waiting = guard.admitAsync(RunRequest.lock("mail")
                .once("mail/1")
                .tune(options -> options.with("throttle", "1/10s"))
                .waitAtMost(Duration.ofHours(1)));
        List<String> first = holders();
        assertThat(first).hasSize(1);
        ledger.healthy();
        PassingTime.until(ticker, Duration.ofSeconds(1), waiting::isDone);
        GuardedRun run = Answered.run(waiting.get());
        List<String> second = holders();
        store.calls().carryOutAll();

        assertThat(holders()).hasSize(1).isEqualTo(second).isNotEqualTo(first);
        run.enter().close();
        run.complete();
    }
}
