package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.RunOutcome;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.spring.test.InMemoryHapax;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import kotlin.Unit;
import kotlin.coroutines.Continuation;
import kotlin.coroutines.CoroutineContext;
import kotlinx.coroutines.CoroutineName;
import kotlinx.coroutines.Dispatchers;
import kotlinx.coroutines.flow.Flow;
import kotlinx.coroutines.flow.FlowKt;
import kotlinx.coroutines.reactor.MonoKt;
import kotlinx.coroutines.reactor.ReactorFlowKt;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.test.util.AopTestUtils;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.context.Context;

/** What suspend functions and flows have of their own; what they share with other late work is in {@link LateWorkTest}. */
@SpringBootTest(properties = {"spring.application.name=suspended", "hapax.defaults.wait-timeout=40s"})
@InMemoryHapax
class SuspendFunctionTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);

    /** How runs have ended, by lock key. */
    private static final Map<String, List<RunOutcome>> ENDS = new ConcurrentHashMap<>();

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {
        @Bean
        Coroutines coroutines() {
            return new Coroutines();
        }

        @Bean
        Nested nested() {
            return new Nested();
        }

        @Bean
        QuietDesk desk() {
            return new QuietDesk();
        }

        @Bean
        FlowService flows() {
            return new FlowService();
        }

        @Bean
        SuspendedTasks tasks() {
            return new SuspendedTasks();
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
    private Coroutines coroutines;

    @Autowired
    private Nested nested;

    @Autowired
    private Desk desk;

    @Autowired
    private FlowService flows;

    @Autowired
    private SuspendedTasks tasks;

    @Autowired
    private JobGuard guard;

    private static <T> Mono<T> called(Function<Continuation<? super T>, @Nullable Object> function) {
        return called(Dispatchers.getDefault(), function);
    }

    private static <T> Mono<T> called(
            CoroutineContext context, Function<Continuation<? super T>, @Nullable Object> function) {
        return MonoKt.mono(context, (scope, rest) -> function.apply(rest));
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

    @Test
    void a_coroutine_has_its_run_as_the_current_one_on_whatever_thread() {
        List<String> seen = SuspendFunctionTest.<List<String>>called(rest -> coroutines.runs("x", rest))
                .block(LONGEST);
        assertThat(seen).hasSize(4).containsOnly("lock runs/x");
        awaitEnds("runs/x", RunOutcome.COMPLETED);
    }

    @Test
    void within_another_key_the_inner_run_is_the_current_one_until_it_ends() {
        List<String> seen = SuspendFunctionTest.<List<String>>called(rest -> coroutines.outer("y", coroutines, rest))
                .block(LONGEST);
        assertThat(seen)
                .containsExactly(
                        "lock outer/y", "lock runs/y", "lock runs/y", "lock runs/y", "lock runs/y", "lock outer/y");
    }

    @Test
    void a_coroutine_has_the_context_of_its_caller() {
        Mono<String> name = called(
                Dispatchers.getDefault().plus(new CoroutineName("mine")), rest -> coroutines.name("context", rest));
        assertThat(name.block(LONGEST)).isEqualTo("mine");
    }

    @Test
    void one_that_goes_on_when_it_is_cancelled_keeps_its_lease_until_it_has_ended() throws Exception {
        Coroutines target = AopTestUtils.getTargetObject(coroutines);
        Disposable blocked = SuspendFunctionTest.<Unit>called(rest -> coroutines.stubborn("z", rest))
                .subscribe();
        assertThat(target.blocks.await(40, TimeUnit.SECONDS)).isTrue();
        blocked.dispose();
        assertThat(isHeld("stubborn/z")).isTrue();
        Disposable tidy = SuspendFunctionTest.<Unit>called(rest -> coroutines.tidy("z", rest))
                .subscribe();
        assertThat(target.isBegun.await(40, TimeUnit.SECONDS)).isTrue();
        tidy.dispose();
        assertThat(ENDS).doesNotContainKeys("stubborn/z", "tidy/z");
        target.goesOn.countDown();
        awaitEnds("stubborn/z", RunOutcome.RELEASED);
        assertThat(isHeld("tidy/z")).isTrue();
        target.isTidy.complete(Unit.INSTANCE);
        awaitEnds("tidy/z", RunOutcome.RELEASED);
    }

    private void awaitHeldWhileItWorks(String key, Gate gate) throws InterruptedException {
        assertThat(gate.isLeft.await(40, TimeUnit.SECONDS)).isTrue();
        try {
            await().during(Duration.ofMillis(300))
                    .atMost(LONGEST)
                    .failFast("it was given back", () -> ENDS.containsKey(key))
                    .until(() -> isHeld(key));
        } finally {
            gate.isOpen.countDown();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"unguarded", "other key", "same key", "flow", "flow of the same key"})
    void one_that_is_cancelled_keeps_its_lease_until_what_it_has_called_has_ended(String how) throws Exception {
        Gate gate = new Gate();
        String name = "cancelled, " + how;
        Disposable work = SuspendFunctionTest.<Unit>called(rest -> nested.waits(name, how, nested, gate, rest))
                .subscribe();
        assertThat(gate.isReached.await(40, TimeUnit.SECONDS)).isTrue();
        work.dispose();
        awaitHeldWhileItWorks("nested/" + name, gate);
        awaitEnds("nested/" + name, RunOutcome.RELEASED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"unguarded", "other key", "same key", "flow", "flow of the same key"})
    void one_ends_not_before_what_it_has_called_and_cancelled(String how) throws Exception {
        for (boolean fails : new boolean[] {false, true}) {
            Gate gate = new Gate();
            String name = (fails ? "failed, " : "completed, ") + how;
            CompletableFuture<Unit> work = SuspendFunctionTest.<Unit>called(
                            rest -> nested.leaves(name, how, nested, gate, fails, rest))
                    .toFuture();
            awaitHeldWhileItWorks("nested/" + name, gate);
            awaitEnds("nested/" + name, fails ? RunOutcome.FAILED : RunOutcome.COMPLETED);
            await().atMost(LONGEST).until(work::isDone);
            assertThat(work.isCompletedExceptionally()).isEqualTo(fails);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"unguarded", "other key", "flow"})
    void a_flow_ends_not_before_what_it_has_called_and_cancelled(String how) throws Exception {
        for (boolean fails : new boolean[] {false, true}) {
            Gate gate = new Gate();
            String name = (fails ? "failed flow, " : "completed flow, ") + how;
            CompletableFuture<List<String>> work = ReactorFlowKt.asFlux(
                            nested.leavesAsFlow(name, how, nested, gate, fails), Dispatchers.getDefault())
                    .collectList()
                    .toFuture();
            awaitHeldWhileItWorks("nested/" + name, gate);
            awaitEnds("nested/" + name, fails ? RunOutcome.FAILED : RunOutcome.COMPLETED);
            await().atMost(LONGEST).until(work::isDone);
            assertThat(work.isCompletedExceptionally()).isEqualTo(fails);
        }
    }

    @Test
    void keys_see_the_arguments_and_not_the_continuation_also_through_an_interface() {
        assertThat(AopUtils.isJdkDynamicProxy(desk)).isTrue();
        Mono<String> filed = called(rest -> desk.file(new Order(7, "acme"), 2, rest));
        assertThat(filed.block(LONGEST)).isEqualTo("lock desk/acme/2, run desk/7/2");
        assertThatThrownBy(() -> filed.block(LONGEST)).isInstanceOf(RunRefusedException.class);
    }

    @Test
    void the_function_of_the_page_is_called_once() {
        Mono<String> confirmed = called(rest -> coroutines.confirm(7, new Order(1, "acme"), rest));
        assertThat(confirmed.block(LONGEST)).isEqualTo("order 1 for acme, by lock customer/7, run order/1");
        assertThatThrownBy(() -> confirmed.block(LONGEST)).isInstanceOf(RunRefusedException.class);
    }

    @Test
    void the_key_of_a_function_that_names_none_is_that_of_an_ordinary_one() {
        Mono<String> key = called(rest -> coroutines.keyless(rest));
        assertThat(key.block(LONGEST)).isEqualTo("lock coroutines/io.hapax.spring.Coroutines.keyless()");
    }

    @Test
    void a_result_that_turns_out_to_be_late_fails_the_call() {
        Mono<Object> late = called(rest -> coroutines.late(rest));
        assertThatThrownBy(() -> late.block(LONGEST))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("@Guarded on Coroutines.late")
                .hasMessageContaining("whose work goes on");
    }

    @Test
    void a_value_that_cannot_be_null_is_waited_for_in_vain_with_an_exception() {
        Disposable holder = SuspendFunctionTest.<Integer>called(rest -> coroutines.vain("v", rest))
                .subscribe();
        await().atMost(LONGEST).until(() -> isHeld("vain/v"));
        Mono<Integer> vain = called(rest -> coroutines.vain("v", rest));
        assertThatThrownBy(() -> vain.block(LONGEST)).isInstanceOf(RunRefusedException.class);
        holder.dispose();
        awaitEnds("vain/v", RunOutcome.RELEASED);
    }

    @Test
    void a_refused_call_of_a_function_that_returns_an_optional_returns_an_empty_one() {
        Disposable holder = SuspendFunctionTest.<Optional<String>>called(rest -> coroutines.optional("o", rest))
                .subscribe();
        await().atMost(LONGEST).until(() -> isHeld("optional/o"));
        Mono<Optional<String>> refused = called(rest -> coroutines.optional("o", rest));
        assertThat(refused.block(LONGEST)).isEqualTo(Optional.empty());
        holder.dispose();
        awaitEnds("optional/o", RunOutcome.RELEASED);
    }

    @Test
    void a_scheduled_function_and_a_scheduled_flow_run_once_per_firing() {
        SuspendedTasks target = AopTestUtils.getTargetObject(tasks);
        for (Map.Entry<String, List<String>> each : Map.<String, List<String>>of(
                        "tick", target.keys, "stream", target.flows)
                .entrySet()) {
            await().atMost(LONGEST).until(() -> each.getValue().size() >= 2);
            String own = "tasks/io\\.hapax\\.spring\\.SuspendedTasks\\." + each.getKey() + "\\(\\)";
            assertThat(each.getValue())
                    .doesNotHaveDuplicates()
                    .allMatch(key -> key.matches("lock " + own + ", run " + own + "@[0-9-]{10}T[0-9:]{8}Z"));
        }
    }

    /** An advice of the application's own may throw before the coroutine is there, just when the caller is cancelled. */
    @Test
    void the_work_of_a_call_that_throws_at_once_is_over() throws Exception {
        Method work = Coroutines.class.getMethod("keyless", Continuation.class);
        MethodInvocation call = new MethodInvocation() {
            @Override
            public Method getMethod() {
                return work;
            }

            @Override
            public Object[] getArguments() {
                return new Object[] {
                    new Continuation<Object>() {
                        @Override
                        public CoroutineContext getContext() {
                            return Dispatchers.getDefault();
                        }

                        @Override
                        public void resumeWith(Object result) {}
                    }
                };
            }

            @Override
            public Object proceed() {
                throw new IllegalStateException("broken");
            }

            @Override
            public Object getThis() {
                return coroutines;
            }

            @Override
            public AccessibleObject getStaticPart() {
                return work;
            }
        };
        ReactiveCall broken = CoroutineCall.ofFunction(call, Context.empty());
        try (GuardedRun run = ((Admission.Admitted) guard.admit(RunRequest.lock("broken"))).run()) {
            assertThatThrownBy(() -> broken.proceed(run)).hasMessage("broken");
        }
        assertThat(broken.over().blockOptional(LONGEST)).isEmpty();
    }

    private static <T> Flux<T> collected(Flow<T> flow) {
        return ReactorFlowKt.asFlux(flow, Dispatchers.getDefault());
    }

    @Test
    void each_collection_of_a_flow_is_a_run_that_ends_with_it() throws Exception {
        FlowService target = AopTestUtils.getTargetObject(flows);
        Sinks.Many<Integer> source = Sinks.many().unicast().onBackpressureBuffer();
        target.source = source.asFlux();
        Flow<Integer> work = flows.work("x");
        assertThat(isHeld("flow/x")).isFalse();
        CompletableFuture<List<Integer>> all = collected(work).collectList().toFuture();
        await().atMost(LONGEST).until(() -> isHeld("flow/x"));
        assertThat(collected(work).collectList().block(LONGEST)).isEmpty();
        assertThatThrownBy(() -> collected(flows.failing("x")).blockLast(LONGEST))
                .isInstanceOf(RunRefusedException.class);
        source.tryEmitNext(1);
        source.tryEmitNext(2);
        assertThat(all).isNotDone();
        source.tryEmitComplete();
        assertThat(all.get(40, TimeUnit.SECONDS)).containsExactly(1, 2);
        awaitEnds("flow/x", RunOutcome.COMPLETED);
        target.source = Flux.error(new IllegalStateException("broken"));
        assertThatThrownBy(() -> collected(work).blockLast(LONGEST)).hasMessage("broken");
        awaitEnds("flow/x", RunOutcome.COMPLETED, RunOutcome.FAILED);
    }

    @Test
    void a_flow_has_its_run_as_the_current_one_on_whatever_thread() {
        assertThat(collected(flows.runs("x")).collectList().block(LONGEST))
                .containsExactly("lock flow-runs/x, lock flow-runs/x");
    }

    @Test
    void a_flow_makes_no_element_on_a_thread_of_its_collector() {
        assertThat(collected(flows.threads("x")).collectList().block(LONGEST))
                .hasSize(3)
                .allMatch(thread -> thread.startsWith("boundedElastic"));
    }

    @Test
    void a_flow_that_goes_on_when_it_is_cancelled_keeps_its_lease_until_it_has_ended() throws Exception {
        Gate gate = new Gate();
        assertThat(collected(flows.tidy("x", gate)).next().toFuture().get(40, TimeUnit.SECONDS))
                .isEqualTo(1);
        gate.isLeft.countDown();
        awaitHeldWhileItWorks("flow-tidy/x", gate);
        awaitEnds("flow-tidy/x", RunOutcome.RELEASED);
    }

    @Test
    void a_flow_makes_one_element_at_a_time_and_is_released_where_its_collector_has_enough() {
        AtomicInteger made = new AtomicInteger();
        Flow<Integer> slow = flows.made("x", made);
        Mono<Integer> first = called(rest -> FlowKt.first(slow, rest));
        assertThat(first.block(LONGEST)).isEqualTo(1);
        awaitEnds("flow-slow/x", RunOutcome.RELEASED);
        assertThat(made).hasValueLessThanOrEqualTo(2);
    }

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
            .withUserConfiguration(InMemoryHapax.Store.class);

    private String refusal(Class<?> bean) {
        AtomicReference<String> told = new AtomicReference<>("");
        runner.withBean("bean", bean).run(context -> {
            for (Throwable each = context.getStartupFailure(); each != null; each = each.getCause()) {
                if (each instanceof InvalidSettingException found) {
                    told.set(found.getMessage());
                }
            }
        });
        return told.get();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ReturnsAValue | the suspend function returns Integer, which is never null, so it has no value
            ReturnsAFlow | the suspend function returns a Flow, whose work would go on
            ReturnsADeferred | the suspend function returns a Deferred, whose work would go on
            ReturnsAMono | the suspend function returns a Mono, whose work would go on
            ReturnsASharedFlow | the method returns a SharedFlow, whose work would go on
            HasNoKey | there is neither key nor once
            HasOneKeyForAll | is the same whatever the arguments, so different work would count as the same: add #{#order} or %0
            HasNoSuchArgument | %1
            HasNoSuchName | no parameter is called 'a1'; there are [a0, order, p0]
            IsNotOpen | a private, final or static method cannot be guarded
            """)
    void what_cannot_be_guarded_is_refused_at_the_start(String mistake, String message) throws Exception {
        assertThat(refusal(Class.forName(SuspendedMistakes.class.getName() + "$" + mistake)))
                .contains("@Guarded on " + mistake + ".work")
                .contains(message);
    }

    @Test
    void a_scheduled_function_that_spring_cannot_fire_behind_an_interface_is_refused() {
        assertThat(refusal(HiddenClock.class))
                .contains("@Guarded on HiddenClock.strike")
                .contains("each firing would fail")
                .contains("spring.aop.proxy-target-class=true");
    }

    @Test
    void without_the_libraries_that_spring_needs_it_is_refused_with_their_names() {
        FilteredClassLoader without = new FilteredClassLoader("kotlinx.coroutines.reactor", "kotlin.reflect");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SuspendFunction.requireCallable(without))
                .withMessageContaining(
                        "org.jetbrains.kotlin:kotlin-reflect and org.jetbrains.kotlinx:kotlinx-coroutines-reactor")
                .withMessageContaining("runBlocking");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SuspendFunction.requireFlows(without))
                .withMessageContaining("org.jetbrains.kotlinx:kotlinx-coroutines-reactor");
    }
}
