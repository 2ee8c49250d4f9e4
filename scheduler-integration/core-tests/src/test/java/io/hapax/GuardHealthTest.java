package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.ServerHealth;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault;
import io.hapax.testkit.InjectedFault.Answer;
import io.hapax.testkit.InjectedFault.Failed;
import io.hapax.testkit.InjectedFault.Thrown;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Health answers, whatever store and ledger do, and is well again when these are. */
class GuardHealthTest {

    private final FaultInjector faults = new FaultInjector();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final AdministeredStore store = faults.around(AdministeredStore.class, memory);
    private final RunLedger ledger = faults.around(RunLedger.class, new InMemoryRunLedger(Ticker.SYSTEM));
    private final JobGuard guard =
            JobGuard.builder(store).ledger(ledger).withoutLogging().build();
    private final GuardHealth health = new GuardHealth(guard, store, ledger);

    @AfterEach
    void close() {
        faults.healthy();
        guard.close();
        store.close();
        ledger.close();
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

    /** On a thread of its own, so that a look that never ends fails. */
    private GuardHealth.Answer look() throws Exception {
        FutureTask<GuardHealth.Answer> look = new FutureTask<>(health::ask);
        new Thread(look, "prober").start();
        return look.get(60, TimeUnit.SECONDS);
    }

    /** Down while one method misbehaves, and up once it does not; returns what was told meanwhile. */
    private GuardHealth.Answer downWhile(Class<?> port, String method, InjectedFault fault, String told)
            throws Exception {
        faults.inject(port, method, fault);
        GuardHealth.Answer down = look();
        assertThat(down.status()).isEqualTo(GuardHealth.Status.DOWN);
        assertThat(down.details().get(told)).isNotIn("answers", "null", "");
        faults.healthy();
        assertThat(look().status()).isEqualTo(GuardHealth.Status.UP);
        return down;
    }

    @ParameterizedTest
    @MethodSource("anything")
    void health_is_down_while_the_store_misbehaves(InjectedFault fault) throws Exception {
        assertThat(downWhile(LeaseAdmin.class, "holder", fault, "store").details())
                .containsEntry("ledger", "answers");
    }

    @ParameterizedTest
    @MethodSource("anything")
    void health_is_down_while_the_ledger_misbehaves(InjectedFault fault) throws Exception {
        assertThat(downWhile(RunLedger.class, "entry", fault, "ledger").details())
                .containsEntry("store", "answers");
    }

    @ParameterizedTest
    @MethodSource("anything")
    void health_is_down_while_the_store_does_not_tell_of_its_servers(InjectedFault fault) throws Exception {
        GuardHealth.Answer unused = downWhile(LeaseAdmin.class, "servers", fault, "store");
    }

    /** A team that routes by health, or waits with a deployment until it is up, must not take it for ready. */
    @Test
    void health_is_out_of_service_while_nothing_is_granted_after_a_loss_of_memory() throws Exception {
        memory.quarantine(Duration.ofMinutes(1));
        GuardHealth.Answer waiting = look();
        assertThat(waiting.status()).isEqualTo(GuardHealth.Status.OUT_OF_SERVICE);
        assertThat(waiting.details().get("store"))
                .asString()
                .startsWith("grants nothing new: memory: quarantine for another ");
        memory.quarantine(Duration.ZERO);
        assertThat(look().status()).isEqualTo(GuardHealth.Status.UP);
    }

    /** As a quorum goes on. */
    @Test
    void health_is_up_while_most_servers_grant() {
        List<ServerHealth> servers = new ArrayList<>();
        servers.add(new ServerHealth("a", true, Duration.ZERO, ""));
        servers.add(new ServerHealth("b", true, Duration.ZERO, ""));
        servers.add(new ServerHealth("c", false, Duration.ZERO, "no answer"));
        assertThat(GuardHealth.trouble(servers)).isNull();
        assertThat(GuardHealth.trouble(List.of())).isNull();
        servers.set(0, new ServerHealth("a", false, Duration.ZERO, "quarantine"));
        assertThat(GuardHealth.trouble(servers)).isEqualTo("grants nothing new: a: quarantine; c: no answer");
    }

    @Test
    void health_is_down_if_not_even_the_time_out_can_be_asked_for() throws Exception {
        faults.inject(LeaseStore.class, "answerTimeout", new Thrown(new AssertionError("error")));
        assertThat(look().status()).isEqualTo(GuardHealth.Status.DOWN);
        faults.healthy();
        assertThat(look().status()).isEqualTo(GuardHealth.Status.UP);
    }

    @Test
    void a_store_that_answers_no_operators_is_not_asked() {
        LeaseStore hotPort = faults.around(LeaseStore.class, new InMemoryLeaseStore(Ticker.SYSTEM));
        try (JobGuard plain = JobGuard.builder(hotPort).withoutLogging().build()) {
            GuardHealth.Answer up = new GuardHealth(plain, hotPort, null).ask();
            assertThat(up.status()).isEqualTo(GuardHealth.Status.UP);
            assertThat(up.details()).containsEntry("store", "not asked: it answers no operators");
        }
    }
}
