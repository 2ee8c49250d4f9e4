package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.event.LossReason;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault.Thrown;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.support.DefaultLifecycleProcessor;
import org.springframework.context.support.GenericApplicationContext;

/** The end of an application reaches every guard and every run, whatever goes wrong on the way. */
@Tag("slow")
class ShutdownFaultsTest {

    private static final Duration LONG = Duration.ofHours(1);

    private final FaultInjector faults = new FaultInjector();
    private final List<JobGuard> guards = new ArrayList<>();
    private final CountDownLatch gate = new CountDownLatch(1);
    private final List<Thread> workers = new ArrayList<>();

    @AfterEach
    void close() throws InterruptedException {
        boolean unused = Thread.interrupted();
        faults.healthy();
        gate.countDown();
        for (Thread worker : workers) {
            worker.join();
        }
        guards.forEach(JobGuard::close);
    }

    private JobGuard guard() {
        JobGuard guard = JobGuard.builder(faults.around(LeaseStore.class, new InMemoryLeaseStore(Ticker.SYSTEM)))
                .ledger(faults.around(RunLedger.class, new InMemoryRunLedger(Ticker.SYSTEM)))
                .withoutLogging()
                .build();
        guards.add(guard);
        return guard;
    }

    /** A run that ends with the test, on a thread of its own. */
    private GuardedRun atWork(JobGuard guard) {
        CompletableFuture<GuardedRun> begun = new CompletableFuture<>();
        Thread worker = new Thread(
                () -> {
                    try {
                        GuardedRun run = guard.admit(RunRequest.lock("k")).fold(admitted -> admitted, refusal -> {
                            throw new AssertionError(refusal);
                        });
                        try (run;
                                GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
                            begun.complete(run);
                            gate.await();
                        }
                    } catch (Throwable failure) {
                        begun.completeExceptionally(failure);
                    }
                },
                "worker");
        worker.start();
        workers.add(worker);
        // Fails soon where whoever is to begin does not.
        return begun.orTimeout(30, TimeUnit.SECONDS).join();
    }

    static List<Throwable> anything() {
        return List.of(
                new IllegalStateException("runtime"),
                new AssertionError("error"),
                new OutOfMemoryError("virtual machine"),
                new Exception("sneaky"));
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_guard_that_cannot_be_shut_down_holds_up_no_other(Throwable failure) throws Exception {
        JobGuard sick = guard();
        JobGuard well = guard();
        GuardedRun run = atWork(sick);
        GenericApplicationContext context = new GenericApplicationContext();
        DefaultLifecycleProcessor lifecycle = new DefaultLifecycleProcessor();
        lifecycle.setTimeoutPerShutdownPhase(LONG.toMillis());
        lifecycle.setBeanFactory(context.getBeanFactory());
        context.getBeanFactory().registerSingleton("lifecycleProcessor", lifecycle);
        GuardShutdown first = new GuardShutdown(sick, Duration.ZERO);
        context.registerBean("first", GuardShutdown.class, () -> first);
        context.registerBean("second", GuardShutdown.class, () -> new GuardShutdown(well, Duration.ZERO));
        context.refresh();
        faults.inject(LeaseStore.class, "answerTimeout", new Thrown(failure));
        faults.inject(RunLedger.class, "answerTimeout", new Thrown(failure));

        FutureTask<Boolean> closing = new FutureTask<>(context::close, true);
        new Thread(closing, "closer").start();
        closing.get(20, TimeUnit.SECONDS);
        assertThat(run.lost()).contains(LossReason.SHUTDOWN);
        assertThat(first.isRunning()).isFalse();
        faults.healthy();
        assertThat(well.admit(RunRequest.lock("other")).<Boolean>fold(admitted -> true, refusal -> false))
                .isFalse();
    }

    @ParameterizedTest
    @MethodSource("anything")
    void whoever_stops_a_guard_gets_no_exception(Throwable failure) throws Exception {
        JobGuard sick = guard();
        GuardedRun run = atWork(sick);
        faults.inject(LeaseStore.class, "answerTimeout", new Thrown(failure));
        faults.inject(RunLedger.class, "answerTimeout", new Thrown(failure));
        FutureTask<Boolean> stopping = new FutureTask<>(new GuardShutdown(sick, Duration.ZERO)::stop, true);
        new Thread(stopping, "closer").start();
        assertThat(stopping.get(20, TimeUnit.SECONDS)).isTrue();
        assertThat(run.lost()).contains(LossReason.SHUTDOWN);
    }

    @Test
    void an_interrupt_ends_the_grace_and_runs_are_told_and_the_flag_is_kept() throws Exception {
        JobGuard guard = guard();
        GuardedRun run = atWork(guard);
        FutureTask<Boolean> flag = new FutureTask<>(() -> {
            new GuardShutdown(guard, LONG).stop();
            return Thread.currentThread().isInterrupted();
        });
        Thread closer = new Thread(flag, "closer");
        closer.start();
        await().until(() -> closer.getState() == Thread.State.TIMED_WAITING);
        closer.interrupt();
        assertThat(flag.get(20, TimeUnit.SECONDS)).isTrue();
        assertThat(run.lost()).contains(LossReason.SHUTDOWN);
    }

    @Test
    void a_thread_that_comes_interrupted_tells_the_runs_as_well() {
        JobGuard guard = guard();
        GuardedRun run = atWork(guard);
        Thread.currentThread().interrupt();
        new GuardShutdown(guard, LONG).stop();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(run.lost()).contains(LossReason.SHUTDOWN);
    }
}
