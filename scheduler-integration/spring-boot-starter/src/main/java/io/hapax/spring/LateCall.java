package io.hapax.spring;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.OnLeaseLost;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import java.util.Optional;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.ProxyMethodInvocation;

/**
 * A call of a guarded method whose work goes on when it has returned. Immutable.
 *
 * @param identity the keys of the method, without those of a firing
 * @param call may be proceeded with once
 */
record LateCall(JobGuard guard, GuardedMethod guarded, JobIdentity identity, MethodInvocation call) {

    static LateCall of(JobGuard guard, GuardedMethod guarded, MethodInvocation call) {
        return new LateCall(guard, guarded, guarded.identity(call.getThis(), call.getArguments()), call);
    }

    /** A call of the same method with the same arguments. */
    static MethodInvocation copy(MethodInvocation call) {
        if (call instanceof ProxyMethodInvocation proxied) {
            return proxied.invocableClone();
        }
        throw new IllegalStateException("the proxy of " + call.getMethod() + " is not one of Spring's");
    }

    /** Whether this run is that of the call, which then takes part in it: who made it has to wait for the result. */
    boolean isPartOf(Optional<GuardedRun> outer) {
        JobIdentity kept = kept();
        return outer.filter(run -> run.covers(kept)).isPresent();
    }

    JobIdentity kept() {
        return guard.kept(identity);
    }

    @Nullable
    Firing firing() {
        return Firing.take(guarded.of());
    }

    RunRequest request(@Nullable Firing firing) {
        return guarded.request(firing == null ? identity : firing.identity(identity, guarded.of()), firing);
    }

    /** What the caller gets for a refusal; empty if there is just no result. */
    Optional<RuntimeException> refused(@Nullable Firing firing, Admission.Refused refused) {
        OnConflict policy = guarded.options().onConflict();
        boolean fails = firing == null
                ? policy == OnConflict.FAIL
                : firing.refused(guarded.of().shown(), refused.refusal(), refused.then(), policy);
        return fails || !guarded.mayBeNothing()
                ? Optional.of(new RunRefusedException(kept(), refused.refusal()))
                : Optional.empty();
    }

    /** Whether the work is to be cancelled when the lease is lost. */
    boolean isCancelledWhenLost() {
        return guarded.options().onLeaseLost() == OnLeaseLost.INTERRUPT;
    }
}
