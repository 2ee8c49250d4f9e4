package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.hapax.FaultScenario.Promise;
import io.hapax.FaultWorld.Act;
import io.hapax.event.GuardListener;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Reservations;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.testkit.InjectedFault;
import io.hapax.testkit.InjectedFault.Answer;
import java.io.IOException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every method of every port and listener × every way to misbehave: the guard answers, runs are protected or told, and
 * nothing is left.
 */
class FaultMatrixTest {

    private static final List<Class<?>> PORTS = List.of(
            LeaseStore.class,
            AdministeredStore.class,
            LeaseAdmin.class,
            FleetBoard.class,
            Reservations.class,
            RunLedger.class,
            GuardListener.class,
            Consumer.class,
            GuardedBody.class);

    /** Rows that say: not called by the guard. The console, health checks and other programs do. */
    private static final Set<String> NOT_CALLED = Set.of(
            "AdministeredStore.board/0",
            "LeaseAdmin.forceRelease/1",
            "LeaseAdmin.leases/1",
            "LeaseAdmin.lease/2",
            "LeaseAdmin.pauses/1",
            "LeaseAdmin.history/2",
            "LeaseAdmin.audit/1",
            "FleetBoard.post/1",
            "FleetBoard.summaries/0",
            "FleetBoard.news/2",
            "LeaseAdmin.servers/0",
            "RunLedger.resolve/2",
            "RunLedger.audit/1",
            "Consumer.andThen/1");

    private static String row(Method method) {
        return method.getDeclaringClass().getSimpleName() + "." + method.getName() + "/" + method.getParameterCount();
    }

    private static Stream<Method> methods() {
        return PORTS.stream().flatMap(port -> Arrays.stream(port.getMethods()));
    }

    private static List<InjectedFault> faults() {
        List<InjectedFault> faults = new ArrayList<>();
        for (Throwable failure : List.of(
                new IllegalStateException("injected"),
                new OutOfMemoryError("injected"),
                new AssertionError("injected"),
                new IOException("injected"))) {
            faults.add(new InjectedFault.Thrown(failure));
            faults.add(new InjectedFault.Failed(failure));
        }
        faults.add(new InjectedFault.FailedAfterwards(new LeaseStoreException("injected")));
        faults.addAll(List.of(Answer.values()));
        return faults;
    }

    private record Cell(FaultScenario scenario, InjectedFault fault) {

        boolean fits() {
            return Arrays.stream(scenario.port().getMethods())
                    .anyMatch(method -> method.getName().equals(scenario.method())
                            && method.getParameterCount() == scenario.parameters()
                            && fault.fits(method));
        }

        @Override
        public String toString() {
            return scenario + " × " + fault;
        }

        void check() throws Exception {
            FaultWorld world = new FaultWorld(scenario.withLedger());
            Act act = scenario.preparation().in(world);
            int before = world.faults().calls(scenario.port(), scenario.method());
            world.faults().inject(scenario.port(), scenario.method(), fault);
            try {
                Object value = world.perform(act);
                if (scenario.promise() != Promise.VALUE_OR_FAILURE) {
                    assertThat(value).as("the answer").isNotNull();
                }
                if (value instanceof CompletableFuture<?> future) {
                    assertThat(settled(world, future)).as("the future's value").isNotNull();
                }
            } catch (Exception | AssertionError failure) {
                if (scenario.promise() != Promise.VALUE_OR_FAILURE
                        || String.valueOf(failure.getMessage()).contains("come to an end")) {
                    throw failure;
                }
            }
            // Callbacks are called on threads of their own.
            FaultWorld.patiently("calls of " + scenario.method())
                    .until(() -> world.faults().calls(scenario.port(), scenario.method()) > before);
            world.recover(FaultScenario.request());
        }

        private static @Nullable Object settled(FaultWorld world, CompletableFuture<?> future) throws Exception {
            CompletableFuture<?> either = future.handle((value, failure) -> failure != null ? failure : value);
            return world.finished(new FaultWorld.Call(either::get), "the guard's future");
        }
    }

    @TestFactory
    Stream<DynamicTest> whatever_a_port_does_the_guard_answers_protects_and_leaves_nothing() {
        // Most cells wait for something; several at once take less time. Threads of one that hangs do not outlive the
        // JVM.
        ExecutorService pool = Executors.newFixedThreadPool(12, task -> {
            Thread thread = new Thread(task, "cell");
            thread.setDaemon(true);
            return thread;
        });
        Map<Cell, CompletableFuture<Void>> cells = FaultScenario.all().stream()
                .flatMap(scenario -> faults().stream().map(fault -> new Cell(scenario, fault)))
                .filter(Cell::fits)
                .collect(Collectors.toMap(cell -> cell, cell -> checked(cell, pool), (a, b) -> a, LinkedHashMap::new));
        pool.shutdown();
        return cells.entrySet().stream()
                .map(cell -> dynamicTest(cell.getKey().toString(), () -> join(cell.getValue())));
    }

    private static CompletableFuture<Void> checked(Cell cell, ExecutorService pool) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        pool.execute(() -> {
            try {
                cell.check();
                result.complete(null);
            } catch (Throwable failure) {
                result.completeExceptionally(new AssertionError(cell + ": " + failure.getMessage(), failure));
            }
        });
        return result;
    }

    private static void join(CompletableFuture<Void> cell) throws Throwable {
        try {
            cell.get();
        } catch (ExecutionException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    @Test
    void every_method_of_a_port_has_a_row() {
        Set<String> scenarios = FaultScenario.all().stream()
                .map(scenario ->
                        scenario.port().getSimpleName() + "." + scenario.method() + "/" + scenario.parameters())
                .collect(Collectors.toSet());
        assertThat(scenarios).doesNotContainAnyElementsOf(NOT_CALLED);
        assertThat(Stream.concat(scenarios.stream(), NOT_CALLED.stream()))
                .as("rows of the matrix, a scenario or a word that the guard never calls it")
                .containsExactlyInAnyOrderElementsOf(
                        methods().map(FaultMatrixTest::row).collect(Collectors.toSet()));
    }

    @Test
    void the_guard_calls_no_method_whose_row_says_so() throws Exception {
        Set<Method> neverCalled = methods().collect(Collectors.toCollection(HashSet::new));
        for (FaultScenario scenario : FaultScenario.all()) {
            FaultWorld world = new FaultWorld(scenario.withLedger());
            Object unused = world.perform(scenario.preparation().in(world));
            // Callbacks are called on threads of their own.
            FaultWorld.patiently(scenario.toString())
                    .until(() -> methods()
                            .filter(method -> scenario.toString().startsWith(row(method) + " "))
                            .anyMatch(method -> world.faults().calls(method) > 0));
            assertThat(methods().filter(method -> NOT_CALLED.contains(row(method))))
                    .as(scenario.toString())
                    .allMatch(method -> world.faults().calls(method) == 0);
            neverCalled.removeIf(method -> world.faults().calls(method) > 0);
        }
        assertThat(neverCalled)
                .as("every other method is called, with all its overloads")
                .allMatch(method -> NOT_CALLED.contains(row(method)));
    }
}
