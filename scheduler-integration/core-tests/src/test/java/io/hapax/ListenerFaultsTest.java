package io.hapax;

import static io.hapax.FaultScenario.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.hapax.event.GuardEvent;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.testkit.InjectedFault;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Whatever a listener throws at whichever event, the other listeners get it and the guard goes on. */
class ListenerFaultsTest {

    /** Makes a guard tell an event. */
    @FunctionalInterface
    private interface Drama {
        void play(FaultWorld world) throws Exception;
    }

    private static final Map<Class<?>, Drama> OBSERVED = Map.of(
            GuardEvent.WouldRefuse.class, ListenerFaultsTest::observedBesideOther,
            GuardEvent.RanTwice.class, ListenerFaultsTest::observedBesideOther);

    private static final Map<Class<?>, Drama> GUARDED = Map.of(
            GuardEvent.Acquired.class, world -> world.admit(request()),
            GuardEvent.Released.class, world -> world.admit(request()),
            GuardEvent.Refused.class,
                    world -> {
                        world.heldByOther(request());
                        world.admit(request());
                    },
            GuardEvent.Unguarded.class,
                    world -> {
                        world.faults().inject(LeaseStore.class, "acquire", failed(), 1);
                        world.faults().inject(RunLedger.class, "claim", failed(), 1);
                        world.admit(request().tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)));
                    },
            GuardEvent.RenewedLate.class, world -> withoutRenewals(world, Duration.ofMillis(600)),
            GuardEvent.Lost.class, world -> withoutRenewals(world, FaultWorld.TTL),
            GuardEvent.Forced.class,
                    world -> {
                        world.heldByOther(request());
                        world.guard()
                                .admin()
                                .forceRelease(request().identity(), "me", "gone")
                                .get();
                    },
            GuardEvent.Resolved.class,
                    world -> {
                        world.entered(request().tune(options -> options.withAfterCrash(AfterCrash.ABANDON)))
                                .close();
                        world.guard()
                                .admin()
                                .resolve(request().identity(), RunState.DONE, "me", "seen")
                                .get();
                    });

    private static final Map<Class<?>, Drama> DRAMAS = Stream.of(GUARDED, OBSERVED)
            .flatMap(dramas -> dramas.entrySet().stream())
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));

    private static void observedBesideOther(FaultWorld world) throws Exception {
        world.heldByOther(request());
        world.entered(request().tune(options -> options.withObserve(true))).complete();
    }

    private static InjectedFault failed() {
        return new InjectedFault.Failed(new LeaseStoreException("away"));
    }

    private static void withoutRenewals(FaultWorld world, Duration duration) throws Exception {
        GuardedRun run = world.entered(request());
        world.faults().inject(LeaseStore.class, "renew", failed());
        world.pass(duration);
        world.faults().healthy();
        world.pass(Duration.ofMillis(200));
        run.close();
    }

    @Test
    void every_event_has_a_drama() {
        assertThat(DRAMAS.keySet()).containsExactlyInAnyOrder(GuardEvent.class.getPermittedSubclasses());
    }

    @TestFactory
    Stream<DynamicTest> whatever_a_listener_throws_nothing_else_is_affected() {
        List<Throwable> failures = List.of(
                new IllegalStateException("injected"),
                new AssertionError("injected"),
                new OutOfMemoryError("injected"),
                new IOException("injected"));
        return Arrays.stream(GuardEvent.class.getPermittedSubclasses())
                .flatMap(event -> failures.stream()
                        .map(failure ->
                                dynamicTest(event.getSimpleName() + " × " + failure, () -> check(event, failure))));
    }

    /** On a thread that may never come back, as a listener must keep nobody. */
    private static void check(Class<?> event, Throwable failure) throws Exception {
        FaultWorld.Call call = new FaultWorld.Call(() -> {
            FaultWorld world = new FaultWorld(true, told -> {
                if (event.isInstance(told)) {
                    FaultWorld.sneak(failure);
                }
            });
            Objects.requireNonNull(DRAMAS.get(event)).play(world);
            FaultWorld.patiently("the other listener is told")
                    .until(() -> world.events().all().stream().anyMatch(event::isInstance));
            world.recover(request());
            return "done";
        });
        assertThat(call.inRealTime()).isEqualTo("done");
    }
}
