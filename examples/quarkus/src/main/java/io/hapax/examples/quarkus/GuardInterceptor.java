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
        Class<?> type = call.getTarget() instanceof Subclass
                ? call.getTarget().getClass().getSuperclass()
                : call.getTarget().getClass();
        return calls.computeIfAbsent(call.getMethod(), method -> GuardedCall.of(guard, type, method))
                .call(call.getParameters(), call::proceed);
    }
    // end
}
