package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

/** What lines that a job logs say of its run. */
class LogContextTest {

    private final ManualTicker ticker = new ManualTicker();
    private final FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
    private final JobGuard guard = JobGuard.builder(store).ticker(ticker).build();

    /** By another thread. */
    private final List<String> seen = new CopyOnWriteArrayList<>();

    private static Map<String, String> context() {
        return Objects.requireNonNullElse(MDC.getCopyOfContextMap(), Map.of());
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(guard.admit(request));
    }

    @BeforeEach
    void clear() {
        MDC.clear();
    }

    @AfterEach
    void close() {
        MDC.clear();
        store.healthy();
        guard.close();
    }

    @Test
    void within_a_run_the_context_names_job_keys_owner_and_token_and_afterwards_nothing() throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("k").once("r").job("report"))) {
            assertThat(context()).as("admitted, not entered").isEmpty();
            try (GuardedRun.Scope scope = run.enter()) {
                assertThat(context())
                        .containsOnly(
                                Map.entry("hapax.job", "report"),
                                Map.entry("hapax.key", "k"),
                                Map.entry("hapax.occurrence", "r"),
                                Map.entry(
                                        "hapax.owner",
                                        run.lease().orElseThrow().owner().value()),
                                Map.entry("hapax.token", run.fencingToken().toString()));
            }
            assertThat(context()).isEmpty();
        }
    }

    @Test
    void whoever_takes_part_in_a_run_has_it_as_the_current_one_and_its_context_until_that_is_over() throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("k").job("report"));
                GuardedRun.Scope entered = run.enter()) {
            Map<String, String> before = context();
            Thread other = new Thread(() -> {
                try (GuardedRun.Scope part = run.takePart()) {
                    seen.add(CurrentRun.find().orElseThrow().job() + context().equals(before));
                    guard.run(RunRequest.lock("inner").job("second"), inner -> {
                        try (GuardedRun.Scope again = run.takePart()) {
                            seen.add(CurrentRun.get().job() + context().equals(before));
                        }
                        return seen.add(CurrentRun.get().job() + context().get("hapax.job"));
                    });
                    seen.add(CurrentRun.get().job() + context().equals(before));
                } catch (InterruptedException e) {
                    seen.add("interrupted");
                }
                seen.add(CurrentRun.find().isPresent() + context().toString());
            });
            other.start();
            other.join();
            assertThat(seen).containsExactly("reporttrue", "reporttrue", "secondsecond", "reporttrue", "false{}");
            assertThat(CurrentRun.get()).isSameAs(run);
        }
    }

    @Test
    void what_the_application_has_put_there_stays() throws Exception {
        MDC.put("request", "7");
        MDC.put("hapax.job", "the application's own");
        guard.run(RunRequest.lock("k"), run -> {
            assertThat(context()).containsEntry("request", "7").containsEntry("hapax.job", "k");
            MDC.put("step", "2");
            return null;
        });
        assertThat(context())
                .containsOnly(
                        Map.entry("request", "7"),
                        Map.entry("hapax.job", "the application's own"),
                        Map.entry("step", "2"));
    }

    @Test
    void a_run_within_a_run_has_its_own_context_and_the_outer_one_comes_back() throws Exception {
        guard.run(RunRequest.lock("outer").once("o").job("first"), outer -> {
            Map<String, String> before = context();
            guard.run(RunRequest.lock("inner").job("second"), inner -> {
                assertThat(context())
                        .containsEntry("hapax.job", "second")
                        .containsEntry("hapax.key", "inner")
                        .doesNotContainKey("hapax.occurrence")
                        .containsEntry(
                                "hapax.owner",
                                inner.lease().orElseThrow().owner().value());
                return null;
            });
            assertThat(context()).isEqualTo(before);
            return null;
        });
        assertThat(context()).isEmpty();
    }

    @Test
    void a_run_that_fails_or_was_lost_before_it_began_leaves_nothing_behind() throws Exception {
        assertThatThrownBy(() -> guard.run(RunRequest.lock("k"), run -> {
                    throw new IllegalStateException("broken");
                }))
                .hasMessage("broken");
        assertThat(context()).isEmpty();

        GuardedRun late = admitted(RunRequest.lock("k"));
        ticker.advance(Duration.ofSeconds(31));
        assertThatThrownBy(late::enter).isInstanceOf(LeaseLostException.class);
        assertThat(context()).isEmpty();
        late.close();
    }

    @Test
    void a_run_without_a_lease_has_neither_owner_nor_token() throws Exception {
        store.failAcquires();
        try (GuardedRun run = admitted(
                        RunRequest.lock("k").tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)));
                GuardedRun.Scope scope = run.enter()) {
            assertThat(context()).containsOnlyKeys("hapax.job", "hapax.key");
        }
    }
}
