package io.hapax.spring;

import io.hapax.GuardedRun;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/** How one subscription calls its method. */
interface ReactiveCall {

    /**
     * Calls the method.
     *
     * @param run the one that the call is a part of
     * @return what is to be subscribed to, once
     */
    Publisher<Object> proceed(GuardedRun run) throws Throwable;

    /**
     * Completes when nothing works any more for a subscription that has terminated, or was cancelled; at once if nobody can tell.
     */
    Mono<Void> over();

    /**
     * Looks how a method is called.
     *
     * @param context that of the subscriber
     */
    static ReactiveCall of(LateCall call, ContextView context) {
        return switch (call.guarded().result()) {
            case SUSPENDED -> CoroutineCall.ofFunction(call.call(), context);
            case FLOW -> CoroutineCall.ofFlow(call.call(), context);
            default -> new OfReactor(call);
        };
    }

    /** Of a method that returns a publisher. */
    record OfReactor(LateCall call) implements ReactiveCall {

        @Override
        @SuppressWarnings("unchecked")
        public Publisher<Object> proceed(GuardedRun run) throws Throwable {
            return (Publisher<Object>) required(call.call().proceed());
        }

        @Override
        public Mono<Void> over() {
            return Mono.empty();
        }

        private Object required(@Nullable Object made) {
            return Objects.requireNonNull(made, () -> call.call().getMethod() + " has returned null");
        }
    }
}
