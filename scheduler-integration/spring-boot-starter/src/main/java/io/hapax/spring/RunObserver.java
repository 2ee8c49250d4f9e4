package io.hapax.spring;

import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;

/** Surrounds the work of a guarded method, for traces. */
interface RunObserver {

    /** Observes nothing. */
    RunObserver NONE = (job, invocation) -> invocation.proceed();

    /** Proceeds. */
    @Nullable
    Object observe(String job, MethodInvocation invocation) throws Throwable;
}
