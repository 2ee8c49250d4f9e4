package io.hapax.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.ledger.RunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault;
import io.hapax.testkit.InjectedFault.Answer;
import io.hapax.testkit.InjectedFault.Failed;
import io.hapax.testkit.InjectedFault.Thrown;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The number of abandoned occurrences comes back, whatever the ledger did meanwhile. */
class LedgerFaultsTest {

    private final MockClock clock = new MockClock();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
    private final ManualTicker ticker = new ManualTicker();
    private final FaultInjector faults = new FaultInjector();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final JobGuard guard = JobGuard.builder(store)
            .ticker(ticker)
            .withoutLogging()
            .ledger(faults.around(RunLedger.class, new InMemoryRunLedger(ticker)))
            .build();

    @AfterEach
    void close() {
        guard.close();
        store.close();
    }

    static List<InjectedFault> anything() {
        return List.of(
                new Thrown(new IllegalStateException("runtime")),
                new Thrown(new IllegalArgumentException("taken for the caller's mistake")),
                new Thrown(new AssertionError("error")),
                new Thrown(new OutOfMemoryError("virtual machine")),
                new Thrown(new Exception("sneaky")),
                new Failed(new AssertionError("error")),
                new Failed(new StackOverflowError()),
                Answer.NULL,
                Answer.STAGE_OF_NULL,
                Answer.CANCELLED,
                Answer.NEVER);
    }

    private double gauge() {
        return registry.get("hapax.abandoned").gauge().value();
    }

    @ParameterizedTest
    @MethodSource("anything")
    void the_gauge_is_not_a_number_while_the_ledger_fails_and_a_number_afterwards(InjectedFault fault) {
        new GuardMetrics(registry).watch(guard);
        faults.inject(RunLedger.class, "entries", fault, 1);
        assertThat(gauge()).isNaN();
        // For the answer that never comes.
        ticker.advance(Duration.ofMinutes(1));
        clock.add(AbandonedOccurrences.ASKED_EVERY);
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            clock.add(AbandonedOccurrences.ASKED_EVERY);
            return gauge() == 0;
        });
        assertThat(faults.calls(RunLedger.class, "entries")).isGreaterThanOrEqualTo(2);
    }
}
