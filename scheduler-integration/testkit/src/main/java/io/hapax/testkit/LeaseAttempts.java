package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;

/** The vocabulary of {@link LeaseStoreContract}: fresh identities, requests, answers waited for. */
final class LeaseAttempts {

    /** Outlives every test. */
    static final Duration LONG = Duration.ofMinutes(1);

    static final String WORKER = "wörker 1 {eu} *";

    /** How many seconds the contract waits for a stage to complete, for stores that are slower than most. */
    private static final String ANSWER_SECONDS = "hapax.contract.answer-seconds";

    private static final int MOST_TRIES = 5;

    private LeaseAttempts() {}

    static JobIdentity freshLock() {
        return new JobIdentity(new LockKey("lock-" + OwnerId.random()), null);
    }

    static JobIdentity freshRun() {
        return new JobIdentity(null, new RunKey("run-" + OwnerId.random()));
    }

    static JobIdentity freshPair() {
        return new JobIdentity(freshLock().lockKey(), freshRun().runKey());
    }

    /** Slots of one lock key, which does not meet others. */
    static List<JobIdentity> freshSlots(int limit) {
        LockKey key = freshLock().lockKey();
        return IntStream.rangeClosed(1, limit)
                .mapToObj(number -> new JobIdentity(key, null, new Slot(number, limit)))
                .toList();
    }

    /** The next occurrence of the same job: the same lock key with another run key. */
    static JobIdentity nextRun(JobIdentity identity) {
        return new JobIdentity(identity.lockKey(), freshRun().runKey());
    }

    static LeaseRequest request(JobIdentity identity, Duration ttl) {
        return new LeaseRequest(identity, OwnerId.random(), WORKER, ttl, false);
    }

    static LeaseRequest waiting(JobIdentity identity) {
        return new LeaseRequest(identity, OwnerId.random(), WORKER, LONG, true);
    }

    static Acquisition acquire(LeaseStore store, JobIdentity identity) {
        return get(store.acquire(request(identity, LONG)));
    }

    static Lease granted(LeaseStore store, JobIdentity identity) {
        return granted(store, request(identity, LONG));
    }

    static Lease granted(LeaseStore store, JobIdentity identity, Duration ttl) {
        return granted(store, request(identity, ttl));
    }

    static Lease granted(LeaseStore store, LeaseRequest request) {
        Acquisition answer = inTime(store, request);
        if (answer instanceof Acquisition.Granted granted) {
            return granted.lease();
        }
        throw new AssertionError("expected a grant on " + request.identity() + ", but the answer was " + answer);
    }

    /** A store may refuse to grant what is over soon; on a busy machine one with a short ttl is asked again. */
    private static Acquisition inTime(LeaseStore store, LeaseRequest request) {
        for (int tries = 1; ; tries++) {
            long start = System.nanoTime();
            try {
                return get(store.acquire(request));
            } catch (AssertionError e) {
                boolean isLate = System.nanoTime() - start > request.ttl().toNanos() / 2;
                if (!isLate || !(e.getCause() instanceof LeaseStoreException) || tries == MOST_TRIES) {
                    throw e;
                }
            }
        }
    }

    static Lease ownedBy(OwnerId owner, Lease lease) {
        return new Lease(lease.identity(), owner, lease.token(), lease.worker(), lease.ttl(), lease.since());
    }

    static <T> T get(CompletionStage<T> stage) {
        int seconds = Integer.getInteger(ANSWER_SECONDS, 60);
        try {
            return stage.toCompletableFuture().get(seconds, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError("the store failed: " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError("the store did not answer within " + seconds + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting for the store", e);
        }
    }
}
