package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.LeaseAdmin;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.FaultyRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** A listener that blocks holds the caller that acquires or ends a run, and nobody else: leases are renewed, and others are admitted. */
class BlockedListenerTest {

    private static final Duration TTL = Duration.ofSeconds(3);
    private static final String BLOCKED = "blocked";
    private static final RunRequest KEY = RunRequest.lock(BLOCKED);
    private static final RunRequest ONCE = RunRequest.occurrence(BLOCKED);

    private final CountDownLatch goOn = new CountDownLatch(1);

    @AfterEach
    void let_it_go_on() {
        goOn.countDown();
    }

    /** Blocks at some events of one job. */
    private static final class Blocking implements GuardListener {

        private final Predicate<GuardEvent> where;
        private final CountDownLatch goOn;
        private final CountDownLatch isBlocked = new CountDownLatch(1);

        Blocking(Class<? extends GuardEvent> type, CountDownLatch goOn) {
            this.where = event ->
                    type.isInstance(event) && event.identity().toString().contains(BLOCKED);
            this.goOn = goOn;
        }

        @Override
        public void on(GuardEvent event) {
            if (where.test(event)) {
                isBlocked.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        boolean isBlocked() {
            return isBlocked.getCount() == 0;
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "caller");
        thread.setDaemon(true);
        thread.start();
    }

    // Ends that nobody waits for.

    /** A guard on a store that notes no release, beside a run that is to be renewed while a listener blocks at the end of another one. */
    private void assertRenewedDuring(Predicate<GuardedRun> end) throws Exception {
        ManualTicker ticker = new ManualTicker();
        FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(ticker));
        Blocking listener = new Blocking(GuardEvent.Released.class, goOn);
        try (JobGuard guard = JobGuard.builder(store)
                .ticker(ticker)
                .defaults(options -> options.withTtl(TTL).withOnLeaseLost(OnLeaseLost.SIGNAL))
                .listener(listener)
                .build()) {
            GuardedRun bystander = Answered.run(guard.admit(RunRequest.lock("bystander")));
            try (GuardedRun.Scope working = bystander.enter()) {
                GuardedRun run = Answered.run(guard.admit(KEY));
                store.failReleases();
                try (GuardedRun.Scope scope = run.enter()) {
                    assertThat(end.test(run)).isTrue();
                }
                await().until(() -> {
                    ticker.advance(TTL.dividedBy(10));
                    return listener.isBlocked();
                });
                ticker.advance(TTL);
                assertThat(bystander.isHeld()).as("the other run is renewed").isTrue();
                store.healthy();
            }
            bystander.close();
            goOn.countDown();
        }
    }

    @Test
    void at_an_end_that_is_given_up_it_holds_no_renewal() throws Exception {
        assertRenewedDuring(run -> run.complete() == RunOutcome.COMPLETED);
    }

    @Test
    void at_an_end_that_has_failed_it_holds_no_renewal() throws Exception {
        assertRenewedDuring(run -> run.startEnd(true, true).isFirst());
    }

    // Events that arise where a port answers.

    /** All answers of store and ledger come on one thread, once the caller that has asked waits, or works on something else. */
    private static final class OneThread {

        private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
        private final Thread thread = new Thread(this::work, "port");
        private final AtomicInteger renewals = new AtomicInteger();

        OneThread() {
            thread.setDaemon(true);
            thread.start();
        }

        private void work() {
            try {
                while (true) {
                    tasks.take().run();
                }
            } catch (InterruptedException end) {
                Thread.currentThread().interrupt();
            }
        }

        <P> P around(Class<P> port, P inner) {
            return port.cast(Proxy.newProxyInstance(
                    port.getClassLoader(), new Class<?>[] {port}, (proxy, method, arguments) -> {
                        if (method.getName().equals("blocking")) {
                            return proxy;
                        }
                        Question<Object> question = () -> method.invoke(inner, arguments);
                        if (CompletionStage.class.isAssignableFrom(method.getReturnType())) {
                            return answered(method.getName(), () -> (CompletionStage<?>) called(question));
                        }
                        Object answer = called(question);
                        return answer instanceof LeaseAdmin admin ? around(LeaseAdmin.class, admin) : answer;
                    }));
        }

        private interface Question<T extends @Nullable Object> {
            T ask() throws Throwable;
        }

        private static <T extends @Nullable Object> T called(Question<T> question) throws Throwable {
            try {
                return question.ask();
            } catch (InvocationTargetException thrown) {
                throw thrown.getCause();
            }
        }

        private CompletableFuture<Object> answered(String name, Question<CompletionStage<?>> question) {
            Thread caller = Thread.currentThread();
            CompletableFuture<Object> answer = new CompletableFuture<>();
            tasks.add(() -> {
                while (caller != thread && isBusy(caller)) {
                    Thread.onSpinWait();
                }
                try {
                    var unused = question.ask().whenComplete((value, failure) -> {
                        boolean ignored =
                                failure == null ? answer.complete(value) : answer.completeExceptionally(failure);
                    });
                } catch (Throwable failure) {
                    answer.completeExceptionally(failure);
                }
                if (name.equals("renew")) {
                    renewals.incrementAndGet();
                }
            });
            return answer;
        }

        private static boolean isBusy(Thread caller) {
            return switch (caller.getState()) {
                case NEW, RUNNABLE, BLOCKED -> true;
                case WAITING, TIMED_WAITING, TERMINATED -> false;
            };
        }
    }

    /** A guard whose ports have one thread for all answers. */
    private static final class World {

        private final ManualTicker ticker = new ManualTicker();
        private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
        private final FaultyLeaseStore store = new FaultyLeaseStore(memory);
        private final FaultyRunLedger ledger = new FaultyRunLedger(new InMemoryRunLedger(ticker));
        private final OneThread port = new OneThread();
        private final Events events = new Events();
        private final JobGuard guard;

        World(boolean withLedger, GuardListener listener) {
            JobGuardBuilder builder = JobGuard.builder(port.around(AdministeredStore.class, store))
                    .ticker(ticker)
                    .defaults(options -> options.withTtl(TTL).withOnLeaseLost(OnLeaseLost.SIGNAL))
                    .listener(listener)
                    .listener(events);
            this.guard = (withLedger ? builder.ledger(port.around(RunLedger.class, ledger)) : builder).build();
        }

        GuardedRun admitted(RunRequest request) throws InterruptedException {
            return Answered.run(guard.admit(request));
        }

        void heldByOther() {
            try (JobGuard other = JobGuard.builder(memory.otherClient())
                    .ticker(ticker)
                    .worker("other")
                    .build()) {
                Answered.run(other.admitAsync(KEY).join());
            }
        }
    }

    /** Has an event arise, on the calling thread, which waits for what follows. */
    @FunctionalInterface
    private interface Drama {
        void play(World world) throws Exception;
    }

    private record Case(String name, boolean withLedger, Class<? extends GuardEvent> event, Drama drama) {}

    private static RunRequest tuned(RunRequest request, boolean observe) {
        return request.tune(options -> options.withObserve(observe).withWhenUnavailable(WhenUnavailable.FAIL_OPEN));
    }

    private static List<Case> cases() {
        return List.of(
                new Case("admit", false, GuardEvent.Acquired.class, world -> world.admitted(KEY)),
                new Case("admit with a ledger", true, GuardEvent.Acquired.class, world -> world.admitted(ONCE)),
                new Case(
                        "admitAsync",
                        false,
                        GuardEvent.Acquired.class,
                        world -> world.guard.admitAsync(KEY).join()),
                new Case("refused", false, GuardEvent.Refused.class, world -> {
                    world.heldByOther();
                    Answered.refusal(world.guard.admit(KEY));
                }),
                new Case("refused later", false, GuardEvent.Refused.class, world -> {
                    world.heldByOther();
                    Answered.refusal(world.guard.admitAsync(KEY).join());
                }),
                new Case("observed", false, GuardEvent.WouldRefuse.class, world -> {
                    world.heldByOther();
                    world.admitted(tuned(KEY, true));
                }),
                new Case("fail open", false, GuardEvent.Unguarded.class, world -> {
                    world.store.failAcquires(1);
                    world.admitted(tuned(KEY, false));
                }),
                new Case("fail open with a lease", true, GuardEvent.Unguarded.class, world -> {
                    world.ledger.down();
                    world.admitted(tuned(ONCE, false));
                }),
                new Case(
                        "complete",
                        false,
                        GuardEvent.Released.class,
                        world -> world.admitted(KEY).complete()),
                new Case(
                        "complete with a ledger",
                        true,
                        GuardEvent.Released.class,
                        world -> world.admitted(ONCE).complete()),
                new Case(
                        "fail",
                        false,
                        GuardEvent.Released.class,
                        world -> world.admitted(KEY).fail(new IllegalStateException("as if"))),
                new Case(
                        "close",
                        false,
                        GuardEvent.Released.class,
                        world -> world.admitted(KEY).close()),
                new Case(
                        "completeAsync",
                        false,
                        GuardEvent.Released.class,
                        world -> world.admitted(KEY).completeAsync().join()),
                new Case("forceRelease", false, GuardEvent.Forced.class, world -> {
                    world.heldByOther();
                    world.guard
                            .admin()
                            .forceRelease(KEY.identity(), "me", "gone")
                            .join();
                }),
                new Case("resolve", true, GuardEvent.Resolved.class, world -> {
                    GuardedRun run = world.admitted(ONCE.tune(options -> options.withAfterCrash(AfterCrash.ABANDON)));
                    run.enter().close();
                    run.close();
                    world.guard
                            .admin()
                            .resolve(ONCE.identity(), RunState.DONE, "me", "seen")
                            .join();
                }));
    }

    @TestFactory
    Stream<DynamicTest> where_a_port_answers_it_holds_neither_a_renewal_nor_another_caller() {
        return cases().stream().map(each -> dynamicTest(each.name(), () -> check(each)));
    }

    private static void check(Case each) throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        Blocking listener = new Blocking(each.event(), goOn);
        World world = new World(each.withLedger(), listener);
        try {
            GuardedRun bystander = world.admitted(RunRequest.lock("bystander"));
            try (GuardedRun.Scope working = bystander.enter()) {
                FutureTask<Boolean> drama = new FutureTask<>(() -> {
                    each.drama().play(world);
                    return world.events.all().stream().anyMatch(each.event()::isInstance);
                });
                start(drama);
                await().until(listener::isBlocked);
                world.store.healthy();
                world.ledger.healthy();
                int before = world.port.renewals.get();
                world.ticker.advance(TTL.multipliedBy(4).dividedBy(10));
                await("a renewal").until(() -> world.port.renewals.get() > before);
                FutureTask<Admission> another = new FutureTask<>(() -> world.guard.admit(RunRequest.lock("another")));
                start(another);
                await("another caller").until(another::isDone);
                Answered.run(another.get());
                assertThat(bystander.isHeld()).isTrue();
                goOn.countDown();
                await().until(drama::isDone);
                assertThat(drama.get())
                        .as("who waits for the answer finds that listeners have the event")
                        .isTrue();
            }
        } finally {
            goOn.countDown();
            world.guard.close();
        }
    }

    // The order of the events of one run.

    @Test
    void the_end_of_a_run_comes_after_a_start_that_another_listener_has_yet_to_take_in() throws Exception {
        ManualTicker ticker = new ManualTicker();
        InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
        Blocking listener = new Blocking(GuardEvent.Acquired.class, goOn);
        Events events = new Events();
        try (JobGuard guard = JobGuard.builder(store)
                .ticker(ticker)
                .defaults(options -> options.withTtl(TTL))
                .listener(listener)
                .listener(events)
                .build()) {
            start(new FutureTask<>(() -> guard.admit(KEY)));
            await().until(listener::isBlocked);
            ticker.advance(TTL);
            await().until(() -> store.admin()
                    .holder(KEY.identity())
                    .toCompletableFuture()
                    .join()
                    .isEmpty());
            goOn.countDown();
            await().until(() -> events.all().size() == 2);
            assertThat(events.all())
                    .extracting(event -> event.getClass().getSimpleName())
                    .containsExactly("Acquired", "Released");
        }
    }

    @Test
    void the_loss_of_a_run_comes_after_a_start_that_is_yet_to_be_taken_in() throws Exception {
        CountDownLatch mayStart = new CountDownLatch(1);
        Events events = new Events();
        World world = new World(false, event -> {
            if (event instanceof GuardEvent.Acquired) {
                try {
                    mayStart.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            events.on(event);
        });
        try {
            CompletableFuture<Admission> asked = world.guard.admitAsync(tuned(KEY, true));
            await().until(() -> world.store.acquireCalls() == 1 && world.guard.activeRuns() == 1);
            world.ticker.advance(TTL);
            mayStart.countDown();
            GuardedRun run = Answered.run(asked.join());
            await().until(() -> events.all().size() == 2);
            run.close();
            await().until(() -> events.all().size() == 3);
            assertThat(events.all())
                    .extracting(event -> event.getClass().getSimpleName())
                    .containsExactly("Acquired", "Lost", "Released");
            assertThat(events.of(GuardEvent.Lost.class).get(0).reason()).isEqualTo(LossReason.NOT_RENEWED);
        } finally {
            mayStart.countDown();
            world.guard.close();
        }
    }
}
