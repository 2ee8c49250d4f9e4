package io.hapax.examples.quarkus;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.policy.GuardedCall;
import io.quarkus.arc.Subclass;
import jakarta.annotation.Priority;
import jakarta.interceptor.AroundInvoke;
import jakarta.interceptor.Interceptor;
import jakarta.interceptor.InvocationContext;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;

/** Calls a guarded method under its run; it comes before the interceptor of transactions, which start and end within the run. */
@Guarded
@Interceptor
@Priority(Interceptor.Priority.PLATFORM_BEFORE + 100)
class GuardInterceptor {

    private final Map<Method, GuardedCall> calls = new ConcurrentHashMap<>();
    private final JobGuard guard;

    GuardInterceptor(JobGuard guard) {
        this.guard = guard;
    }

    // snippet:quarkus-interceptor
    @AroundInvoke
    @Nullable
    Object call(InvocationContext call) throws Exception {
        if (call.getTarget() instanceof Job) {
            return call.proceed(); // The plugin has admitted it: a second run would be refused because of the first.
        }
        return calls.computeIfAbsent(call.getMethod(), method -> GuardedCall.of(guard, bean(call), method))
                .call(call.getParameters(), call::proceed);
    }
    // end

    private static Class<?> bean(InvocationContext call) {
        Class<?> type = call.getTarget().getClass();
        return call.getTarget() instanceof Subclass ? type.getSuperclass() : type;
    }
}
