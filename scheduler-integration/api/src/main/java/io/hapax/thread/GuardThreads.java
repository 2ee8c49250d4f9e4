package io.hapax.thread;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts every thread of Hapax, and calls code that is not its own, so that no {@link Throwable} ends a thread and no
 * missing thread ends a task.
 *
 * <p>All threads are daemons, inherit nothing from the thread that starts them, and do not hold the class loader of an
 * application. A thread that cannot be started, because native threads are exhausted, is tried again: with the next need, and one that tasks
 * wait for also by a timer, until there is one. What could not be started is reported on a thread of its own, so callers may hold locks.
 * Immutable and thread-safe. A test that wants no threads at all overrides {@link #start}, {@link #pool}, {@link #growingPool} and {@link #after}.
 */
public class GuardThreads {

    /** How long work that failed rests before it starts anew, so that it does not spin. */
    private static final Duration REST = Duration.ofMillis(100);

    private static final Duration IDLE = Duration.ofSeconds(5);
    /** So many threads of a pool may be blocked before others wait for them. */
    public static final int MOST_BLOCKED = 256;
    /** When no task has ended for so long while others wait, all threads of a pool are taken for blocked. */
    private static final Duration BLOCKED = Duration.ofMillis(50);
    /** A timer that rings so late shows that this process stood still. */
    private static final Duration STALL = Duration.ofMillis(50);
    /** So long it has to notice what happened meanwhile. */
    private static final Duration GRACE = Duration.ofMillis(100);
    /** How soon a pool tries again to start a thread, at first and at last: each try costs a line of the JVM's own. */
    private static final Duration FIRST_TRY = Duration.ofMillis(100);

    private static final Duration LAST_TRY = Duration.ofSeconds(1);
    private static final String STARTING = "starting thread ";
    /** How often it looks whether a lock is free, where it cannot wait in line. */
    private static final Duration LOOK = Duration.ofNanos(100_000);

    /** Is notified of what code has thrown. */
    @FunctionalInterface
    public interface Trouble {
        /**
         * Takes note of a failure; what this throws itself is ignored.
         *
         * @param what which code has failed
         * @param failure what it has thrown
         */
        void met(String what, Throwable failure);
    }

    /** Made beforehand: when it is needed, there may be no memory for it. */
    private static final ExecutorService REPORTS = new GuardThreads(
                    (what, failure) -> {}, thread -> {}, Timer.SHARED, LaterReports.NONE)
            .pool("hapax-trouble", 1);

    private final Trouble trouble;
    private final Consumer<Thread> beforeStart;
    private final Timer timer;
    private final LaterReports later;

    /**
     * Creates the threads of one module.
     *
     * @param trouble usually writes a log line
     */
    public GuardThreads(Trouble trouble) {
        this(trouble, thread -> {});
    }

    /**
     * Creates threads that tests can keep from starting.
     *
     * @param trouble as above
     * @param beforeStart is called with each thread before it starts; what it throws is taken for the JVM's own refusal
     */
    public GuardThreads(Trouble trouble, Consumer<Thread> beforeStart) {
        this(trouble, beforeStart, Timer.SHARED, new LaterReports(trouble, REPORTS));
    }

    /** For tests, which can keep the thread of the timer from starting, too: it is theirs alone. */
    static GuardThreads withTimer(Trouble trouble, Consumer<Thread> beforeStart) {
        return new GuardThreads(trouble, beforeStart, new Timer(beforeStart), new LaterReports(trouble, REPORTS));
    }

    private GuardThreads(Trouble trouble, Consumer<Thread> beforeStart, Timer timer, LaterReports later) {
        this.trouble = trouble;
        this.beforeStart = beforeStart;
        this.timer = timer;
        this.later = later;
    }

    /**
     * Starts a thread for work that lasts. Work that throws starts anew after a moment; the thread ends when the work
     * returns.
     *
     * @param name the thread's name
     * @param work what it does
     * @return the thread; null if none could be started, then call again with the next need
     */
    public @Nullable Thread start(String name, Runnable work) {
        timer.startIfNeeded();
        try {
            Thread thread = daemon(() -> untilItReturns(name, work), name, beforeStart);
            thread.start();
            return thread;
        } catch (Throwable noThread) {
            later.met(STARTING, name, noThread);
            return null;
        }
    }

    private void untilItReturns(String name, Runnable work) {
        while (!call(name, work)) {
            // A flag that is left would make parking return at once.
            rest();
        }
    }

    /** Does not keep the flag of an interrupt, which would make parking return at once: threads of ours have no other use for it. */
    private static void rest() {
        boolean unused = Thread.interrupted();
        LockSupport.parkNanos(REST.toNanos());
    }

    /**
     * Creates an executor whose threads end when they are idle. Tasks that find no free thread wait; so does a task for
     * which no thread could be started, until one can be, or another one has time. What a task throws is reported.
     *
     * @param name the threads' name; a pool of several adds a number
     * @param most how many tasks run at once at most
     * @return the executor; after its shutdown it refuses tasks with a {@link RejectedExecutionException}
     */
    public ExecutorService pool(String name, int most) {
        return new Pool(name, most, most);
    }

    /**
     * Creates an executor for tasks that complete what code of callers may follow, which may block. As {@link #pool}; but while tasks
     * wait and none ends, it has more and more threads, up to {@value #MOST_BLOCKED}.
     *
     * @param name the threads' name, to which a number is added
     * @param usual how many tasks run at once at most, as long as none blocks
     * @return the executor; after its shutdown it refuses tasks with a {@link RejectedExecutionException}
     */
    public ExecutorService growingPool(String name, int usual) {
        return new Pool(name, usual, MOST_BLOCKED);
    }

    /**
     * Runs a task after a time. The timer's own thread hands it over, so that a task that blocks delays no other timer.
     *
     * @param delay how long to wait at least
     * @param executor runs the task; if it refuses, the task is dropped; if it throws an {@link OutOfMemoryError}, it is asked again
     * @param task what to do, once
     * @return cancels the task if it has not started
     * @throws OutOfMemoryError if there is no memory for the timer; then the task is not done
     */
    public Runnable after(Duration delay, Executor executor, Runnable task) {
        Delayed delayed = new Delayed(executor, task);
        try {
            Future<?> planned = timer.plan(delayed, delay, later);
            return () -> {
                delayed.cancelled = true;
                planned.cancel(false);
            };
        } catch (Throwable noMemory) {
            delayed.cancelled = true;
            throw noMemory;
        }
    }

    /**
     * Runs a task after a time as {@link #after} does, for what plans its next time itself, and what nobody else would plan: where there is no memory for
     * the timer, the calling thread waits until there is. Not to be called under a lock.
     *
     * @param delay as above
     * @param executor as above
     * @param task as above
     * @return as above
     */
    public final Runnable again(Duration delay, Executor executor, Runnable task) {
        while (true) {
            try {
                return after(delay, executor, task);
            } catch (VirtualMachineError noMemory) {
                rest();
            }
        }
    }

    /**
     * Runs a task because something has not happened in time, unless that is cancelled. If the timer rings so late that this process stood
     * still, what happened meanwhile has a moment to be noticed first.
     *
     * @param time in which it should have happened
     * @param executor as above
     * @param task what to do
     * @return cancels the task if it has not started
     */
    public final Runnable overdue(Duration time, Executor executor, Runnable task) {
        Overdue overdue = new Overdue(System.nanoTime() + time.toNanos(), executor, task);
        overdue.timer = after(time, overdue, overdue);
        return overdue::cancel;
    }

    /** It hands itself over, so that a timer asks it again if there was no memory for that. */
    private final class Overdue implements Executor, Runnable {
        private final long due;
        private final Executor executor;
        private final Runnable task;
        /** Used by the timer's thread only. */
        private boolean hadGrace;

        private volatile boolean cancelled;
        private volatile @Nullable Runnable timer;

        Overdue(long due, Executor executor, Runnable task) {
            this.due = due;
            this.executor = executor;
            this.task = task;
        }

        /** On the timer's own thread. */
        @Override
        public void execute(Runnable end) {
            boolean stoodStill = !hadGrace && System.nanoTime() - due > STALL.toNanos();
            hadGrace = true;
            if (!stoodStill) {
                executor.execute(end);
                return;
            }
            timer = after(GRACE, executor, end);
            if (cancelled) {
                cancel();
            }
        }

        @Override
        public void run() {
            if (!cancelled) {
                task.run();
            }
        }

        void cancel() {
            cancelled = true;
            Runnable planned = timer;
            if (planned != null) {
                planned.run();
            }
        }
    }

    private final class Delayed extends Planned {
        private final Executor executor;
        /** Made beforehand: on the timer's thread there may be no memory for it. */
        private final Runnable task;
        /** Whether the task has started: an executor that fails after it took the task is asked again. */
        private final AtomicBoolean started = new AtomicBoolean();

        private volatile boolean cancelled;

        Delayed(Executor executor, Runnable task) {
            this.executor = executor;
            this.task = () -> {
                if (started.compareAndSet(false, true)) {
                    call("a timer", task);
                }
            };
        }

        @Override
        public void run() {
            // Without memory nobody takes a task: no missing thread ends one, so it is handed over later.
            while (!cancelled && !isHandedOver() && !isRepeated()) {
                LockSupport.parkNanos(REST.toNanos());
            }
        }

        private boolean isHandedOver() {
            try {
                executor.execute(task);
            } catch (RejectedExecutionException closed) {
                // Its owner has ended, and the task with it.
            } catch (OutOfMemoryError noMemory) {
                return false;
            } catch (Throwable failure) {
                later.met("handing over a timer's task", "", failure);
            }
            return true;
        }

        private boolean isRepeated() {
            try {
                var unused = timer.plan(this, REST, later);
                return true;
            } catch (Throwable noMemory) {
                return false;
            }
        }
    }

    /**
     * Calls code that is not the caller's own, whatever it throws.
     *
     * @param what which code it is, for the report
     * @param code the code
     * @return whether it returned
     */
    public final boolean call(String what, Runnable code) {
        try {
            code.run();
            return true;
        } catch (Throwable failure) {
            report(what, failure);
            return false;
        }
    }

    /**
     * Asks for an answer that comes later, and makes whatever is thrown, and a missing stage, a failed stage.
     *
     * @param question asks
     * @param <T> the answer
     * @return the stage, never null
     */
    public static <T> CompletionStage<T> ask(Supplier<? extends @Nullable CompletionStage<T>> question) {
        try {
            CompletionStage<T> stage = question.get();
            return stage != null
                    ? stage
                    : CompletableFuture.failedFuture(new NullPointerException("null instead of a stage"));
        } catch (Throwable failure) {
            return CompletableFuture.failedFuture(failure);
        }
    }

    /**
     * Locks, also where there is no memory for waiting in line: with Java 17 a lock that another thread holds takes some. For what has to
     * be given back in any case.
     *
     * @param lock is locked when this returns
     */
    public static void lock(ReentrantLock lock) {
        try {
            lock.lock();
        } catch (OutOfMemoryError noMemory) {
            while (!lock.tryLock()) {
                LockSupport.parkNanos(LOOK.toNanos());
            }
        }
    }

    /**
     * Takes all steps, also if some of them fail; throws what the first one of these threw.
     *
     * @param steps what to do, in this order
     */
    public static void inTurn(Runnable... steps) {
        Throwable first = null;
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (Throwable failure) {
                first = first == null ? failure : first;
            }
        }
        if (first instanceof Error error) {
            throw error;
        }
        if (first != null) {
            throw first instanceof RuntimeException known ? known : new IllegalStateException(first);
        }
    }

    /** Memory may be short; then the report is lost, and nothing else. */
    private void report(String what, Throwable failure) {
        try {
            trouble.met(what, failure);
        } catch (Throwable unreported) {
            // There is nobody left to tell.
        }
    }

    /**
     * Creates a thread for callers that want to interrupt a running job, where none is. It never starts, so that nothing receives
     * of an interrupt.
     *
     * @param name the thread's name
     * @return the thread
     */
    public static Thread neverStarted(String name) {
        return daemon(() -> {}, name, thread -> {});
    }

    private static Thread daemon(Runnable work, String name, Consumer<Thread> beforeStart) {
        Thread thread = new Thread(null, work, name, 0, false);
        thread.setDaemon(true);
        // Keeps a web application's class loader from being held by a thread that outlives it.
        thread.setContextClassLoader(GuardThreads.class.getClassLoader());
        beforeStart.accept(thread);
        return thread;
    }

    /** The work of a pool's thread. */
    private static void work(Runnable worker, ThreadPoolExecutor pool) {
        try {
            worker.run();
        } finally {
            // Where it was thrown out, or left as a task came, and its successor could not be started.
            while (pool.getPoolSize() == 0 && !pool.getQueue().isEmpty() && !isStarted(pool)) {
                rest();
            }
        }
    }

    private static boolean isStarted(ThreadPoolExecutor pool) {
        try {
            boolean unused = pool.prestartCoreThread();
            return true;
        } catch (Throwable noThread) {
            return false;
        }
    }

    private final class Pool extends ThreadPoolExecutor {

        private final String name;
        private final int usual;
        private final int most;
        /** Whether a look at what is blocked is to come. */
        private final AtomicBoolean looking = new AtomicBoolean();
        /** How many tasks had ended when that look was planned; written by the one that planned it. */
        private volatile long endedBefore;
        /** Whether a thread that could not be started is to be tried again. */
        private final AtomicBoolean trying = new AtomicBoolean();
        /** When to try again; written by the one that does. */
        private volatile Duration nextTry = FIRST_TRY;
        // Made beforehand: when they are needed, there may be no memory for them.
        private final Planned look = new Planned() {
            @Override
            public void run() {
                look();
            }
        };
        private final Planned tryAgain = new Planned() {
            @Override
            public void run() {
                tryAgain();
            }
        };

        Pool(String name, int usual, int most) {
            super(usual, most, IDLE.toMillis(), TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>());
            this.name = name;
            this.usual = usual;
            this.most = most;
            AtomicInteger count = new AtomicInteger();
            setThreadFactory(worker -> daemon(
                    () -> work(worker, this), most == 1 ? name : name + "-" + count.incrementAndGet(), beforeStart));
            allowCoreThreadTimeOut(true);
        }

        /** The task is in the queue before a thread is started for it, so that it is done once, whatever that comes to. */
        @Override
        public void execute(Runnable task) {
            Runnable surviving = () -> call(name, task);
            if (!isShutdown()) {
                getQueue().add(surviving);
                if (!isShutdown() || !remove(surviving)) {
                    startFor(surviving);
                    return;
                }
            }
            throw new RejectedExecutionException(name + " is shut down");
        }

        private void startFor(Runnable task) {
            timer.startIfNeeded();
            try {
                if (!prestartCoreThread() && usual < most) {
                    lookLater();
                }
            } catch (Throwable noThread) {
                // A task that nobody would ever take is not taken.
                if (!triesLater() && getPoolSize() == 0 && remove(task)) {
                    throw noThread;
                }
                later.met(STARTING, name, noThread);
            }
        }

        /** Whether it tries again by a timer; false if there is no memory for that. */
        private boolean triesLater() {
            if (!trying.compareAndSet(false, true)) {
                return true;
            }
            try {
                var unused = timer.plan(tryAgain, nextTry, later);
                return true;
            } catch (Throwable noMemory) {
                trying.set(false);
                return false;
            }
        }

        /** On the timer's thread. */
        private void tryAgain() {
            trying.set(false);
            while (!startsForAll() && !triesLater()) {
                LockSupport.parkNanos(REST.toNanos());
            }
        }

        private boolean startsForAll() {
            try {
                int waiting = getQueue().size();
                while (waiting > 0 && prestartCoreThread()) {
                    waiting--;
                }
                nextTry = FIRST_TRY;
                return true;
            } catch (Throwable noThread) {
                Duration twice = nextTry.multipliedBy(2);
                nextTry = twice.compareTo(LAST_TRY) < 0 ? twice : LAST_TRY;
                later.met(STARTING, name, noThread);
                return false;
            }
        }

        private void lookLater() {
            if (getQueue().isEmpty() || !looking.compareAndSet(false, true)) {
                return;
            }
            try {
                endedBefore = getCompletedTaskCount();
                var unused = timer.plan(look, BLOCKED, later);
            } catch (Throwable noTimer) {
                // The next task leads to another look.
                looking.set(false);
            }
        }

        /** On the timer's thread. */
        private void look() {
            long before = endedBefore;
            looking.set(false);
            try {
                if (getQueue().isEmpty()) {
                    if (getActiveCount() < usual) {
                        setCorePoolSize(usual);
                    }
                } else if (getCompletedTaskCount() == before && hasAllThreads() && getCorePoolSize() < most) {
                    setCorePoolSize(Math.min(most, 2 * Math.max(getCorePoolSize(), getPoolSize())));
                }
            } catch (Throwable noThread) {
                later.met(STARTING, name, noThread);
                boolean unused = triesLater();
            }
            lookLater();
        }

        /** Not while threads cannot be started: then all that it had room for would be started at once when they can be. */
        private boolean hasAllThreads() {
            return getPoolSize() >= getCorePoolSize();
        }
    }

    /** What a timer's queue has; of each, once at a time. */
    private abstract static class Planned implements Runnable {
        private volatile @Nullable RunnableScheduledFuture<?> entry;
    }

    /** One for all, created by the first timer. */
    private static final class Timer extends ScheduledThreadPoolExecutor {
        static final Timer SHARED = new Timer(thread -> {});

        /** Whether tasks may wait for a thread that could not be started. */
        private volatile boolean lacksThread;

        private Timer(Consumer<Thread> beforeStart) {
            super(1);
            setThreadFactory(worker -> daemon(() -> work(worker, this), "hapax-timer", beforeStart));
            setRemoveOnCancelPolicy(true);
            setKeepAliveTime(IDLE.toMillis(), TimeUnit.MILLISECONDS);
            allowCoreThreadTimeOut(true);
        }

        @Override
        protected <V> RunnableScheduledFuture<V> decorateTask(Runnable task, RunnableScheduledFuture<V> entry) {
            if (task instanceof Planned planned) {
                planned.entry = entry;
            }
            return entry;
        }

        /** Plans a task, also if no thread can be started for it: the next need starts it. Throws if there is no memory. */
        Future<?> plan(Planned task, Duration delay, LaterReports later) {
            try {
                return schedule(task, Math.max(0, delay.toNanos()), TimeUnit.NANOSECONDS);
            } catch (Throwable failure) {
                RunnableScheduledFuture<?> entry = task.entry;
                if (entry == null || !getQueue().contains(entry)) {
                    throw failure;
                }
                lacksThread = true;
                later.met(STARTING, "hapax-timer", failure);
                return entry;
            }
        }

        /** Starts a thread if there was none to be had when something was planned; to be called at each need of any thread. */
        void startIfNeeded() {
            if (lacksThread) {
                lacksThread = false;
                lacksThread = !isStarted(this);
            }
        }
    }
}
