package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.console.Console;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.Ticker;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class WatchedGuardTest {

    @Test
    void it_tells_the_consoles_of_all_workers_what_it_is_at() {
        InMemoryLeaseStore store = new InMemoryLeaseStore(Ticker.SYSTEM);
        WatchedGuard watched = WatchedGuard.open(store, new InMemoryRunLedger(Ticker.SYSTEM), "a long secret");
        try (JobGuard guard = watched.guard();
                Console console = watched.console()) {
            await().atMost(Duration.ofSeconds(40))
                    .untilAsserted(() -> assertThat(store.board()
                                    .summaries()
                                    .toCompletableFuture()
                                    .join())
                            .containsKey(guard.worker()));
        }
    }
}
