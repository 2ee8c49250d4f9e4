package io.hapax.spring;

import io.hapax.Admission;
import io.hapax.CurrentRun;
import io.hapax.GuardedBody;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.RunInterruptedException;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.WorkTransaction;
import io.hapax.event.Refusal;
import io.hapax.lease.JobIdentity;
import io.hapax.policy.LateResults;
import io.hapax.spring.Transactions.Scene;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls a guarded method of a bean: under a run of its own, which ends with the method or with a transaction of its caller, or
 * under one that the thread has already. Thread-safe.
 *
 * @param guard asks
 * @param observer surrounds the work
 * @param transactions knows those of the thread
 */
record GuardInterceptor(Supplier<JobGuard> guard, Supplier<RunObserver> observer, Transactions transactions) {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");

    @Nullable
    Object invoke(GuardedMethod guarded, MethodInvocation call) throws Throwable {
        Optional<GuardedRun> current = CurrentRun.find();
        if (guarded.options().observe() && !isObservable(guarded, call, current)) {
            return call.proceed();
        }
        if (guarded.schedulersOnly() != null) {
            if (current.isEmpty()) {
                throw new IllegalStateException("@Guarded on " + guarded.of().shown()
                        + " is for the job of a scheduler, but other code has called the method: "
                        + guarded.schedulersOnly());
            }
            return done(guarded, call.proceed());
        }
        return switch (guarded.result()) {
            case MONO, SUSPENDED -> ReactiveWork.mono(late(guarded, call), this::requireNoTransaction);
            case FLUX -> ReactiveWork.flux(late(guarded, call), this::requireNoTransaction);
            case FLOW -> CoroutineCall.flow(ReactiveWork.flux(late(guarded, call), this::requireNoTransaction));
            case STAGE -> stage(LateCall.of(guard.get(), guarded, call), current);
            case NOW -> now(guarded, call, current);
        };
    }

    /** While the guard only observes, what it cannot guard is logged, and the method is called as if there were no guard. */
    private boolean isObservable(GuardedMethod guarded, MethodInvocation call, Optional<GuardedRun> current) {
        String shown = guarded.of().shown();
        if (guarded.schedulersOnly() != null && current.isEmpty()) {
            LOG.warn(
                    "{} would have failed, but only observes: it is for the job of a scheduler, but other code has called it: {}",
                    shown,
                    guarded.schedulersOnly());
            return false;
        }
        try {
            JobIdentity kept = guard.get().kept(guarded.identity(call.getThis(), call.getArguments()));
            boolean unused = current.filter(run -> run.covers(kept)).isPresent();
            return true;
        } catch (RuntimeException wrong) {
            LOG.warn("{} would have failed, but only observes: {}", shown, String.valueOf(wrong.getMessage()));
            return false;
        }
    }

    private @Nullable Object now(GuardedMethod guarded, MethodInvocation call, Optional<GuardedRun> current)
            throws Throwable {
        JobIdentity identity = guarded.identity(call.getThis(), call.getArguments());
        JobIdentity kept = guard.get().kept(identity);
        return current.filter(run -> run.covers(kept)).isPresent()
                ? done(guarded, call.proceed())
                : run(guarded, identity, Firing.take(guarded.of()), call);
    }

    private @Nullable Object stage(LateCall late, Optional<GuardedRun> current) throws Throwable {
        if (late.isPartOf(current)) {
            return late.call().proceed();
        }
        requireNoTransaction(late);
        Firing firing = late.firing();
        Admission admission = admission(late.guarded(), late.request(firing), late.call());
        return StageWork.of(late, firing, admission);
    }

    /** Of calls of a method, each with the same arguments. */
    private Supplier<LateCall> late(GuardedMethod guarded, MethodInvocation call) {
        return () -> LateCall.of(guard.get(), guarded, LateCall.copy(call));
    }

    /** Refuses a transaction of the calling thread, which would end at another time than the work. */
    private void requireNoTransaction(LateCall late) {
        if (late.guarded().options().observe()) {
            return;
        }
        BeanMethod of = late.guarded().of();
        String where = "@Guarded on " + of.shown() + ": it is called in a transaction, ";
        // It may go on on this very thread, and there in the transaction, whatever the method's own advice says.
        if (late.guarded().result().goesOnAnywhere() && transactions.isOpen()) {
            throw new IllegalStateException(where + "which ends later than its work. Call it outside of one");
        }
        Scene scene = transactions.scene(of, late.call());
        if (scene.isInTransaction() || scene.holder(late.kept()) != null) {
            throw new IllegalStateException(where + "which does not wait for its work, nor this for the commit. Call it"
                    + " outside of one, or give it @Transactional(propagation = NOT_SUPPORTED)");
        }
    }

    private static @Nullable Object done(GuardedMethod guarded, @Nullable Object result) {
        if (!guarded.options().observe()) {
            LateResults.refuse(guarded.of().shown(), result);
        }
        return result;
    }

    private @Nullable Object run(
            GuardedMethod guarded, JobIdentity plain, @Nullable Firing firing, MethodInvocation call) throws Throwable {
        JobIdentity identity = firing == null ? plain : firing.identity(plain, guarded.of());
        JobIdentity kept = guard.get().kept(identity);
        Scene scene = transactions.scene(guarded.of(), call);
        // One that is only observed asks the store again, which tells what it would have been refused for.
        PendingRun holder = guarded.options().observe() ? null : scene.holder(kept);
        GuardedBody<@Nullable Object, Exception> body = body(guarded, call);
        if (holder != null) {
            Refusal pending = holder.refusal(kept, scene.decides(holder));
            if (pending != null) {
                LOG.info("{} [{}] is refused: {}", guarded.of().shown(), kept, pending.reason());
                return nothing(guarded, kept, pending, guarded.options().onConflict() == OnConflict.FAIL);
            }
            return holder.work(kept, body);
        }
        RunRequest request = guarded.request(identity, firing);
        String holding = scene.holding();
        request = holding == null ? request : request.whileHolding(holding);
        if (firing == null && !scene.isInTransaction()) {
            return alone(guarded, request, call, body);
        }
        Admission admission = admission(guarded, request, call);
        if (admission instanceof Admission.Admitted admitted) {
            return scene.isInTransaction()
                    ? scene.add(admitted.run()).work(admitted.run().identity(), body)
                    : guard.get().execute(admitted.run(), body).value();
        }
        return refused(guarded, identity, firing, (Admission.Refused) admission);
    }

    private GuardedBody<@Nullable Object, Exception> body(GuardedMethod guarded, MethodInvocation call) {
        return run -> {
            new WorkTransaction(run)
                    .around(guarded.of().type().getName(), guarded.of().method().getName());
            try {
                return done(guarded, observer.get().observe(guarded.of().shown(), call));
            } catch (Exception | Error thrown) {
                throw thrown;
            } catch (Throwable thrown) {
                throw new IllegalStateException(thrown);
            }
        };
    }

    /** Ends with the method. */
    private @Nullable Object alone(
            GuardedMethod guarded,
            RunRequest request,
            MethodInvocation call,
            GuardedBody<@Nullable Object, Exception> body)
            throws Exception {
        AtomicBoolean begun = new AtomicBoolean();
        RunResult<@Nullable Object> result;
        try {
            result = guard.get().run(request.apart(), run -> {
                begun.set(true);
                return body.run(run);
            });
        } catch (InterruptedException interrupt) {
            throw begun.get() ? interrupt : notBegun(guarded, call.getMethod(), interrupt);
        }
        return result instanceof RunResult.Ran<@Nullable Object> ran
                ? ran.value()
                : nothing(guarded, request.identity(), ((RunResult.Refused<?>) result).refusal(), false);
    }

    private Admission admission(GuardedMethod guarded, RunRequest request, MethodInvocation call) throws Exception {
        try {
            return guard.get().admit(request);
        } catch (InterruptedException interrupt) {
            throw notBegun(guarded, call.getMethod(), interrupt);
        }
    }

    /** A firing is refused on all replicas but one, which is no failure, and may be tried again. */
    private static @Nullable Object refused(
            GuardedMethod guarded, JobIdentity identity, @Nullable Firing firing, Admission.Refused refused) {
        OnConflict policy = guarded.options().onConflict();
        boolean fails = firing == null
                ? policy == OnConflict.FAIL
                : firing.refused(guarded.of().shown(), refused.refusal(), refused.then(), policy);
        return nothing(guarded, identity, refused.refusal(), fails);
    }

    /** Only an exception that the method declares gets through a proxy, and only its own name says where the flag went. */
    private static Exception notBegun(GuardedMethod guarded, Method called, InterruptedException interrupt) {
        List<Class<?>> declared = List.of(called.getExceptionTypes());
        if (declared.contains(InterruptedException.class)) {
            return interrupt;
        }
        Thread.currentThread().interrupt();
        return declared.stream().anyMatch(type -> type.isInstance(interrupt))
                ? interrupt
                : new RunInterruptedException(guarded.of().shown(), interrupt);
    }

    /** What a call returns that was refused. */
    private static @Nullable Object nothing(
            GuardedMethod guarded, JobIdentity identity, Refusal refusal, boolean fails) {
        Class<?> type = guarded.of().method().getReturnType();
        if (fails || (type.isPrimitive() && type != void.class)) {
            throw new RunRefusedException(identity, refusal);
        }
        return type == Optional.class ? Optional.empty() : null;
    }
}
