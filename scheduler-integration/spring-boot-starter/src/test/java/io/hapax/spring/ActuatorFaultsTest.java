package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.LeaseAdmin;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault;
import io.hapax.testkit.InjectedFault.Answer;
import io.hapax.testkit.InjectedFault.Failed;
import io.hapax.testkit.InjectedFault.Thrown;
import io.hapax.time.Ticker;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;

/** The endpoint answers, whatever the store does, and is well again when that is. */
class ActuatorFaultsTest {

    private final FaultInjector faults = new FaultInjector();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final AdministeredStore store = faults.around(AdministeredStore.class, memory);
    private final JobGuard guard = JobGuard.builder(store).withoutLogging().build();
    private final HapaxEndpoint endpoint = new HapaxEndpoint(
            guard, new RecentEvents(InstantSource.fixed(Instant.EPOCH)), false, store.answerTimeout());

    @AfterEach
    void close() {
        faults.healthy();
        guard.close();
        store.close();
    }

    static List<InjectedFault> anything() {
        return List.of(
                new Thrown(new IllegalStateException("runtime")),
                new Thrown(new AssertionError("error")),
                new Thrown(new OutOfMemoryError("virtual machine")),
                new Thrown(new Exception("sneaky")),
                new Failed(new AssertionError("error")),
                new Failed(new IllegalStateException()),
                Answer.NULL,
                Answer.STAGE_OF_NULL,
                Answer.CANCELLED,
                Answer.NEVER);
    }

    @Test
    void a_store_that_answers_no_operators_is_not_asked() {
        LeaseStore hotPort = faults.around(LeaseStore.class, new InMemoryLeaseStore(Ticker.SYSTEM));
        try (JobGuard plain = JobGuard.builder(hotPort).withoutLogging().build()) {
            RecentEvents recent = new RecentEvents(InstantSource.fixed(Instant.EPOCH));
            WebEndpointResponse<Map<String, Object>> answer =
                    new HapaxEndpoint(plain, recent, false, hotPort.answerTimeout()).holder("lock", "k");
            assertThat(answer.getStatus()).isEqualTo(501);
            assertThat(answer.getBody().get("error")).asString().contains("has no administration");
        }
    }

    @ParameterizedTest
    @MethodSource("anything")
    void the_endpoint_answers_while_the_store_misbehaves(InjectedFault fault) throws Exception {
        faults.inject(LeaseAdmin.class, "holder", fault);
        FutureTask<Object> asked = new FutureTask<>(() -> endpoint.holder("lock", "k"));
        new Thread(asked, "caller").start();
        // Spring makes a failed answer of what is thrown.
        assertThatThrownBy(() -> asked.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(RuntimeException.class);
        faults.healthy();
        assertThat(endpoint.holder("lock", "k").getBody()).containsEntry("held", false);
    }
}
