package io.hapax.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.testkit.FaultyLeaseStore;
import io.hapax.testkit.InMemoryLeaseStore;
import io.hapax.testkit.ManualTicker;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GuardMetricsTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final ManualTicker ticker = new ManualTicker();
    private final FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
    private final JobGuard guard = JobGuard.builder(store)
            .ticker(ticker)
            .withoutLogging()
            .listener(new GuardMetrics(registry, job -> !job.startsWith("invoice/")))
            .build();

    @AfterEach
    void close() {
        guard.close();
    }

    private double count(String name, String... tags) {
        return registry.get(name).tags(tags).counter().count();
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return guard.admit(request).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    @Test
    void runs_refusals_waits_and_holds_are_counted_per_job() throws Exception {
        RunRequest report = RunRequest.occurrence("report@1").job("report");
        GuardedRun run = admitted(report);
        ticker.advance(Duration.ofSeconds(3));
        run.complete();
        assertThat(guard.admit(report)).isInstanceOf(Admission.Refused.class);
        assertThat(count("hapax.runs", "job", "report", "outcome", "completed")).isEqualTo(1);
        assertThat(count("hapax.refused", "job", "report", "verdict", "done")).isEqualTo(1);
        assertThat(registry.get("hapax.hold")
                        .tag("job", "report")
                        .timer()
                        .totalTime(java.util.concurrent.TimeUnit.SECONDS))
                .isEqualTo(3.0);
        assertThat(registry.get("hapax.wait").tag("job", "report").timer().count())
                .isEqualTo(1);
    }

    @Test
    void losses_and_late_renewals_and_unguarded_runs_are_counted() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("slow"));
        try (var scope = run.enter()) {
            store.failRenewals();
            ticker.advance(Duration.ofSeconds(17));
            store.healthy();
            ticker.advance(Duration.ofSeconds(3));
            await().untilAsserted(() -> assertThat(
                            registry.get("hapax.renewal.margin").timer().count())
                    .isEqualTo(1));
            store.failRenewals();
            ticker.advance(Duration.ofSeconds(40));
            run.close();
        }
        await().untilAsserted(() -> assertThat(count("hapax.lost", "job", "slow", "reason", "not_renewed"))
                .isEqualTo(1));
        store.failAcquires();
        guard.run(RunRequest.lock("open").tune(o -> o.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)), r -> null);
        assertThat(count("hapax.unguarded", "job", "open")).isEqualTo(1);
    }

    @Test
    void names_that_carry_ids_share_one_tag_value() throws Exception {
        admitted(RunRequest.lock("invoice/1")).complete();
        admitted(RunRequest.lock("invoice/2")).complete();
        assertThat(count("hapax.runs", "job", "other")).isEqualTo(2);
    }

    @Test
    void a_forced_release_is_counted() throws Exception {
        RunRequest request = RunRequest.lock("k");
        GuardedRun run = admitted(request);
        guard.forceRelease(request.identity(), "alice", "gone").join();
        run.close();
        assertThat(count("hapax.forced", "job", "k")).isEqualTo(1);
    }
}
