package io.hapax.spring;

import io.hapax.policy.LateResults;
import java.lang.reflect.Method;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.springframework.aop.support.AopUtils;

/** When the work of a method has ended. */
enum ResultKind {
    /** When it returns. */
    NOW,
    /** When the stage that it returns is complete. */
    STAGE,
    /** When the {@code Mono} that it returns, and somebody has subscribed to, terminates. */
    MONO,
    /** Likewise, of a {@code Flux} or a publisher. */
    FLUX,
    /** Likewise, of a {@code Flow} of Kotlin's. */
    FLOW,
    /** When the suspend function returns, which its proxy makes a {@code Mono}. */
    SUSPENDED;

    /** Whether a subscriber may have it go on on a thread of its own choice, far from the method's advice. */
    boolean goesOnAnywhere() {
        return this == FLUX || this == FLOW || this == SUSPENDED;
    }

    /**
     * Looks at a method.
     *
     * @throws IllegalArgumentException if nobody can tell when its work has ended; the message says why
     */
    static ResultKind of(Method method) {
        ClassLoader springs = AopUtils.class.getClassLoader();
        if (SuspendFunction.is(method)) {
            SuspendFunction.requireCallable(springs);
            LateResults.refuseInside(method);
            return SUSPENDED;
        }
        ResultKind kind = ofType(method.getReturnType());
        if (kind == FLOW) {
            SuspendFunction.requireFlows(springs);
        }
        if (kind == NOW) {
            LateResults.refuse(method);
        } else {
            LateResults.refuseInside(method);
        }
        return kind;
    }

    /** Just these types: what the guard returns in place of the method's result has to be one. */
    private static ResultKind ofType(Class<?> type) {
        if (type == CompletionStage.class || type == CompletableFuture.class) {
            return STAGE;
        }
        return switch (type.getName()) {
            case "reactor.core.publisher.Mono" -> MONO;
            case "reactor.core.publisher.Flux" -> FLUX;
            case SuspendFunction.FLOW -> FLOW;
            default -> NOW;
        };
    }
}
