package io.hapax.console;

import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a worker says of itself, in words that {@code hapax doctor} reads. */
class ReporterTest {

    private final InMemoryLeaseStore store = new InMemoryLeaseStore(Ticker.SYSTEM);

    private void assertReports(boolean observes, String words) {
        try (Console console = Console.builder(store).build();
                JobGuard guard = JobGuard.builder(store)
                        .worker("alice")
                        .defaults(options -> options.withObserve(observes))
                        .withoutLogging()
                        .build()) {
            console.start(guard);
            await().atMost(Duration.ofSeconds(40))
                    .until(() -> reports().getOrDefault("alice", "").contains(words));
        }
    }

    private Map<String, String> reports() {
        return store.board().summaries().toCompletableFuture().join();
    }

    @Test
    void a_worker_that_only_observes_says_so() {
        assertReports(true, "\"observes\":true");
        assertReports(false, "\"observes\":false");
    }
}
