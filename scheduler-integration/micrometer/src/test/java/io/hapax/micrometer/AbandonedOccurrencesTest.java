package io.hapax.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AbandonedOccurrencesTest {

    private static final Duration NANO = Duration.ofNanos(1);

    private final MockClock clock = new MockClock();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
    private final GuardMetrics metrics = new GuardMetrics(registry);
    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
    private final List<JobGuard> guards = new ArrayList<>();

    private final AtomicInteger questions = new AtomicInteger();
    /** What happens to the ledger's list on its way to whoever has asked. */
    private volatile UnaryOperator<CompletionStage<?>> way = list -> list;

    private final JobGuard guard = watched(listing(ledger));

    @AfterEach
    void close() {
        guards.forEach(JobGuard::close);
    }

    private JobGuard watched(RunLedger runs) {
        JobGuard watched = JobGuard.builder(store)
                .ticker(ticker)
                .withoutLogging()
                .ledger(runs)
                .build();
        guards.add(watched);
        metrics.watch(watched);
        return watched;
    }

    private RunLedger listing(RunLedger wrapped) {
        return (RunLedger) Proxy.newProxyInstance(
                RunLedger.class.getClassLoader(), new Class<?>[] {RunLedger.class}, (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(wrapped, arguments);
                        if (!method.getName().equals("entries")) {
                            return answer;
                        }
                        questions.incrementAndGet();
                        return way.apply((CompletionStage<?>) answer);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private double gauge() {
        return registry.get("hapax.abandoned").gauge().value();
    }

    private void abandon(String occurrence) throws InterruptedException {
        RunRequest request =
                RunRequest.occurrence(occurrence).tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        GuardedRun run = guard.admit(request).fold(admitted -> admitted, refusal -> {
            throw new AssertionError(refusal);
        });
        run.enter().close();
        run.close();
    }

    private void resolve(String occurrence) {
        assertThat(guard.admin()
                        .resolve(RunRequest.occurrence(occurrence).identity(), RunState.DONE, "ann", "it was paid")
                        .join())
                .isTrue();
    }

    @Test
    void the_gauge_follows_the_ledger_which_is_asked_at_most_each_thirty_seconds() throws Exception {
        assertThat(gauge()).isZero();
        abandon("bill@1");
        abandon("bill@2");
        clock.add(AbandonedOccurrences.ASKED_EVERY.minus(NANO));
        assertThat(gauge()).isZero();
        assertThat(questions).hasValue(1);
        clock.add(NANO);
        assertThat(gauge()).isEqualTo(2);
        resolve("bill@1");
        clock.add(AbandonedOccurrences.ASKED_EVERY);
        assertThat(gauge()).isEqualTo(1);
        assertThat(questions).hasValue(3);
    }

    @Test
    void nobody_waits_for_a_ledger_that_takes_its_time() throws Exception {
        abandon("bill@1");
        CompletableFuture<Void> late = new CompletableFuture<>();
        way = list -> late.thenCompose(any -> list);
        assertThat(gauge()).isNaN();
        clock.add(AbandonedOccurrences.ASKED_EVERY);
        assertThat(gauge()).as("is not asked again before it has answered").isNaN();
        assertThat(questions).hasValue(1);
        way = list -> new CompletableFuture<>();
        late.complete(null);
        // A thread of the guard brings it.
        await().alias("an answer of thirty seconds ago").until(this::gauge, count -> count == 1);
        await().untilAsserted(() -> {
            assertThat(gauge()).isEqualTo(1);
            assertThat(questions).hasValue(2);
        });
    }

    @Test
    void an_answer_counts_for_five_minutes_while_the_ledger_does_not_give_another_one() throws Exception {
        abandon("bill@1");
        assertThat(gauge()).isEqualTo(1);
        way = list -> new CompletableFuture<>();
        clock.add(AbandonedOccurrences.KNOWN_FOR.minus(NANO));
        assertThat(gauge()).isEqualTo(1);
        clock.add(NANO);
        assertThat(gauge()).isNaN();
    }

    @Test
    void a_ledger_that_fails_is_not_known_and_asked_again_after_thirty_seconds() throws Exception {
        abandon("bill@1");
        assertThat(gauge()).isEqualTo(1);
        way = list -> CompletableFuture.failedFuture(new LedgerException("the database is down"));
        clock.add(AbandonedOccurrences.ASKED_EVERY);
        assertThat(gauge()).isNaN();
        way = list -> {
            throw new LedgerException("the ledger is closed");
        };
        assertThat(gauge()).isNaN();
        assertThat(questions).hasValue(2);
        clock.add(AbandonedOccurrences.ASKED_EVERY);
        assertThat(gauge()).isNaN();
        assertThat(questions).hasValue(3);
        way = list -> list;
        clock.add(AbandonedOccurrences.ASKED_EVERY);
        assertThat(gauge()).isEqualTo(1);
    }

    @Test
    void many_who_look_at_once_ask_once() {
        way = list -> new CompletableFuture<>();
        assertThat(IntStream.range(0, 10_000).parallel().mapToDouble(n -> gauge()))
                .allMatch(value -> Double.isNaN(value));
        assertThat(questions).hasValue(1);
    }

    @Test
    void guards_that_share_a_ledger_tell_each_occurrence_once_and_one_that_knows_is_enough() throws Exception {
        watched(ledger.otherClient());
        abandon("bill@1");
        assertThat(gauge()).isEqualTo(1);
        way = list -> CompletableFuture.failedFuture(new LedgerException("one client has no connection"));
        clock.add(AbandonedOccurrences.ASKED_EVERY);
        assertThat(gauge()).isEqualTo(1);
    }

    @Test
    void without_a_guard_nothing_is_known_and_without_a_ledger_nothing_is_abandoned() {
        SimpleMeterRegistry others = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
        GuardMetrics lonely = new GuardMetrics(others);
        assertThat(others.get("hapax.abandoned").gauge().value()).isNaN();
        try (JobGuard plain = JobGuard.builder(store).ticker(ticker).build()) {
            lonely.watch(plain);
            assertThat(others.get("hapax.abandoned").gauge().value()).isZero();
        }
    }
}
