package io.hapax;

import io.hapax.FaultWorld.Act;
import io.hapax.event.GuardListener;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.Reservations;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PausedKey;
import io.hapax.testkit.InjectedFault;
import io.hapax.time.NanoTime;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A way in which a guard comes to call a method of a port.
 *
 * @param port the interface
 * @param method the method's name
 * @param parameters how many it has
 * @param name what the guard does
 * @param withLedger whether the guard has a ledger
 * @param promise what the caller of the guard is promised
 * @param preparation is done before the fault, and gives what is done during it
 */
record FaultScenario(
        Class<?> port,
        String method,
        int parameters,
        String name,
        boolean withLedger,
        Promise promise,
        Preparation preparation) {

    /** What a call into the guard comes to. */
    enum Promise {
        /** A value; nothing is thrown. */
        VALUE,
        /** A future; nothing is thrown. It completes, with a value or a failure, but not with null. */
        FUTURE,
        /** The method says that the port's own failure comes out. */
        VALUE_OR_FAILURE
    }

    /** Brings a world to the point where the method is called next. */
    @FunctionalInterface
    interface Preparation {
        Act in(FaultWorld world) throws Exception;
    }

    private static final String KEY = "k";
    /** Of nobody's run, as it may be paused in the end. */
    private static final PausedKey PAUSED = new PausedKey(
            "paused", false, new KeyPause(Intervention.UNNAMED, java.time.Instant.EPOCH, Duration.ofHours(1)));

    static RunRequest request() {
        return RunRequest.lock(KEY).once(KEY + "@1").tune(options -> options.withOnLeaseLost(OnLeaseLost.SIGNAL));
    }

    @Override
    public String toString() {
        return port.getSimpleName() + "." + method + "/" + parameters + " (" + name + ")";
    }

    static List<FaultScenario> all() {
        List<FaultScenario> all = new ArrayList<>();
        for (boolean withLedger : new boolean[] {false, true}) {
            all.addAll(ofStore(withLedger));
        }
        all.addAll(ofRations());
        all.addAll(ofPeople());
        all.addAll(ofLedger());
        all.addAll(ofBeginningAndEnd());
        all.addAll(ofCallbacks());
        return all;
    }

    private static FaultScenario of(
            Class<?> port, String method, int parameters, String name, Promise promise, Preparation preparation) {
        return new FaultScenario(port, method, parameters, name, true, promise, preparation);
    }

    private static List<FaultScenario> ofStore(boolean ledger) {
        String with = ledger ? ", with a ledger" : "";
        Class<?> store = LeaseStore.class;
        Promise value = Promise.VALUE;
        return List.of(
                new FaultScenario(store, "acquire", 1, "admit" + with, ledger, value, w -> () -> w.admit(request())),
                new FaultScenario(
                        store, "acquire", 1, "admitAsync" + with, ledger, value, w -> () -> w.admitAsync(request())),
                new FaultScenario(store, "renew", 1, "a run works" + with, ledger, value, FaultScenario::working),
                new FaultScenario(
                        store, "release", 2, "complete" + with, ledger, value, w -> w.entered(request())::complete),
                new FaultScenario(store, "release", 2, "completeAsync" + with, ledger, value, w -> {
                    GuardedRun run = w.entered(request());
                    return () -> run.completeAsync().get();
                }),
                new FaultScenario(
                        store,
                        "release",
                        2,
                        "fail" + with,
                        ledger,
                        value,
                        w -> () -> w.entered(request()).fail(new IllegalStateException("of the job"))),
                new FaultScenario(store, "withdraw", 1, "admit without an answer" + with, ledger, value, w -> {
                    w.faults().inject(store, "acquire", new InjectedFault.Failed(new LeaseStoreException("away")));
                    return () -> w.admit(request());
                }),
                new FaultScenario(store, "nextChance", 2, "admit waits" + with, ledger, value, w -> {
                    w.heldByOther(request());
                    return () -> w.admit(request().waitAtMost(Duration.ofMillis(400)));
                }));
    }

    private static Act working(FaultWorld world) throws Exception {
        GuardedRun run = world.entered(request());
        Instant end = new Instant(world, FaultWorld.TTL.multipliedBy(2));
        return () -> {
            end.await();
            return run.complete();
        };
    }

    /** An instant on the world's clock, which another thread moves. */
    private record Instant(FaultWorld world, NanoTime at) {
        Instant(FaultWorld world, Duration ahead) {
            this(world, world.ticker().now().plus(ahead));
        }

        void await() {
            FaultWorld.patiently("an instant").until(() -> !world.ticker().now().isBefore(at));
        }
    }

    private static List<FaultScenario> ofRations() {
        UnaryOperator<RunOptions> paced = options -> options.withThrottle(Throttle.parse("3/1s"));
        UnaryOperator<RunOptions> cancelled = options -> options.withOnConflict(OnConflict.CANCEL_OTHER);
        Class<?> places = Reservations.class;
        Class<?> store = LeaseStore.class;
        return List.of(
                of(
                        store,
                        "acquire",
                        1,
                        "admit one of two",
                        Promise.VALUE,
                        w -> () -> w.admit(request().tune(options -> options.withConcurrency(2)))),
                of(
                        store,
                        "release",
                        2,
                        "complete one of two",
                        Promise.VALUE,
                        w -> w.entered(request().tune(options -> options.withConcurrency(2)))::complete),
                of(
                        store,
                        "reservations",
                        0,
                        "admit at a pace",
                        Promise.VALUE,
                        w -> () -> w.admit(request().tune(paced))),
                of(
                        places,
                        "reserve",
                        1,
                        "admit at a pace",
                        Promise.VALUE,
                        w -> () -> w.admit(request().tune(paced))),
                of(places, "reserve", 1, "enter a queue", Promise.VALUE, FaultScenario::entering),
                of(places, "keep", 3, "stay in a queue", Promise.VALUE, FaultScenario::entering),
                of(places, "reserve", 1, "retry what is queued", Promise.VALUE, w -> step(queued(w)::retried)),
                of(places, "reserve", 1, "cancel another run", Promise.VALUE, w -> {
                    w.heldByOther(request());
                    return () -> w.admit(RunRequest.lock(KEY).once(KEY + "@3").tune(cancelled));
                }),
                of(places, "giveUp", 2, "leave a queue", Promise.VALUE, w -> step(queued(w)::ended)),
                of(places, "giveUp", 2, "give a place back", Promise.VALUE, w -> {
                    w.faults().inject(RunLedger.class, "claim", new InjectedFault.Failed(new LedgerException("away")));
                    return () -> w.admit(request().tune(paced));
                }),
                of(places, "holders", 1, "a run works that others may cancel", Promise.VALUE, w -> {
                    GuardedRun run = w.entered(request().tune(cancelled));
                    Instant end = new Instant(w, FaultWorld.TTL.multipliedBy(2));
                    return () -> {
                        end.await();
                        return run.complete();
                    };
                }));
    }

    private static Act entering(FaultWorld world) {
        return () -> {
            QueueEntry entry = queued(world).enter(id -> JobQueue.Fate.PRESENT);
            entry.stored();
            return entry;
        };
    }

    private static QueuedJob queued(FaultWorld world) {
        return new QueuedJob(
                world.guard(),
                KEY,
                new LockKey(KEY),
                "1",
                RunOptions.DEFAULTS.withMode(LockMode.UNTIL_EXECUTED).withUniqueFor(FaultWorld.TTL));
    }

    private static Act step(Runnable step) {
        return () -> {
            step.run();
            return "done";
        };
    }

    private static List<FaultScenario> ofPeople() {
        JobIdentity identity = request().identity();
        return List.of(
                of(
                        LeaseAdmin.class,
                        "holder",
                        1,
                        "holder",
                        Promise.FUTURE,
                        w -> () -> w.guard().admin().holder(identity)),
                of(LeaseAdmin.class, "forceRelease", 2, "of a key", Promise.FUTURE, w -> {
                    w.heldByOther(request());
                    return () -> w.guard().admin().forceRelease(identity, "me", "gone");
                }),
                of(LeaseAdmin.class, "forceRelease", 2, "of a lease", Promise.FUTURE, FaultScenario::forced),
                of(
                        LeaseAdmin.class,
                        "pause",
                        3,
                        "pause",
                        Promise.FUTURE,
                        w -> () -> w.guard()
                                .admin()
                                .pause(PAUSED.identity(), Duration.ofHours(1), "me", "broken")
                                .thenApply(paused -> true)),
                of(
                        LeaseAdmin.class,
                        "resume",
                        2,
                        "resume",
                        Promise.FUTURE,
                        w -> () -> w.guard().admin().resume(identity, "me", "mended")),
                of(
                        LeaseAdmin.class,
                        "resume",
                        2,
                        "resume of a listed key",
                        Promise.FUTURE,
                        w -> () -> w.guard().admin().resume(PAUSED, "me", "mended")),
                of(
                        LeaseAdmin.class,
                        "paused",
                        1,
                        "paused",
                        Promise.FUTURE,
                        w -> () -> w.guard().admin().paused(identity)),
                of(LeaseAdmin.class, "runAgain", 2, "run again", Promise.FUTURE, FaultScenario::again),
                of(RunLedger.class, "runAgain", 3, "run again", Promise.FUTURE, FaultScenario::again),
                of(
                        AdministeredStore.class,
                        "admin",
                        0,
                        "holder",
                        Promise.FUTURE,
                        w -> () -> w.guard().admin().holder(identity)),
                of(
                        AdministeredStore.class,
                        "admin",
                        0,
                        "forceRelease of a lease",
                        Promise.FUTURE,
                        FaultScenario::forced),
                of(
                        RunLedger.class,
                        "entries",
                        1,
                        "abandoned",
                        Promise.FUTURE,
                        w -> () -> w.guard().admin().abandoned(9)),
                of(
                        RunLedger.class,
                        "resolve",
                        4,
                        "resolve",
                        Promise.FUTURE,
                        w -> () -> w.guard().admin().resolve(identity, RunState.DONE, "me", "seen")));
    }

    private static Act again(FaultWorld world) {
        JobIdentity occurrence = request().once(KEY + "@again").identity();
        return () -> world.guard().admin().runAgain(occurrence, "me", "the goods came back");
    }

    private static Act forced(FaultWorld world) throws Exception {
        world.heldByOther(request());
        HeldLease lease = world.memory().admin().leases(9).toCompletableFuture().get().stream()
                .filter(held -> held.name().equals(KEY))
                .findFirst()
                .orElseThrow();
        return () -> world.guard().admin().forceRelease(lease, "me", "gone");
    }

    private static List<FaultScenario> ofLedger() {
        Class<?> ledger = RunLedger.class;
        return List.of(
                of(ledger, "claim", 1, "admit", Promise.VALUE, w -> () -> w.admit(request())),
                of(
                        ledger,
                        "claim",
                        1,
                        "admit, fail open",
                        Promise.VALUE,
                        w -> () -> w.admit(
                                request().tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)))),
                of(ledger, "begin", 1, "enter a run that must not be repeated", Promise.VALUE, w -> {
                    RunRequest once = request().tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
                    return () -> {
                        try {
                            return w.entered(once).complete();
                        } catch (LeaseLostException notBegun) {
                            return notBegun.reason();
                        }
                    };
                }),
                of(ledger, "renew", 1, "a run works", Promise.VALUE, FaultScenario::working),
                of(ledger, "complete", 1, "complete", Promise.VALUE, w -> w.entered(request())::complete),
                of(ledger, "completeIn", 2, "completeIn", Promise.VALUE_OR_FAILURE, w -> {
                    GuardedRun run = w.entered(request());
                    return () -> {
                        try {
                            run.completeIn(connection());
                            return run.complete();
                        } catch (Throwable failure) {
                            // As any body does that fails.
                            RunOutcome unused = run.fail(failure);
                            throw failure;
                        }
                    };
                }),
                of(ledger, "entry", 1, "complete after completeIn", Promise.VALUE, w -> {
                    GuardedRun run = w.entered(request());
                    run.completeIn(connection());
                    return run::complete;
                }),
                of(ledger, "release", 2, "fail", Promise.VALUE, w -> {
                    GuardedRun run = w.entered(request());
                    return () -> run.fail(new IllegalStateException("of the job"));
                }),
                of(ledger, "withdraw", 1, "admit without an answer", Promise.VALUE, w -> {
                    w.faults().inject(ledger, "claim", new InjectedFault.Failed(new LedgerException("away")));
                    return () -> w.admit(request());
                }));
    }

    private static Connection connection() {
        return (Connection) Proxy.newProxyInstance(
                FaultScenario.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                    throw new AssertionError("the in-memory ledger has no use for a connection");
                });
    }

    private static List<FaultScenario> ofBeginningAndEnd() {
        Promise open = Promise.VALUE_OR_FAILURE;
        return List.of(
                of(LeaseStore.class, "blocking", 0, "admit", Promise.VALUE, w -> () -> w.admit(request())),
                of(LeaseStore.class, "blocking", 0, "complete", Promise.VALUE, w -> w.entered(request())::complete),
                of(LeaseStore.class, "answerTimeout", 0, "admit", Promise.VALUE, w -> () -> w.admit(request())),
                of(LeaseStore.class, "answerTimeout", 0, "a run works", Promise.VALUE, FaultScenario::working),
                of(LeaseStore.class, "longestTtl", 0, "check", Promise.VALUE, w -> () -> {
                    w.guard().check(RunOptions.DEFAULTS);
                    return true;
                }),
                of(LeaseStore.class, "fingerprint", 0, "build", open, w -> () -> w.another(false)),
                of(LeaseStore.class, "agree", 1, "build", open, w -> () -> w.another(false)),
                of(RunLedger.class, "agree", 1, "build", open, w -> () -> w.another(false)),
                of(RunLedger.class, "answerTimeout", 0, "a run works", Promise.VALUE, w -> {
                    GuardedRun run = w.entered(
                            request().tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)));
                    Instant end = new Instant(w, FaultWorld.TTL.multipliedBy(2));
                    return () -> {
                        end.await();
                        return run.complete();
                    };
                }),
                of(LeaseStore.class, "close", 0, "shutdown", Promise.VALUE, FaultScenario::shutDown),
                of(RunLedger.class, "close", 0, "shutdown", Promise.VALUE, FaultScenario::shutDown));
    }

    private static Act shutDown(FaultWorld world) {
        JobGuard another = world.another(true);
        return () -> {
            if (!another.shutdown(Duration.ofSeconds(5))) {
                throw new AssertionError("not shut down");
            }
            FaultWorld.patiently("the ledger is closed as well")
                    .until(() -> world.faults().calls(RunLedger.class, "close") > 0);
            return "shut down";
        };
    }

    private static List<FaultScenario> ofCallbacks() {
        return List.of(
                of(
                        GuardListener.class,
                        "on",
                        1,
                        "a run begins and ends",
                        Promise.VALUE,
                        w -> () -> w.entered(request()).complete()),
                of(Consumer.class, "accept", 1, "a lease is lost", Promise.VALUE, w -> {
                    GuardedRun run = w.entered(request());
                    CompletableFuture<LeaseLostException> told = new CompletableFuture<>();
                    @SuppressWarnings("unchecked")
                    Consumer<LeaseLostException> faulty = w.faults().around(Consumer.class, loss -> {});
                    run.onLeaseLost(faulty);
                    run.onLeaseLost(told::complete);
                    return () -> {
                        run.lose(LossReason.GONE, null);
                        LeaseLostException unused = told.get();
                        return run.complete();
                    };
                }),
                of(GuardedBody.class, "run", 1, "run", Promise.VALUE_OR_FAILURE, w -> {
                    @SuppressWarnings("unchecked")
                    GuardedBody<Object, Exception> body = w.faults().around(GuardedBody.class, run -> 1);
                    return () -> w.guard().run(request(), body);
                }));
    }
}
