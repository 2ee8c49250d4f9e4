package io.hapax.micronaut;

import io.hapax.Guarded;
import io.hapax.RunRequest;
import io.hapax.policy.GuardedCall;
import io.micronaut.aop.InterceptPhase;
import io.micronaut.aop.Intercepted;
import io.micronaut.aop.InterceptedProxy;
import io.micronaut.aop.InterceptorBean;
import io.micronaut.aop.MethodInterceptor;
import io.micronaut.aop.MethodInvocationContext;
import io.micronaut.context.annotation.Requires;
import jakarta.inject.Provider;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/** Calls a guarded method under its run, around retries and transactions: these start and end within it. Thread-safe. */
@Singleton
@InterceptorBean(Guarded.class)
@Requires(property = "hapax.enabled", notEquals = "false")
final class GuardInterceptor implements MethodInterceptor<Object, @Nullable Object> {

    private final Provider<GuardedBeans> beans;
    private final Firings firings;

    GuardInterceptor(Provider<GuardedBeans> beans, Firings firings) {
        this.beans = beans;
        this.firings = firings;
    }

    @Override
    public int getOrder() {
        return InterceptPhase.RETRY.getPosition() - 1;
    }

    @Override
    public @Nullable Object intercept(MethodInvocationContext<Object, @Nullable Object> context) {
        GuardedCall call = beans.get().of(type(context.getTarget()), context.getTargetMethod());
        try {
            if (!firings.isScheduled(context) || call.policy().once() != null) {
                return call.call(context.getParameterValues(), context::proceed);
            }
            RunRequest request = call.request(context.getParameterValues());
            return call.call(firings.request(request, call, context), context::proceed);
        } catch (Exception thrown) {
            // What the method declares gets through to its caller as it is.
            throw GuardInterceptor.<RuntimeException>unchecked(thrown);
        }
    }

    /** The class as it was written. */
    private static Class<?> type(Object target) {
        if (target instanceof InterceptedProxy<?> proxy) {
            return type(proxy.interceptedTarget());
        }
        Class<?> type = target.getClass();
        return target instanceof Intercepted ? type.getSuperclass() : type;
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <E extends Exception> E unchecked(Exception thrown) throws E {
        throw (E) thrown;
    }
}
