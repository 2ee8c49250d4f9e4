package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

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
import io.hapax.spring.test.InMemoryHapax;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionTemplate;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Methods whose work goes on when they have returned. */
@SpringBootTest(properties = {"spring.application.name=late", "hapax.defaults.wait-timeout=40s"})
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

        @Guarded(key = "once/%0", once = "once/%0")
        public Mono<String> once(String name) {
            return Mono.just(name);
        }

        @Guarded(key = "flux/%0")
        public Flux<Integer> flux(String name) {
            return flux;
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

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {
        @Bean
        Service service() {
            return new Service();
        }

        @Bean
        PlatformTransactionManager transactions() {
            return new NoDatabase();
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
    private JobGuard guard;

    @Autowired
    private PlatformTransactionManager transactions;

    @AfterEach
    void forget() throws Exception {
        target().calls.set(0);
        target().stage = new CompletableFuture<>();
    }

    private Service target() throws Exception {
        return (Service) ((org.springframework.aop.framework.Advised) service)
                .getTargetSource()
                .getTarget();
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
    void a_stage_in_a_transaction_of_its_caller_is_refused() {
        TransactionTemplate transaction = new TransactionTemplate(transactions);
        assertThatThrownBy(() -> transaction.execute(status -> service.stage("in a transaction")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Service.stage: it is called in a transaction")
                .hasMessageContaining("NOT_SUPPORTED");
    }

    @Test
    void each_subscription_to_a_mono_is_a_run_and_without_one_nothing_is_called() throws Exception {
        target().mono = Mono.just("value");
        Mono<String> work = service.mono("twice");
        assertThat(target().calls).hasValue(0);
        assertThat(work.block(LONGEST)).isEqualTo("value");
        assertThat(isHeld("mono/twice")).isFalse();
        assertThat(work.block(LONGEST)).isEqualTo("value");
        assertThat(target().calls).hasValue(2);
        awaitEnds("mono/twice", RunOutcome.COMPLETED, RunOutcome.COMPLETED);
    }

    @Test
    void a_mono_is_guarded_until_it_terminates() throws Exception {
        Sinks.One<String> source = Sinks.one();
        target().mono = source.asMono();
        CompletableFuture<String> result = service.mono("held").toFuture();
        await().atMost(LONGEST).until(() -> target().calls.get() == 1);
        assertThat(isHeld("mono/held")).isTrue();
        assertThat(service.mono("held").blockOptional(LONGEST)).isEmpty();
        assertThatThrownBy(() -> service.failingMono("held").block(LONGEST)).isInstanceOf(RunRefusedException.class);
        CompletableFuture<String> waiting = service.waiting("held").toFuture();
        await().atMost(LONGEST).until(() -> !guard.admin().waiting().isEmpty());
        Disposable givesUp = service.waiting("held").subscribe();
        await().atMost(LONGEST).until(() -> guard.admin().waiting().size() == 2);
        givesUp.dispose();
        await().atMost(LONGEST).until(() -> guard.admin().waiting().size() == 1);
        assertThat(result).isNotDone();
        source.tryEmitValue("value");
        assertThat(result.get(40, TimeUnit.SECONDS)).isEqualTo("value");
        assertThat(waiting.get(40, TimeUnit.SECONDS)).isEqualTo("waited");
        awaitEnds("mono/held", RunOutcome.COMPLETED, RunOutcome.COMPLETED);
    }

    @Test
    void a_mono_ends_as_it_terminates() throws Exception {
        target().mono = Mono.empty();
        assertThat(service.mono("empty").blockOptional(LONGEST)).isEmpty();
        awaitEnds("mono/empty", RunOutcome.COMPLETED);
        target().mono = Mono.error(new IllegalStateException("broken"));
        assertThatThrownBy(() -> service.mono("failed").block(LONGEST)).hasMessage("broken");
        awaitEnds("mono/failed", RunOutcome.FAILED);
        target().mono = null;
        assertThatThrownBy(() -> service.mono("null").block(LONGEST)).isInstanceOf(NullPointerException.class);
        awaitEnds("mono/null", RunOutcome.FAILED);
        target().mono = Mono.never();
        Disposable subscription = service.mono("cancelled").subscribe();
        await().atMost(LONGEST)
                .until(() -> isHeld("mono/cancelled") && target().calls.get() == 4);
        subscription.dispose();
        awaitEnds("mono/cancelled", RunOutcome.RELEASED);
    }

    @Test
    void a_mono_that_loses_its_lease_is_cancelled() throws Exception {
        CompletableFuture<String> cancelled = new CompletableFuture<>();
        target().mono = Mono.<String>never().doOnCancel(() -> cancelled.complete("cancelled"));
        CompletableFuture<String> result = service.losingMono("lost").toFuture();
        await().atMost(LONGEST).until(() -> target().calls.get() == 1);
        takeAway("mono/lost");
        await().atMost(LONGEST).until(result::isDone);
        assertThatThrownBy(() -> result.get(40, TimeUnit.SECONDS)).hasCauseInstanceOf(LeaseLostException.class);
        assertThat(cancelled.get(40, TimeUnit.SECONDS)).isEqualTo("cancelled");
        awaitEnds("mono/lost", RunOutcome.LOST);
    }

    @Test
    void what_a_mono_subscribes_to_under_its_key_is_the_same_run() throws Exception {
        target().mono = Mono.deferContextual(
                context -> Mono.just(context.get(GuardedRun.class).identity() + ", " + service.sameKey("same")));
        assertThat(service.mono("same").block(LONGEST)).isEqualTo("lock mono/same, lock mono/same");
        Mono<String> inner = target().mono;
        target().mono = service.waiting("same")
                .flatMap(waited -> inner.publishOn(reactor.core.scheduler.Schedulers.parallel()));
        assertThat(service.mono("same").block(LONGEST)).isEqualTo("lock mono/same, lock mono/same");
        awaitEnds("mono/same", RunOutcome.COMPLETED, RunOutcome.COMPLETED);
    }

    @Test
    void what_was_done_once_is_empty_the_second_time() {
        assertThat(service.once("x").block(LONGEST)).isEqualTo("x");
        assertThat(service.once("x").blockOptional(LONGEST)).isEmpty();
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

    @Test
    void a_key_that_another_run_holds_is_waited_for_without_a_thread() throws Exception {
        CompletableFuture<String> waiting;
        try (GuardedRun holder = ((io.hapax.Admission.Admitted) guard.admit(RunRequest.lock("mono/free"))).run();
                GuardedRun.Scope scope = holder.enter()) {
            waiting = Mono.defer(() -> service.waiting("free"))
                    .subscribeOn(reactor.core.scheduler.Schedulers.parallel())
                    .toFuture();
            await().atMost(LONGEST).until(() -> !guard.admin().waiting().isEmpty());
        }
        assertThat(waiting.get(40, TimeUnit.SECONDS)).isEqualTo("waited");
    }
}
