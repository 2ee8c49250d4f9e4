package io.hapax.spring;

import io.hapax.GuardedRun;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import kotlin.coroutines.Continuation;
import kotlin.coroutines.ContinuationInterceptor;
import kotlin.coroutines.CoroutineContext;
import kotlinx.coroutines.Dispatchers;
import kotlinx.coroutines.channels.BufferOverflow;
import kotlinx.coroutines.channels.Channel;
import kotlinx.coroutines.flow.Flow;
import kotlinx.coroutines.flow.FlowKt;
import kotlinx.coroutines.reactive.ReactiveFlowKt;
import kotlinx.coroutines.reactor.ReactorFlowKt;
import kotlinx.coroutines.reactor.SchedulerCoroutineDispatcher;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.ContextView;

/**
 * A call of a suspend function, or the collection of a flow, of applications with kotlinx-coroutines-reactor: its coroutine has the
 * run as its current one, on whatever thread, and its end is known, with that of what works for it, also where it was cancelled.
 */
final class CoroutineCall implements ReactiveCall {

    private final MethodInvocation call;
    private final boolean isFlow;
    /** The part of the subscriber in a run; null if it has none. */
    private final @Nullable CoroutineRun outer;
    /** Complete when what subscribed has returned: by then the coroutine was started, or waits for a thread, or never will. */
    private final CompletableFuture<@Nullable Void> subscribed = new CompletableFuture<>();

    /** Null before the call. */
    private volatile @Nullable CoroutineRun part;

    private CoroutineCall(MethodInvocation call, boolean isFlow, ContextView context) {
        this.call = call;
        this.isFlow = isFlow;
        this.outer = context.getOrDefault(CoroutineRun.class, null);
    }

    static ReactiveCall ofFunction(MethodInvocation call, ContextView context) {
        return new CoroutineCall(call, false, context);
    }

    static ReactiveCall ofFlow(MethodInvocation call, ContextView context) {
        return new CoroutineCall(call, true, context);
    }

    /** What a method returns whose flow is guarded: the flow makes one element at a time, as it would without a guard. */
    static Flow<Object> flow(Flux<Object> guarded) {
        return FlowKt.buffer(ReactiveFlowKt.asFlow(guarded), Channel.RENDEZVOUS, BufferOverflow.SUSPEND);
    }

    @Override
    public Publisher<Object> proceed(GuardedRun run) throws Throwable {
        CoroutineRun mine = new CoroutineRun(run, outer);
        part = mine;
        Publisher<Object> made;
        try {
            made = isFlow ? collected(mine) : called(mine);
        } catch (Throwable thrown) {
            subscribed.complete(null);
            throw thrown;
        }
        Publisher<Object> known = Flux.from(made).contextWrite(context -> context.put(CoroutineRun.class, mine));
        return subscriber -> {
            try {
                known.subscribe(subscriber);
            } finally {
                subscribed.complete(null);
            }
        };
    }

    /** Without a dispatcher each element is made on the thread that asks for it, such as that of an event loop. */
    @SuppressWarnings("unchecked")
    private Publisher<Object> collected(CoroutineRun mine) throws Throwable {
        Object flow = call.proceed();
        return ReactorFlowKt.asFlux(
                (Flow<Object>) Objects.requireNonNull(flow, () -> call.getMethod() + " has returned null"),
                mine.plus(elastic()));
    }

    /** Without a dispatcher a coroutine could be cancelled, and nobody know of it yet, and its code start all the same. */
    private static CoroutineContext dispatched(CoroutineContext context) {
        return context.get(ContinuationInterceptor.Key) == Dispatchers.getUnconfined()
                ? context.plus(elastic())
                : context;
    }

    private static CoroutineContext elastic() {
        return new SchedulerCoroutineDispatcher(Schedulers.boundedElastic());
    }

    /** Spring starts a coroutine in the context of the continuation, which it resumes itself. */
    @SuppressWarnings("unchecked")
    private Publisher<Object> called(CoroutineRun mine) throws Throwable {
        @Nullable Object[] arguments = call.getArguments();
        int last = arguments.length - 1;
        Continuation<Object> caller = (Continuation<Object>) Objects.requireNonNull(arguments[last]);
        arguments[last] = new Within(caller, dispatched(caller.getContext()).plus(mine));
        return (Publisher<Object>) Objects.requireNonNull(call.proceed());
    }

    /** A coroutine that waits for its thread when it is cancelled never starts. */
    @Override
    public Mono<Void> over() {
        // Asked for before the call has proceeded, and subscribed to after.
        return Mono.defer(() -> {
            CoroutineRun mine = part;
            return mine == null
                    ? Mono.empty()
                    : Mono.fromFuture(() -> subscribed.thenCompose(done -> mine.over()), true);
        });
    }

    /** The caller's continuation, in the context of a run. */
    private record Within(Continuation<Object> caller, CoroutineContext context) implements Continuation<Object> {

        @Override
        public CoroutineContext getContext() {
            return context;
        }

        @Override
        public void resumeWith(Object result) {
            caller.resumeWith(result);
        }
    }
}
