package io.hapax.benchmarks.faults.work;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.benchmarks.harness.Background;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Threads that want a lock key again and again which several may hold at once, of all replicas. */
final class Places {

    private static final String KEY = "rooms";
    private static final int THREADS = 2;
    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(150);

    private final JobGuard guard;
    private final Work work;
    private final int limit;
    private volatile boolean wanted = true;

    Places(JobGuard guard, Work work, int limit) {
        this.guard = guard;
        this.work = work;
        this.limit = limit;
    }

    void start() {
        for (int i = 0; i < THREADS && limit > 0; i++) {
            Background.run("places-" + i, this::want);
        }
    }

    private void want() {
        RunRequest request = RunRequest.lock(KEY).tune(options -> options.withConcurrency(limit));
        while (wanted) {
            try {
                boolean unused = guard.<Boolean, Exception>run(request, run -> {
                            work.dwell(KEY, limit, new HapaxGuarding.Lease(run, false));
                            return true;
                        })
                        .fold(ran -> true, refusal -> false);
            } catch (InterruptedException told) {
                // The next run is not.
                boolean unused = Thread.interrupted();
            } catch (Exception failed) {
                // Of a server that is ill, or a lease that was lost.
            }
            LockSupport.parkNanos(PAUSE);
        }
    }

    void stop() {
        wanted = false;
    }
}
