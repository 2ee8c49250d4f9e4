package io.hapax.spring;

import io.hapax.Admission;
import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.policy.LateResults;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.transaction.NoTransactionException;
import org.springframework.transaction.reactive.TransactionSynchronizationManager;
import org.springframework.util.ClassUtils;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.ContextView;

/**
 * The work of a method that returns a {@code Mono}, a {@code Flux} or a {@code Flow}, or is a suspend function, which Spring hands
 * over as a {@code Mono}: each subscription is a call of its own, under a run that is asked for without blocking, starts before the
 * method is called, and ends before the subscriber learns of the end. Immutable.
 *
 * @param call the call of one subscription
 * @param method how it calls
 * @param firing which one of its scheduler it is; null if it is none
 */
record ReactiveWork(
        LateCall call, ReactiveCall method, @Nullable Firing firing) {

    private static final boolean TRANSACTIONS = ClassUtils.isPresent(
            "org.springframework.transaction.reactive.TransactionSynchronizationManager",
            ReactiveWork.class.getClassLoader());

    /**
     * Of a method that brings one value, or none.
     *
     * @param calls makes the call of each subscription
     * @param allowed throws if a call may not take place where it is subscribed to
     */
    static Mono<Object> mono(Supplier<LateCall> calls, Consumer<LateCall> allowed) {
        return Mono.deferContextual(context -> {
            LateCall call = calls.get();
            ReactiveCall each = ReactiveCall.of(call, context);
            Optional<GuardedRun> outer = outer(context);
            if (call.isPartOf(outer)) {
                return Mono.fromDirect(called(each, outer.orElseThrow()));
            }
            allowed.accept(call);
            ReactiveWork work = new ReactiveWork(call, each, call.firing());
            return Mono.usingWhen(
                            work.admission(context),
                            admission -> Mono.fromDirect(work.body(admission))
                                    .takeUntilOther(work.lost(admission))
                                    .doOnNext(work::requireDone)
                                    .map(Optional::of)
                                    .defaultIfEmpty(Optional.empty())
                                    .flatMap(value -> work.completed(admission).then(Mono.justOrEmpty(value))),
                            completed -> Mono.empty(),
                            work::fail,
                            work::cancel)
                    .doOnDiscard(Admission.Admitted.class, ReactiveWork::giveBack);
        });
    }

    /** Likewise, of several. */
    static Flux<Object> flux(Supplier<LateCall> calls, Consumer<LateCall> allowed) {
        return Flux.deferContextual(context -> {
            LateCall call = calls.get();
            ReactiveCall each = ReactiveCall.of(call, context);
            Optional<GuardedRun> outer = outer(context);
            if (call.isPartOf(outer)) {
                return called(each, outer.orElseThrow());
            }
            allowed.accept(call);
            ReactiveWork work = new ReactiveWork(call, each, call.firing());
            return Flux.usingWhen(
                            work.admission(context),
                            admission -> Flux.from(work.body(admission))
                                    .takeUntilOther(work.lost(admission))
                                    .concatWith(Mono.defer(() -> work.completed(admission))
                                            .then(Mono.empty())),
                            completed -> Mono.empty(),
                            work::fail,
                            work::cancel)
                    .doOnDiscard(Admission.Admitted.class, ReactiveWork::giveBack);
        });
    }

    /** The run that the subscription is a part of. */
    private static Optional<GuardedRun> outer(ContextView context) {
        Optional<GuardedRun> run = context.getOrEmpty(GuardedRun.class);
        return run.isPresent() ? run : CurrentRun.find();
    }

    /** @param context tells the run whose work subscribes to it; a thread that does so without one need not wait for it */
    private Mono<Admission> admission(ContextView context) {
        RunRequest plain = call.request(firing);
        Optional<GuardedRun> outer = context.getOrEmpty(GuardedRun.class);
        RunRequest request = outer.map(plain::within).orElse(plain);
        Mono<Admission> asked = Mono.fromFuture(() -> call.guard().admitAsync(request));
        return (TRANSACTIONS ? Transaction.none(call.guarded().of().shown()).then(asked) : asked)
                .publishOn(Schedulers.boundedElastic());
    }

    private Publisher<Object> body(Admission admission) {
        if (admission instanceof Admission.Admitted admitted) {
            GuardedRun run = admitted.run();
            Publisher<Object> entered = subscriber -> {
                GuardedRun.Scope scope;
                try {
                    scope = run.enter();
                } catch (Throwable notBegun) {
                    run.close();
                    Operators.error(subscriber, notBegun);
                    return;
                }
                // What works on this thread, while it subscribes, has the run as its current one.
                try (scope) {
                    called(method, run).subscribe(subscriber);
                }
            };
            return Flux.from(entered).contextWrite(context -> context.put(GuardedRun.class, run));
        }
        return call.refused(firing, (Admission.Refused) admission)
                .<Publisher<Object>>map(Mono::error)
                .orElseGet(() -> Mono.justOrEmpty(call.guarded().nothing()));
    }

    /** Of a method whose declaration says less. */
    private void requireDone(Object value) {
        if (!call.guarded().options().observe()) {
            LateResults.refuse(call.guarded().of().shown(), value);
        }
    }

    private static Publisher<Object> called(ReactiveCall method, GuardedRun run) {
        return subscriber -> {
            Publisher<Object> made;
            try {
                made = method.proceed(run);
            } catch (Throwable thrown) {
                Operators.error(subscriber, thrown);
                return;
            }
            made.subscribe(subscriber);
        };
    }

    /** Tells when the lease is lost, which cancels the work: then its run cannot complete, and the subscriber learns why. */
    private Mono<Void> lost(Admission admission) {
        if (!(admission instanceof Admission.Admitted admitted) || !call.isCancelledWhenLost()) {
            return Mono.never();
        }
        return Mono.create(sink -> {
            AtomicBoolean over = new AtomicBoolean();
            sink.onDispose(() -> over.set(true));
            admitted.run().onLeaseLost(loss -> {
                if (!over.get()) {
                    sink.success();
                }
            });
        });
    }

    /** Ends the run, before the subscriber learns of the end: it fails if the work does not count. */
    private Mono<Void> completed(Admission admission) {
        return run(admission)
                .map(run -> over(admission)
                        .then(Mono.fromFuture(run::completeAsync, true))
                        .publishOn(Schedulers.boundedElastic())
                        .doOnNext(run::requireEnd)
                        .then())
                .orElseGet(Mono::empty);
    }

    private Mono<Void> fail(Admission admission, Throwable failure) {
        return run(admission)
                .map(run -> over(admission).then(blocking(() -> {
                    var unused = run.fail(failure);
                })))
                .orElseGet(Mono::empty);
    }

    /** Completes when nothing works for the run any more: until then nobody else may start it. A run that is lost does not wait. */
    private Mono<Void> over(Admission admission) {
        return method.over().takeUntilOther(lost(admission));
    }

    /** Likewise. */
    private Mono<Void> cancel(Admission admission) {
        return run(admission)
                .map(run -> over(admission).then(blocking(run::close)))
                .orElseGet(Mono::empty);
    }

    private static Mono<Void> blocking(Runnable end) {
        return Mono.<Void>fromRunnable(end).subscribeOn(Schedulers.boundedElastic());
    }

    /** Nobody was there any more when it was admitted. */
    private static void giveBack(Admission.Admitted late) {
        var unused = Schedulers.boundedElastic().schedule(late.run()::close);
    }

    private static Optional<GuardedRun> run(Admission admission) {
        return admission instanceof Admission.Admitted admitted ? Optional.of(admitted.run()) : Optional.empty();
    }

    /** Of applications with Spring's transactions. */
    private static final class Transaction {

        private Transaction() {}

        /** Refuses a transaction of the caller, which would end later than the run. */
        static Mono<Void> none(String shown) {
            return TransactionSynchronizationManager.forCurrentTransaction()
                    .onErrorResume(NoTransactionException.class, none -> Mono.empty())
                    .filter(TransactionSynchronizationManager::isActualTransactionActive)
                    .flatMap(active -> Mono.error(new IllegalStateException("@Guarded on " + shown
                            + ": it is subscribed to in a reactive transaction, which ends later, so its key would be given"
                            + " back, and its occurrence noted as done, before the commit. Start the transaction inside of the"
                            + " method, or subscribe outside of it")));
        }
    }
}
