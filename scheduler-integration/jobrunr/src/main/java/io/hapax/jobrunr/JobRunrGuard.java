package io.hapax.jobrunr;

import io.hapax.JobGuard;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.storage.StorageProvider;
import org.jspecify.annotations.Nullable;

/**
 * Tells the JobRunr servers of this process which guard to ask.
 *
 * <p>With this module on the class path every {@link BackgroundJobServer} performs its jobs under a guard. Until one is
 * installed it runs nothing: its jobs are postponed, with a reason that says so, because a worker that believes itself
 * guarded and is not would be the worst case. Who wants to run without a guard says {@link #allowUnguarded()}.
 *
 * <pre>{@code
 * JobRunrGuard.install(guard);                 // for all servers of this process
 * JobRunrGuard.verify(server);                 // optional: fails at start-up if another module took JobRunr's hook
 * }</pre>
 *
 * <h2>Identity</h2>
 *
 * A run is one occurrence of a job: the planned instant of a recurring job, or id and creation of any other. A retry is the same
 * occurrence; a job that is put into the queue again after it has succeeded is a new one, whatever key it has chosen, and so is a new job under an old id. No occurrence is run twice or
 * by two workers at once. A recurring job does not overlap with itself either, also when it is triggered by hand; other
 * jobs have no lock key unless {@link io.hapax.Guarded#key()} names one, on the method, its class or their supertypes; of a job
 * that is enqueued through an interface also on the class that implements it.
 * The key may hold {@code %0} (an argument), {@code %0.customer.id} (a property of one), {@code %X{tenant}} (an MDC value
 * of the enqueuing thread) and {@code %%}. Recurring jobs of one id are taken for the same job by all servers whose lease
 * stores share a namespace: give applications with storages of their own a namespace of their own.
 *
 * <h2>Conflicts</h2>
 *
 * With {@link io.hapax.OnConflict#AUTO} recurring jobs are skipped, which deletes them with a reason, and others are
 * rescheduled, which spends no retry and keeps their metadata; while another job of the same server holds the key, they wait there
 * without a thread, and run right after it. A job whose earlier attempt is still running is
 * rescheduled whatever the policy; if that attempt completes, the job succeeds with a line in the dashboard's log. A job
 * is postponed, never failed, while the lease store cannot tell. A run that lost its lease fails and is retried as usual,
 * even if its code took no notice.
 *
 * <p>All methods are thread-safe and take effect for the next job.
 */
public final class JobRunrGuard {

    /** How often a job is postponed because of somebody else before it is given up, unless set otherwise. */
    public static final int DEFAULT_MAX_POSTPONEMENTS = 10_000;

    private static final ReentrantLock LOCK = new ReentrantLock();
    /** By identity, as servers have no equals of their own. Guarded by LOCK. */
    private static final Map<BackgroundJobServer, JobGuard> BY_SERVER = new WeakHashMap<>();
    /** By identity, too. Guarded by LOCK. */
    private static final Map<BackgroundJobServer, Integer> LIMIT_BY_SERVER = new WeakHashMap<>();

    private static volatile @Nullable JobGuard forAll;
    private static volatile boolean unguardedAllowed;
    private static volatile int maxPostponements = DEFAULT_MAX_POSTPONEMENTS;

    private JobRunrGuard() {}

    /**
     * Installs a guard for all servers of this process that have none of their own.
     *
     * @param guard the guard
     */
    public static void install(JobGuard guard) {
        LOCK.lock();
        try {
            forAll = guard;
        } finally {
            LOCK.unlock();
        }
    }

    /**
     * Installs a guard for one server, and {@linkplain #verify verifies} the server. Recurring jobs of its storage that would fail at
     * each occurrence, because of their annotation, are logged as errors.
     *
     * @param server the server
     * @param guard the guard
     * @throws IllegalStateException if the server performs its jobs without this module
     */
    public static void install(BackgroundJobServer server, JobGuard guard) {
        verify(server);
        ServerCheck.warnOfLongTtl(
                server, "the guard's default ttl", guard.defaults().ttl());
        RecurringCheck.ofAll(server, guard);
        LOCK.lock();
        try {
            BY_SERVER.put(server, guard);
        } finally {
            LOCK.unlock();
        }
    }

    /**
     * Returns the way into a storage that keeps jobs with an {@link io.hapax.Guarded#mode()} for queues unique where they are put
     * into the queue. A duplicate is stored as deleted, with the reason, and never runs. It asks the guard that was installed
     * for all servers of the process. A recurring job whose annotation would let each occurrence fail is refused when it is registered. A job that is enqueued inside of a guarded one does not inherit what log lines say of that
     * one's run.
     *
     * <pre>{@code
     * JobRunr.configure().useStorageProvider(JobRunrGuard.uniqueInQueue(storage))
     * }</pre>
     *
     * @param storage where the jobs are stored
     * @return what schedulers are given in its place; servers may be given either
     */
    public static StorageProvider uniqueInQueue(StorageProvider storage) {
        return new UniqueStorage(storage);
    }

    static @Nullable JobGuard guardOfProcess() {
        return forAll;
    }

    /** Takes away the guard of all servers. Those without one of their own postpone their jobs from now on. */
    public static void uninstall() {
        forAll = null;
    }

    /**
     * Takes away the guard of one server, which falls back to the one for all servers.
     *
     * @param server the server
     */
    public static void uninstall(BackgroundJobServer server) {
        LOCK.lock();
        try {
            BY_SERVER.remove(server);
        } finally {
            LOCK.unlock();
        }
    }

    /**
     * Takes a guard away wherever it was installed, for example because it is shut down.
     *
     * @param guard the guard
     */
    public static void uninstall(JobGuard guard) {
        LOCK.lock();
        try {
            BY_SERVER.values().removeIf(installed -> installed == guard);
            if (forAll == guard) {
                forAll = null;
            }
        } finally {
            LOCK.unlock();
        }
    }

    /** Lets servers run their jobs as plain JobRunr would while no guard is installed. */
    public static void allowUnguarded() {
        unguardedAllowed = true;
    }

    /** Takes {@link #allowUnguarded()} back, which is the default. */
    public static void refuseUnguarded() {
        unguardedAllowed = false;
    }

    /**
     * Limits how often a job is postponed because somebody else holds its key, on all servers of this process that have no limit of
     * their own. After that it fails and is not retried, so that it becomes visible. Postponements because the store cannot tell are not
     * counted.
     *
     * @param limit how often, at least 1; {@value #DEFAULT_MAX_POSTPONEMENTS} by default
     * @throws IllegalArgumentException if the limit is below 1
     */
    public static void maxPostponements(int limit) {
        maxPostponements = checked(limit);
    }

    /**
     * Limits how often one server {@linkplain #maxPostponements(int) postpones} a job because somebody else holds its key.
     *
     * @param server the server
     * @param limit how often, at least 1
     * @throws IllegalArgumentException if the limit is below 1
     */
    public static void maxPostponements(BackgroundJobServer server, int limit) {
        int checked = checked(limit);
        LOCK.lock();
        try {
            LIMIT_BY_SERVER.put(server, checked);
        } finally {
            LOCK.unlock();
        }
    }

    private static int checked(int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("the limit of postponements must be at least 1, was " + limit);
        }
        return limit;
    }

    /**
     * Checks that a server performs its jobs under this module. JobRunr takes the factory of highest priority that the
     * context class loader showed when the server was created, so another library can win, or this one not be seen.
     *
     * @param server the server
     * @throws IllegalStateException if it does not; the message names who won
     */
    public static void verify(BackgroundJobServer server) {
        ServerCheck.verify(server);
    }

    static @Nullable JobGuard guardOf(BackgroundJobServer server) {
        LOCK.lock();
        try {
            JobGuard own = BY_SERVER.get(server);
            return own == null ? forAll : own;
        } finally {
            LOCK.unlock();
        }
    }

    static boolean unguardedAllowed() {
        return unguardedAllowed;
    }

    static int maxPostponementsOf(BackgroundJobServer server) {
        LOCK.lock();
        try {
            Integer own = LIMIT_BY_SERVER.get(server);
            return own == null ? maxPostponements : own;
        } finally {
            LOCK.unlock();
        }
    }
}
