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
import java.util.function.UnaryOperator;
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
        Class<?> type = type(context);
        if (GuardedBeans.isJob(type)) {
            return context.proceed();
        }
        GuardedCall call = beans.get().of(type, context.getTargetMethod());
        try {
            UnaryOperator<RunRequest> firing =
                    firings.isScheduled(context) && call.policy().once() == null
                            ? request -> firings.request(request, call, context)
                            : UnaryOperator.identity();
            return call.call(context.getParameterValues(), firing, context::proceed);
        } catch (Exception thrown) {
            // What the method declares gets through to its caller as it is.
            throw GuardInterceptor.<RuntimeException>unchecked(thrown);
        }
    }

    /** The class, or the interface that Micronaut implements, as it was written. */
    private static Class<?> type(MethodInvocationContext<?, ?> context) {
        Class<?> type = type(context.getTarget());
        return type == Object.class ? context.getTargetMethod().getDeclaringClass() : type;
    }

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
