package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.lease.Holder;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Renews the leases of a guard's runs, and tells a run in time that its lease can no longer be proven.
 *
 * <p>One daemon thread serves any number of leases: it sleeps until the earliest {@link Charge} is due. The lock guards
 * the queue alone; the store, the runs and the listeners are called outside of it. Answers of the store arrive on the
 * store's threads and only move charges in the queue.
 */
final class Watchdog {

    private static final Duration FAR = Duration.ofMinutes(10);
    private static final Duration AGAIN = Duration.ofMillis(100);
    private static final Duration AFTER_FAILURE = Duration.ofMillis(20);
    private static final int LATER = 4;
    private static final int PARTING = 16;
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Duration NEXT_START = Duration.ofSeconds(1);
    /**
     * More are left to the next pass. A store makes calls of them that hold it for less than a millisecond each; the processor works with them
     * for as long as that takes without going to sleep, after which its caches have forgotten all: by the quarter of this, a renewal took twice
     * the time.
     */
    static final int LARGEST_PASS = 512;
    /** Time for the store to work for others, if passes have piled up: twice what a full pass takes it. */
    static final Duration BETWEEN_FULL_PASSES = Duration.ofMillis(8);

    private final Renewals renewals;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private final DueQueue queue = new DueQueue();
    private boolean stopping;
    private @Nullable Thread thread;
    /** Whether that could not be started. Guarded by the lock, as is the next. */
    private boolean lacksThread;
    /** Whether a timer is going to try again. */
    private boolean tryingAgain;
    /** The thread that was started last, which may have ended. */
    private volatile @Nullable Thread last;

    private NanoTime parkedUntil = new NanoTime(0);
    /** Guarded by the lock. */
    private RenewalPlan plan;

    private final Runnable afterLast;
    private final GuardThreads threads;
    private final ExecutorService later;
    private final ExecutorService parting;
    private final SureClock clock;
    /** Whether the last pass has failed. Used by the watchdog's thread only. */
    private boolean failing;
    /** Nobody reads it, but what it is made of is not left out by the compiler. */
    private volatile long unusedSum;

    static {
        // What notifies a run of a loss is loaded before it is needed: by then memory may be short, or the class loader
        // of a stopped web application closed.
        for (Class<?> type : List.of(LossReason.class, Holder.class, GuardEvent.Lost.class, LeaseLostException.class)) {
            try {
                Class<?> unused = Class.forName(type.getName(), true, type.getClassLoader());
            } catch (ClassNotFoundException e) {
                throw new LinkageError(type.getName(), e);
            }
        }
    }

    Watchdog(LeaseStore store, @Nullable RunLedger ledger, Ticker ticker, GuardThreads threads, Runnable afterLast) {
        this.threads = threads;
        this.later = threads.growingPool("hapax-late", LATER);
        this.parting = threads.growingPool("hapax-parting", PARTING);
        this.renewals = new Renewals(store, ledger, ticker, threads, this);
        this.ticker = ticker;
        this.clock = new SureClock(ticker);
        this.plan =
                new RenewalPlan(clock.now(), () -> ThreadLocalRandom.current().nextDouble());
        this.afterLast = afterLast;
    }

    /** For tests, which know the chance on which their bounds rest. */
    void leaveTo(DoubleSupplier chance) {
        lock.lock();
        try {
            plan = new RenewalPlan(ticker.now(), chance);
        } finally {
            lock.unlock();
        }
    }

    /** Does on another thread what may lead to the store or to listeners. */
    void later(Runnable task) {
        later.execute(task);
    }

    /** Likewise, when the guard is closed: code of many callers may follow at once, and block, which is to hold up no deadline. */
    void atLast(Runnable task) {
        parting.execute(task);
    }

    /** Starts to look after a charge. */
    void add(Charge charge, NanoTime due) {
        lock.lock();
        try {
            queue.put(charge, due);
            if (thread == null) {
                parkedUntil = due;
                start();
            } else if (due.isBefore(parkedUntil)) {
                parkedUntil = due;
                ticker.wake(thread);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Held: the lock. If no thread can be started, each later call for a charge, or for what is looked after, tries again, and so does a timer;
     * that may have no thread either, so it is not enough.
     */
    private void start() {
        Thread started = threads.start("hapax-watchdog", this::loop);
        thread = started;
        last = started;
        lacksThread = started == null;
        if (started != null) {
            ticker.wake(started);
        } else if (!tryingAgain) {
            // It starts as it is handed over: what has no memory then is handed over again.
            var unused = threads.after(NEXT_START, task -> tryAgain(), () -> {});
            tryingAgain = true;
        }
    }

    private void tryAgain() {
        lock.lock();
        try {
            tryingAgain = false;
            startIfLacking();
        } finally {
            lock.unlock();
        }
    }

    /** Held: the lock. */
    private void startIfLacking() {
        if (lacksThread && (stopping || queue.size() > 0)) {
            start();
        }
    }

    /** Moves a charge that is looked after; does nothing for one that is not. */
    void look(Charge charge, NanoTime due) {
        lock.lock();
        try {
            if (charge.queued()) {
                queue.put(charge, due);
                startIfLacking();
                wakeFor(due);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Has a charge that is looked after be due at an instant at the latest, or just before it is due already; an answer to a renewal that it
     * shares with others, and that is being taken, does not move it any more.
     */
    void lookNoLaterThan(Charge charge, NanoTime due) {
        lock.lock();
        try {
            if (charge.queued()) {
                // Not when it is due already: a pass that is under way would take it for one that nobody has moved.
                NanoTime earlier = queue.due(charge).plus(Duration.ofNanos(-1));
                look(charge, due.isBefore(earlier) ? due : earlier);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Held: the lock. */
    private void wakeFor(NanoTime due) {
        if (due.isBefore(parkedUntil) && thread != null) {
            parkedUntil = due;
            ticker.wake(thread);
        }
    }

    /** Leaves a charge where it is, whatever happens to those with which it was looked at. */
    void lookApart(Charge charge) {
        lock.lock();
        try {
            if (charge.queued()) {
                queue.put(charge, queue.due(charge));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Moves charges that were asked for together, and answered alike; those that are not looked after any more are left out. */
    void lookTogether(DueQueue.Cohort charges, NanoTime due) {
        lock.lock();
        try {
            queue.move(charges, due);
            wakeFor(due);
        } finally {
            lock.unlock();
        }
    }

    /** Stops looking after a charge. */
    void remove(Charge charge) {
        lock.lock();
        try {
            queue.remove(charge);
            if (queue.size() == 0) {
                ended.signalAll();
                if (stopping && thread != null) {
                    ticker.wake(thread);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** When the first charge is due; null if there is none. */
    @Nullable
    NanoTime nextDue() {
        lock.lock();
        try {
            return queue.nextDue();
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            startIfLacking();
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    List<Charge> all() {
        lock.lock();
        try {
            startIfLacking();
            List<Charge> all = new ArrayList<>();
            queue.all().forEach(entry -> all.add((Charge) entry));
            return all;
        } finally {
            lock.unlock();
        }
    }

    /** Lets the thread end once nothing is left to look after; then calls {@code afterLast} once. */
    void stopWhenEmpty() {
        lock.lock();
        try {
            if (stopping) {
                return;
            }
            stopping = true;
            if (thread == null) {
                start();
            } else {
                ticker.wake(thread);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether another thread than the caller's is going to call {@code afterLast}, or is calling it. */
    boolean endsElsewhere() {
        Thread started = last;
        return started != null && started != Thread.currentThread() && started.isAlive();
    }

    /** Waits until no runs are left but those that are excepted. */
    boolean awaitRuns(Predicate<Charge> except, Duration atMost) throws InterruptedException {
        long left = atMost.toNanos();
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        while (anyRun(except)) {
            if (left <= 0) {
                return false;
            }
            // Looking at each end of many runs would take longer than the runs.
            long slice = Math.min(left, LOOK.toNanos());
            left -= slice - awaitEnd(slice);
        }
        return true;
    }

    /** Returns what is left of the time, if nothing is looked after any more before it is over. */
    private long awaitEnd(long nanos) throws InterruptedException {
        long left = nanos;
        lock.lockInterruptibly();
        try {
            while (queue.size() > 0 && left > 0) {
                left = ended.awaitNanos(left);
            }
            return left;
        } finally {
            lock.unlock();
        }
    }

    /** Asks outside of the lock: some of what is asked takes the lock of a run. */
    private boolean anyRun(Predicate<Charge> except) {
        return all().stream().anyMatch(charge -> charge.isRun() && !except.test(charge));
    }

    private void loop() {
        boolean full = false;
        while (true) {
            try {
                if (!park(full)) {
                    break;
                }
                full = pass() >= LARGEST_PASS / 2;
                failing = false;
            } catch (Throwable failure) {
                failed(failure);
            }
        }
        afterLast.run();
    }

    /** Waits until something is due; returns false if there is nothing left to wait for, ever. */
    private boolean park(boolean full) {
        NanoTime until;
        lock.lock();
        try {
            if (stopping && queue.size() == 0) {
                thread = null;
                return false;
            }
            NanoTime next = queue.nextDue();
            NanoTime now = clock.now();
            NanoTime far = now.plus(FAR);
            until = next != null && next.isBefore(far) ? next : far;
            NanoTime earliest = now.plus(full ? BETWEEN_FULL_PASSES : Duration.ZERO);
            until = until.isBefore(earliest) ? earliest : until;
            parkedUntil = until;
        } finally {
            lock.unlock();
        }
        ticker.parkUntil(until);
        // An interrupt of this thread means nothing, and would make parking spin.
        boolean ignored = Thread.interrupted();
        return true;
    }

    /**
     * A pass that fails (no memory, a broken clock) is repeated soon. Nothing is renewed meanwhile, so a run is notified as soon as what
     * was confirmed before proves its lease no longer.
     */
    private void failed(Throwable failure) {
        if (!failing) {
            failing = true;
            boolean unused = threads.call("a pass of the watchdog", () -> {
                throw new IllegalStateException("renewals are late until it succeeds", failure);
            });
        }
        boolean unused = threads.call("telling runs", () -> {
            NanoTime now = clock.surely();
            for (Charge charge : all()) {
                boolean ignored = threads.call("telling a run", () -> charge.stopIfUnproven(now));
            }
        });
        LockSupport.parkNanos(AFTER_FAILURE.toNanos());
    }

    /** Does what is due now; returns how many charges it renews. */
    int pass() {
        NanoTime now = clock.now();
        NanoTime again = now.plus(AGAIN);
        List<DueQueue.Entry> due = new ArrayList<>(LARGEST_PASS);
        DueQueue.Cohort taken = takeDue(now, again, due);
        if (taken == null) {
            return 0;
        }
        fetch(due);
        List<Renewals.Call> calls = new ArrayList<>(1);
        for (DueQueue.Entry entry : due) {
            Charge charge = (Charge) entry;
            Charge.Action action = actOf(charge, now);
            if (action.next() == null) {
                remove(charge);
            } else if (action.renew()) {
                Renewals.Call.add(charge, action.next(), calls);
            } else {
                lookUnlessMoved(charge, again, action.next());
            }
        }
        lookTogether(calls, taken, again);
        calls.forEach(call -> renewals.send(call, now));
        return calls.stream().mapToInt(Renewals.Call::size).sum();
    }

    /** Has the processor fetch what a pass, or its answer, is going to read. */
    void fetch(List<? extends DueQueue.Entry> due) {
        long all = 0;
        for (int n = 0; n < due.size(); n++) {
            all += ((Charge) due.get(n)).fetched();
        }
        unusedSum = all;
    }

    /** A run that started since its charge was taken has scheduled its first renewal itself: that time counts. */
    private void lookUnlessMoved(Charge charge, NanoTime from, NanoTime due) {
        lock.lock();
        try {
            if (charge.queued() && queue.due(charge).equals(from)) {
                queue.put(charge, due);
                wakeFor(due);
            }
        } finally {
            lock.unlock();
        }
    }

    /** What is renewed by one call stays together until it is answered, and longer if it is answered alike. */
    private void lookTogether(List<Renewals.Call> calls, DueQueue.Cohort taken, NanoTime from) {
        lock.lock();
        try {
            for (Renewals.Call call : calls) {
                if (calls.size() == 1) {
                    call.isOf(taken);
                } else {
                    List<Charge> unmoved = new ArrayList<>(call.charges());
                    unmoved.removeIf(
                            charge -> !charge.queued() || !queue.due(charge).equals(from));
                    call.isOf(queue.putTogether(unmoved, from));
                }
                queue.moveFrom(call.cohort(), from, call.next());
                wakeFor(call.next());
            }
        } finally {
            lock.unlock();
        }
    }

    private Charge.Action actOf(Charge charge, NanoTime now) {
        try {
            return charge.act(now);
        } catch (Throwable e) {
            // Logging may fail for the same reason, and the others of this pass are renewed all the same.
            boolean unused = threads.call("looking after a lease or a deadline", () -> {
                throw new IllegalStateException("it is tried again", e);
            });
            return new Charge.Action(false, now.plus(AGAIN));
        }
    }

    /** Due charges stay queued, so that {@link #remove} always finds them, and so that a pass that fails is repeated. */
    private DueQueue.@Nullable Cohort takeDue(NanoTime now, NanoTime again, List<DueQueue.Entry> due) {
        lock.lock();
        try {
            DueQueue.Cohort taken = queue.takeDue(now, Watchdog::together, LARGEST_PASS, again);
            if (taken != null) {
                taken.addTo(due);
            }
            return taken;
        } finally {
            lock.unlock();
        }
    }

    /** Charges that are due this soon, a hundredth of the ttl, are taken along, so that renewals share calls. */
    private static long together(DueQueue.Entry entry) {
        return ((Charge) entry).ttl().toNanos() / 100;
    }

    /** When to renew again what was renewed together. */
    NanoTime nextRenewal(NanoTime sentAt, Duration interval, int charges) {
        lock.lock();
        try {
            return queue.size() < LARGEST_PASS
                    ? plan.jittered(sentAt, interval)
                    : plan.next(sentAt, interval, charges, queue.size());
        } finally {
            lock.unlock();
        }
    }

    /** When to renew for the first time. */
    NanoTime firstLook(NanoTime from, Duration interval) {
        lock.lock();
        try {
            return queue.size() < LARGEST_PASS
                    ? plan.jittered(from, interval)
                    : plan.first(from, interval, LARGEST_PASS);
        } finally {
            lock.unlock();
        }
    }
}
