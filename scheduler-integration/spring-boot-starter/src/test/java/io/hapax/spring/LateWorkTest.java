package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.OnConflict;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.RunOutcome;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import kotlin.coroutines.Continuation;
import kotlinx.coroutines.Dispatchers;
import kotlinx.coroutines.flow.Flow;
import kotlinx.coroutines.reactor.MonoKt;
import kotlinx.coroutines.reactor.ReactorFlowKt;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.test.util.AopTestUtils;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.ReactiveTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.reactive.AbstractReactiveTransactionManager;
import org.springframework.transaction.reactive.GenericReactiveTransaction;
import org.springframework.transaction.reactive.TransactionSynchronizationManager;
import org.springframework.transaction.reactive.TransactionalOperator;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionTemplate;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/** Methods whose work goes on when they have returned. */
@SpringBootTest(
        classes = LateWorkTest.Application.class,
        properties = {
            "spring.application.name=late",
            "hapax.defaults.wait-timeout=40s",
            "hapax.ignored-transaction-managers=reactive"
        })
@InMemoryHapax
class LateWorkTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);

    /** How runs have ended, by lock key. */
    private static final Map<String, List<RunOutcome>> ENDS = new ConcurrentHashMap<>();

    /** Hands out what a test gives it. */
    public static class Service {
        final AtomicInteger calls = new AtomicInteger();
        volatile CompletableFuture<String> stage = new CompletableFuture<>();
        volatile Mono<String> mono = Mono.empty();
        volatile Flux<Integer> flux = Flux.empty();

        @Guarded(key = "stage/%0")
        public CompletableFuture<String> stage(String name) {
            calls.incrementAndGet();
            assertThat(CurrentRun.get().identity()).hasToString("lock stage/" + name);
            return stage;
        }

        @Guarded(key = "stage/%0", ttl = "3s")
        public CompletableFuture<String> losingStage(String name) {
            return stage;
        }

        @Guarded(key = "stage/%0", onConflict = OnConflict.FAIL)
        public CompletionStage<String> failing(String name) {
            return stage;
        }

        @Guarded(key = "mono/%0")
        public Mono<String> mono(String name) {
            calls.incrementAndGet();
            return mono;
        }

        @Guarded(key = "mono/%0", ttl = "3s")
        public Mono<String> losingMono(String name) {
            calls.incrementAndGet();
            return mono;
        }

        @Guarded(key = "mono/%0", onConflict = OnConflict.FAIL)
        public Mono<String> failingMono(String name) {
            return mono;
        }

        @Guarded(key = "mono/%0", onConflict = OnConflict.WAIT)
        public Mono<String> waiting(String name) {
            return Mono.just("waited");
        }

        @Guarded(key = "mono/%0")
        public String sameKey(String name) {
            return CurrentRun.get().identity().toString();
        }

        @Guarded(key = "once/mono/%0", once = "once/mono/%0")
        public Mono<String> once(String name) {
            return Mono.just(name);
        }

        @Guarded(key = "flux/%0")
        public Flux<Integer> flux(String name) {
            return flux;
        }

        @Transactional(propagation = Propagation.NOT_SUPPORTED)
        @Guarded(key = "flux/%0")
        public Flux<String> apart(String name) {
            return Flux.just(name);
        }
    }

    /** Begins and ends transactions of nothing. */
    static final class NoDatabase extends AbstractPlatformTransactionManager {
        private static final long serialVersionUID = 1L;

        @Override
        protected Object doGetTransaction() {
            return new Object();
        }

        @Override
        protected void doBegin(Object transaction, TransactionDefinition definition) {}

        @Override
        protected void doCommit(DefaultTransactionStatus status) {}

        @Override
        protected void doRollback(DefaultTransactionStatus status) {}
    }

    /** Likewise, for reactive ones. */
    static final class NoReactiveDatabase extends AbstractReactiveTransactionManager {
        private static final long serialVersionUID = 1L;

        @Override
        protected Object doGetTransaction(TransactionSynchronizationManager synchronizations) {
            return new Object();
        }

        @Override
        protected Mono<Void> doBegin(
                TransactionSynchronizationManager synchronizations,
                Object transaction,
                TransactionDefinition definition) {
            return Mono.<Void>empty().publishOn(Schedulers.parallel());
        }

        @Override
        protected Mono<Void> doCommit(
                TransactionSynchronizationManager synchronizations, GenericReactiveTransaction transaction) {
            return Mono.empty();
        }

        @Override
        protected Mono<Void> doRollback(
                TransactionSynchronizationManager synchronizations, GenericReactiveTransaction transaction) {
            return Mono.empty();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableTransactionManagement
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {
        @Bean
        Service service() {
            return new Service();
        }

        @Bean(destroyMethod = "close")
        RunLedger ledger() {
            return new InMemoryRunLedger(Ticker.SYSTEM);
        }

        @Bean
        SuspendedService suspended() {
            return new SuspendedService();
        }

        @Bean
        FlowingService flowing() {
            return new FlowingService();
        }

        @Bean
        @Primary
        PlatformTransactionManager transactions() {
            return new NoDatabase();
        }

        @Bean
        ReactiveTransactionManager reactive() {
            return new NoReactiveDatabase();
        }

        @Bean
        GuardListener ends() {
            return event -> {
                if (event instanceof GuardEvent.Released released) {
                    ENDS.computeIfAbsent(
                                    String.valueOf(released.lease().identity().lockKey()),
                                    key -> new CopyOnWriteArrayList<>())
                            .add(released.outcome());
                }
            };
        }
    }

    @Autowired
    private Service service;

    @Autowired
    private SuspendedService suspended;

    @Autowired
    private FlowingService flowing;

    @Autowired
    private RunLedger ledger;

    @Autowired
    private JobGuard guard;

    @Autowired
    private PlatformTransactionManager transactions;

    @AfterEach
    void forget() throws Exception {
        target().calls.set(0);
        target().stage = new CompletableFuture<>();
    }

    private Service target() {
        return AopTestUtils.getTargetObject(service);
    }

    private boolean isHeld(String key) {
        return guard.admin()
                .holder(new JobIdentity(new LockKey(key), null))
                .join()
                .isPresent();
    }

    private void awaitEnds(String key, RunOutcome... outcomes) {
        await().atMost(LONGEST)
                .untilAsserted(
                        () -> assertThat(ENDS.getOrDefault(key, List.of())).containsExactly(outcomes));
        assertThat(isHeld(key)).isFalse();
    }

    private void takeAway(String key) {
        guard.admin()
                .forceRelease(new JobIdentity(new LockKey(key), null), "ops", "stuck")
                .join();
    }

    @Test
    void a_stage_is_guarded_until_it_is_complete() throws Exception {
        CompletableFuture<String> result = service.stage("done");
        assertThat(isHeld("stage/done")).isTrue();
        assertThat(service.stage("done")).isCompletedWithValue(null);
        assertThat(service.failing("done")).isCompletedExceptionally();
        assertThatThrownBy(() -> service.failing("done").toCompletableFuture().join())
                .hasCauseInstanceOf(RunRefusedException.class);
        assertThat(CurrentRun.find()).isEmpty();
        assertThat(result).isNotDone();
        target().stage.complete("work");
        assertThat(result.get(40, TimeUnit.SECONDS)).isEqualTo("work");
        awaitEnds("stage/done", RunOutcome.COMPLETED);
        assertThat(target().calls).hasValue(1);
    }

    @Test
    void a_stage_that_fails_is_a_run_that_failed() throws Exception {
        CompletableFuture<String> result = service.stage("failed");
        IllegalStateException failure = new IllegalStateException("broken");
        target().stage.completeExceptionally(failure);
        assertThatThrownBy(() -> result.get(40, TimeUnit.SECONDS)).hasCause(failure);
        awaitEnds("stage/failed", RunOutcome.FAILED);
    }

    @Test
    void a_stage_that_is_cancelled_is_released_and_its_source_told() throws Exception {
        CompletableFuture<String> source = target().stage;
        service.stage("cancelled").cancel(true);
        assertThat(source).isCancelled();
        awaitEnds("stage/cancelled", RunOutcome.RELEASED);
        assertThatThrownBy(() -> source.get(40, TimeUnit.SECONDS)).isInstanceOf(CancellationException.class);
    }

    @Test
    void a_stage_that_loses_its_lease_is_cancelled() throws Exception {
        CompletableFuture<String> source = target().stage;
        CompletableFuture<String> result = service.losingStage("lost");
        takeAway("stage/lost");
        await().atMost(LONGEST).until(result::isDone);
        assertThatThrownBy(() -> result.get(40, TimeUnit.SECONDS)).hasCauseInstanceOf(LeaseLostException.class);
        await().atMost(LONGEST).until(source::isCancelled);
        awaitEnds("stage/lost", RunOutcome.LOST);
    }

    @Test
    void a_stage_that_tells_nobody_of_its_end_is_a_run_that_failed() {
        IllegalStateException failure = new IllegalStateException("nobody may follow");
        target().stage = new CompletableFuture<>() {
            @Override
            public CompletableFuture<String> whenComplete(BiConsumer<? super String, ? super Throwable> action) {
                throw failure;
            }
        };
        assertThatThrownBy(() -> service.stage("untold")).isSameAs(failure);
        awaitEnds("stage/untold", RunOutcome.FAILED);
    }

    @Test
    void a_stage_in_a_transaction_of_its_caller_is_refused() {
        TransactionTemplate transaction = new TransactionTemplate(transactions);
        assertThatThrownBy(() -> transaction.execute(status -> service.stage("in a transaction")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Service.stage: it is called in a transaction")
                .hasMessageContaining("NOT_SUPPORTED");
    }

    @Test
    void a_flux_brings_what_is_asked_for_and_is_guarded_to_its_end() throws Exception {
        AtomicInteger made = new AtomicInteger();
        target().flux = Flux.range(1, 3).doOnNext(each -> made.incrementAndGet());
        List<Integer> got = new CopyOnWriteArrayList<>();
        CompletableFuture<String> end = new CompletableFuture<>();
        BaseSubscriber<Integer> slow = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                request(1);
            }

            @Override
            protected void hookOnNext(Integer value) {
                got.add(value);
            }

            @Override
            protected void hookOnComplete() {
                end.complete("end");
            }
        };
        service.flux("slow").subscribe(slow);
        await().atMost(LONGEST).until(() -> got.size() == 1);
        assertThat(made).hasValue(1);
        assertThat(isHeld("flux/slow")).isTrue();
        slow.request(2);
        assertThat(end.get(40, TimeUnit.SECONDS)).isEqualTo("end");
        assertThat(isHeld("flux/slow")).isFalse();
        assertThat(got).containsExactly(1, 2, 3);
        awaitEnds("flux/slow", RunOutcome.COMPLETED);
        target().flux = Flux.range(1, 3).concatWith(Flux.error(new IllegalStateException("broken")));
        assertThatThrownBy(() -> service.flux("failed").collectList().block(LONGEST))
                .hasMessage("broken");
        awaitEnds("flux/failed", RunOutcome.FAILED);
        target().flux = Flux.range(1, 3);
        assertThat(service.flux("first").take(1).blockLast(LONGEST)).isEqualTo(1);
        awaitEnds("flux/first", RunOutcome.RELEASED);
        assertThat(service.flux("all").collectList().block(LONGEST)).containsExactly(1, 2, 3);
    }

    /** What is left of their work would go on on a thread of the caller's, and there in its transaction. */
    @Test
    void in_a_transaction_of_their_caller_they_are_refused_whatever_their_own_advice() {
        TransactionTemplate transaction = new TransactionTemplate(transactions);
        for (Mono<String> apart : List.of(
                service.apart("apart").singleOrEmpty(),
                FlowCalls.of(flowing.apart("apart")),
                SuspendedCalls.of(rest -> suspended.apart("apart", rest)))) {
            assertThatThrownBy(() -> transaction.execute(status -> apart.block(LONGEST)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Service.apart: it is called in a transaction, which ends later");
            assertThat(apart.block(LONGEST)).isEqualTo("apart");
        }
    }

    /** Its coroutine is started when the transaction has begun, on whatever thread that is. */
    @Test
    void a_function_in_a_reactive_transaction_of_its_own_is_released_when_it_has_ended() throws Exception {
        Gate gate = new Gate();
        Mono<String> work = SuspendedCalls.of(rest -> suspended.transactional("transactional", gate, rest));
        Disposable cancelled = work.subscribe();
        assertThat(gate.isReached.await(40, TimeUnit.SECONDS)).isTrue();
        cancelled.dispose();
        await().during(Duration.ofMillis(300))
                .atMost(LONGEST)
                .failFast("it was given back", () -> ENDS.containsKey("suspended/transactional"))
                .until(() -> isHeld("suspended/transactional"));
        gate.isOpen.countDown();
        awaitEnds("suspended/transactional", RunOutcome.RELEASED);
        assertThat(work.block(LONGEST)).startsWith("boundedElastic");
        awaitEnds("suspended/transactional", RunOutcome.RELEASED, RunOutcome.COMPLETED);
    }

    /** What is called when somebody subscribes, in one of several languages. */
    interface Calls {
        AtomicInteger calls();

        /** What the work brings. */
        void source(@Nullable Mono<String> source);

        Mono<String> work(String name);

        Mono<String> losing(String name);

        Mono<String> failing(String name);

        Mono<String> waiting(String name);

        Mono<String> once(String name);

        @Nullable
        String sameKey(String name);
    }

    /** What holds for all of them. */
    abstract class Contract {

        private final String prefix;

        Contract(String prefix) {
            this.prefix = prefix;
        }

        private Calls work;

        abstract Calls calls();

        @BeforeEach
        void begin() {
            work = calls();
            work.calls().set(0);
        }

        private String key(String name) {
            return prefix + "/" + name;
        }

        @Test
        void each_subscription_is_a_run_and_without_one_nothing_is_called() throws Exception {
            work.source(Mono.just("value"));
            Mono<String> twice = work.work("twice");
            assertThat(work.calls()).hasValue(0);
            assertThat(twice.block(LONGEST)).isEqualTo("value");
            assertThat(isHeld(key("twice"))).isFalse();
            assertThat(twice.block(LONGEST)).isEqualTo("value");
            assertThat(work.calls()).hasValue(2);
            awaitEnds(key("twice"), RunOutcome.COMPLETED, RunOutcome.COMPLETED);
        }

        @Test
        void it_is_guarded_until_it_terminates() throws Exception {
            Sinks.One<String> source = Sinks.one();
            work.source(source.asMono());
            CompletableFuture<String> result = work.work("held").toFuture();
            await().atMost(LONGEST).until(() -> work.calls().get() == 1);
            assertThat(isHeld(key("held"))).isTrue();
            assertThat(work.work("held").blockOptional(LONGEST)).isEmpty();
            assertThatThrownBy(() -> work.failing("held").block(LONGEST)).isInstanceOf(RunRefusedException.class);
            CompletableFuture<String> waiting = work.waiting("held").toFuture();
            await().atMost(LONGEST).until(() -> !guard.admin().waiting().isEmpty());
            Disposable givesUp = work.waiting("held").subscribe();
            await().atMost(LONGEST).until(() -> guard.admin().waiting().size() == 2);
            givesUp.dispose();
            await().atMost(LONGEST).until(() -> guard.admin().waiting().size() == 1);
            assertThat(result).isNotDone();
            source.tryEmitValue("value");
            assertThat(result.get(40, TimeUnit.SECONDS)).isEqualTo("value");
            assertThat(waiting.get(40, TimeUnit.SECONDS)).isEqualTo("waited");
            awaitEnds(key("held"), RunOutcome.COMPLETED, RunOutcome.COMPLETED);
        }

        @Test
        void its_run_ends_as_it_terminates() throws Exception {
            work.source(Mono.empty());
            assertThat(work.work("empty").blockOptional(LONGEST)).isEmpty();
            awaitEnds(key("empty"), RunOutcome.COMPLETED);
            work.source(Mono.error(new IllegalStateException("broken")));
            assertThatThrownBy(() -> work.work("failed").block(LONGEST)).hasMessage("broken");
            awaitEnds(key("failed"), RunOutcome.FAILED);
            work.source(null);
            assertThatThrownBy(() -> work.work("null").block(LONGEST)).isInstanceOf(NullPointerException.class);
            awaitEnds(key("null"), RunOutcome.FAILED);
            work.source(Mono.never());
            Disposable subscription = work.work("cancelled").subscribe();
            await().atMost(LONGEST)
                    .until(() -> isHeld(key("cancelled")) && work.calls().get() == 4);
            subscription.dispose();
            awaitEnds(key("cancelled"), RunOutcome.RELEASED);
        }

        @Test
        void what_loses_its_lease_is_cancelled() throws Exception {
            CompletableFuture<String> cancelled = new CompletableFuture<>();
            work.source(Mono.<String>never().doOnCancel(() -> cancelled.complete("cancelled")));
            CompletableFuture<String> result = work.losing("lost").toFuture();
            await().atMost(LONGEST).until(() -> work.calls().get() == 1);
            takeAway(key("lost"));
            await().atMost(LONGEST).until(result::isDone);
            assertThatThrownBy(() -> result.get(40, TimeUnit.SECONDS)).hasCauseInstanceOf(LeaseLostException.class);
            assertThat(cancelled.get(40, TimeUnit.SECONDS)).isEqualTo("cancelled");
            awaitEnds(key("lost"), RunOutcome.LOST);
        }

        @Test
        void what_it_subscribes_to_under_its_key_is_the_same_run() throws Exception {
            Mono<String> inner = Mono.deferContextual(
                    context -> Mono.just(context.get(GuardedRun.class).identity() + ", " + work.sameKey("same")));
            work.source(inner);
            assertThat(work.work("same").block(LONGEST)).isEqualTo("lock " + key("same") + ", lock " + key("same"));
            work.source(work.waiting("same").flatMap(waited -> inner.publishOn(Schedulers.parallel())));
            assertThat(work.work("same").block(LONGEST)).isEqualTo("lock " + key("same") + ", lock " + key("same"));
            awaitEnds(key("same"), RunOutcome.COMPLETED, RunOutcome.COMPLETED);
        }

        @Test
        void what_would_wait_for_its_own_key_inside_of_another_run_is_refused_at_once() {
            target().flux = Flux.defer(
                    () -> work.waiting("own").map(String::length).onErrorComplete(RunRefusedException.class));
            work.source(
                    Mono.defer(() -> service.flux("between " + prefix).count().map(waited -> waited + " got it")));
            assertThat(work.work("own").block(LONGEST.dividedBy(2))).isEqualTo("0 got it");
        }

        @Test
        void code_that_outlives_its_run_asks_anew() throws Exception {
            GuardedRun ended = ((Admission.Admitted) guard.admit(RunRequest.lock(key("ended")))).run();
            ended.complete();
            work.source(Mono.just("value"));
            try (GuardedRun other = ((Admission.Admitted) guard.admit(RunRequest.lock(key("ended")))).run();
                    GuardedRun.Scope part = ended.takePart()) {
                assertThat(work.work("ended").blockOptional(LONGEST)).isEmpty();
                assertThat(work.sameKey("ended")).isNull();
                other.complete();
                assertThat(work.work("ended").block(LONGEST)).isEqualTo("value");
                assertThat(work.sameKey("ended")).isEqualTo("lock " + key("ended"));
            }
            assertThat(work.calls()).hasValue(1);
        }

        @Test
        void what_was_done_once_is_done_in_the_ledger_too_and_empty_the_second_time() {
            assertThat(work.once("x").block(LONGEST)).isEqualTo("x");
            String once = "once/" + key("x");
            assertThat(ledger.entry(new JobIdentity(new LockKey(once), new RunKey(once)))
                            .toCompletableFuture()
                            .join())
                    .hasValueSatisfying(entry -> assertThat(entry.state()).isEqualTo(RunState.DONE));
            assertThat(work.once("x").blockOptional(LONGEST)).isEmpty();
        }

        @Test
        void a_key_that_another_run_holds_is_waited_for_without_a_thread() throws Exception {
            CompletableFuture<String> waiting;
            try (GuardedRun holder = ((Admission.Admitted) guard.admit(RunRequest.lock(key("free")))).run();
                    GuardedRun.Scope scope = holder.enter()) {
                waiting = Mono.defer(() -> work.waiting("free"))
                        .subscribeOn(Schedulers.parallel())
                        .toFuture();
                await().atMost(LONGEST).until(() -> !guard.admin().waiting().isEmpty());
            }
            assertThat(waiting.get(40, TimeUnit.SECONDS)).isEqualTo("waited");
        }

        @Test
        void in_a_transaction_of_its_caller_it_is_refused() {
            TransactionalOperator reactive = TransactionalOperator.create(new NoReactiveDatabase());
            Mono<String> late = work.work("in a transaction");
            assertThatThrownBy(() -> reactive.transactional(late).block(LONGEST))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining(": it is subscribed to in a reactive transaction");
            TransactionTemplate transaction = new TransactionTemplate(transactions);
            assertThatThrownBy(() -> transaction.execute(status -> late.block(LONGEST)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("it is called in a transaction");
            assertThat(work.calls()).hasValue(0);
        }
    }

    @Nested
    class OfMono extends Contract {
        OfMono() {
            super("mono");
        }

        @Override
        Calls calls() {
            return new MonoCalls(service, target());
        }
    }

    /** Of methods that return a {@code Mono}. */
    record MonoCalls(Service service, Service target) implements Calls {
        @Override
        public AtomicInteger calls() {
            return target.calls;
        }

        @Override
        public void source(@Nullable Mono<String> source) {
            target.mono = source;
        }

        @Override
        public Mono<String> work(String name) {
            return service.mono(name);
        }

        @Override
        public Mono<String> losing(String name) {
            return service.losingMono(name);
        }

        @Override
        public Mono<String> failing(String name) {
            return service.failingMono(name);
        }

        @Override
        public Mono<String> waiting(String name) {
            return service.waiting(name);
        }

        @Override
        public Mono<String> once(String name) {
            return service.once(name);
        }

        @Override
        public @Nullable String sameKey(String name) {
            return service.sameKey(name);
        }
    }

    @Nested
    class OfSuspendFunction extends Contract {
        OfSuspendFunction() {
            super("suspended");
        }

        @Override
        Calls calls() {
            return new SuspendedCalls(suspended, AopTestUtils.getTargetObject(suspended));
        }
    }

    @Nested
    class OfFlow extends Contract {
        OfFlow() {
            super("flowing");
        }

        @Override
        Calls calls() {
            return new FlowCalls(flowing, AopTestUtils.getTargetObject(flowing));
        }
    }

    /** Of methods that return a flow, which brings one element, or none. */
    record FlowCalls(FlowingService service, FlowingService target) implements Calls {
        @Override
        public AtomicInteger calls() {
            return target.calls;
        }

        @Override
        public void source(@Nullable Mono<String> source) {
            target.source = source;
        }

        @Override
        public Mono<String> work(String name) {
            return of(service.work(name));
        }

        @Override
        public Mono<String> losing(String name) {
            return of(service.losing(name));
        }

        @Override
        public Mono<String> failing(String name) {
            return of(service.failing(name));
        }

        @Override
        public Mono<String> waiting(String name) {
            return of(service.waiting(name));
        }

        @Override
        public Mono<String> once(String name) {
            return of(service.once(name));
        }

        @Override
        public @Nullable String sameKey(String name) {
            return service.sameKey(name);
        }

        private static Mono<String> of(Flow<String> flow) {
            return ReactorFlowKt.asFlux(flow, Dispatchers.getUnconfined()).singleOrEmpty();
        }
    }

    /** Of suspend functions, which a coroutine of each subscription calls. */
    record SuspendedCalls(SuspendedService service, SuspendedService target) implements Calls {
        @Override
        public AtomicInteger calls() {
            return target.calls;
        }

        @Override
        public void source(@Nullable Mono<String> source) {
            target.source = source;
        }

        @Override
        public Mono<String> work(String name) {
            return of(rest -> service.work(name, rest));
        }

        @Override
        public Mono<String> losing(String name) {
            return of(rest -> service.losing(name, rest));
        }

        @Override
        public Mono<String> failing(String name) {
            return of(rest -> service.failing(name, rest));
        }

        @Override
        public Mono<String> waiting(String name) {
            return of(rest -> service.waiting(name, rest));
        }

        @Override
        public Mono<String> once(String name) {
            return of(rest -> service.once(name, rest));
        }

        @Override
        public @Nullable String sameKey(String name) {
            return service.sameKey(name);
        }

        private static Mono<String> of(Function<Continuation<? super String>, @Nullable Object> function) {
            return MonoKt.mono(Dispatchers.getUnconfined(), (scope, rest) -> function.apply(rest));
        }
    }
}
