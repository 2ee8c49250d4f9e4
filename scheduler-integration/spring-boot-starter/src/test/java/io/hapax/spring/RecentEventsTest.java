package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecentEventsTest {

    private final RecentEvents recent = new RecentEvents(InstantSource.fixed(Instant.EPOCH));

    @Test
    void what_is_rare_is_not_driven_out_by_what_happens_all_the_time() throws Exception {
        try (InMemoryLeaseStore store = new InMemoryLeaseStore(Ticker.SYSTEM);
                JobGuard guard = JobGuard.builder(store)
                        .withoutLogging()
                        .listener(recent)
                        .build()) {
            store.admin()
                    .pause(
                            new JobIdentity(new LockKey("paused"), null),
                            Duration.ofMinutes(1),
                            new Intervention("ops", "for a test"))
                    .toCompletableFuture()
                    .join();
            guard.run(RunRequest.lock("paused"), run -> 1);
            guard.run(RunRequest.occurrence("done"), run -> 1);
            for (int n = 0; n < 500; n++) {
                guard.run(RunRequest.occurrence("done"), run -> 1);
            }
        }
        List<Map<String, Object>> events = recent.newestFirst();
        assertThat(events)
                .hasSize(26)
                .last()
                .satisfies(event -> assertThat(event).containsEntry("why", "PAUSED"));
        assertThat(events.subList(0, 25)).allSatisfy(event -> assertThat(event).containsEntry("why", "DONE"));
    }

    @Test
    void what_is_only_observed_is_shown_with_who_was_in_the_way() throws Exception {
        try (InMemoryLeaseStore store = new InMemoryLeaseStore(Ticker.SYSTEM);
                JobGuard guard = JobGuard.builder(store)
                        .worker("here")
                        .withoutLogging()
                        .listener(recent)
                        .build()) {
            guard.run(RunRequest.occurrence("done"), run -> 1);
            guard.run(RunRequest.occurrence("done").tune(options -> options.withObserve(true)), run -> 1);
        }
        assertThat(recent.newestFirst())
                .extracting(event -> event.get("what"), event -> event.get("why"), event -> event.get("holder"))
                .containsExactly(tuple("ran-twice", "DONE", "here"), tuple("would-refuse", "DONE", "here"));
    }
}
