package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** Short ways to say what these tests say often. */
final class Fixture {

    /** For tests that are not about answer time-outs: a machine that is busy with something else is no fault of a server. */
    static final Duration PATIENCE = Duration.ofSeconds(5);

    /** Outlives a machine that stands still for some seconds between two calls. */
    private static final Duration SOME_SECONDS = Duration.ofSeconds(10);

    private static final int MOST_TRIES = 10;

    private Fixture() {}

    static RedissonLeaseStore.Builder store(String url) {
        return RedissonLeaseStore.builder()
                .url(url)
                .namespace("test-" + UUID.randomUUID())
                // Where a test is not about time-outs, a busy machine must not make one.
                .answerTimeout(PATIENCE);
    }

    /** Opens a store that is to give up soon on a server that hangs: a busy machine may need longer only to connect. */
    static RedissonLeaseStore opened(Callable<RedissonLeaseStore> opening) {
        return await().ignoreExceptionsMatching(LeaseStoreException.class::isInstance)
                .until(opening, opened -> true);
    }

    /**
     * Opens a store whose answer timeout is what the ttl allows; a busy machine may need longer for the first answers. It does so without
     * Awaitility, whose threads would keep a class loader.
     */
    static RedissonLeaseStore openedHere(String url, String namespace, Duration ttl, int answersPerTtl) {
        for (int tries = 1; ; tries++) {
            try {
                return store(url)
                        .namespace(namespace)
                        .firstStart(WallClock.now())
                        .longestTtl(ttl)
                        .answerTimeout(ttl.dividedBy(answersPerTtl))
                        .build();
            } catch (LeaseStoreException late) {
                if (tries == MOST_TRIES) {
                    throw late;
                }
            }
        }
    }

    static JobIdentity lock(String key) {
        return new JobIdentity(new LockKey(key), null);
    }

    static JobIdentity run(String key) {
        return new JobIdentity(null, new RunKey(key));
    }

    static LeaseRequest request(JobIdentity identity, Duration ttl) {
        return new LeaseRequest(identity, OwnerId.random(), "tester", ttl, false);
    }

    /** Fails where no answer comes. */
    static <T> T get(CompletionStage<T> stage) {
        return stage.toCompletableFuture().copy().orTimeout(1, TimeUnit.MINUTES).join();
    }

    static Acquisition acquire(LeaseStore store, JobIdentity identity) {
        return get(store.acquire(request(identity, atMost(SOME_SECONDS, store))));
    }

    static Lease granted(LeaseStore store, JobIdentity identity) {
        return granted(acquire(store, identity));
    }

    /** For tests that take hundreds of leases one after another: the first one lives until the last one is looked at. */
    static Lease grantedForLong(LeaseStore store, JobIdentity identity) {
        return granted(get(store.acquire(request(identity, atMost(Duration.ofMinutes(5), store)))));
    }

    /**
     * For keys that nobody else has: asks again when a machine that is busy has let a short answer timeout pass, and until what was granted too
     * late is withdrawn.
     */
    static GuardedRun admitted(JobGuard guard, RunRequest request) {
        return await().pollDelay(Duration.ZERO)
                .pollInSameThread()
                .until(() -> guard.admit(request).fold(run -> run, refusal -> null), run -> run != null);
    }

    /**
     * Ends a run that has a run key, with success. The answer may be later than its guard waits for: then the guard goes on until it is
     * noted. Nobody else is granted the run meanwhile.
     */
    static void complete(GuardedRun run, LeaseStore other, JobIdentity identity) {
        assertThat(run.complete()).isIn(RunOutcome.COMPLETED, RunOutcome.UNCONFIRMED);
        await().pollDelay(Duration.ZERO).ignoreExceptions().until(() -> {
            Acquisition answer = acquire(other, identity);
            if (answer instanceof Acquisition.Granted) {
                // No exception, which would be ignored.
                throw new Error("granted though it was completed: " + answer);
            }
            return answer instanceof Acquisition.Done;
        });
    }

    private static Duration atMost(Duration ttl, LeaseStore store) {
        return ttl.compareTo(store.longestTtl()) < 0 ? ttl : store.longestTtl();
    }

    /**
     * Until each server has a lease. A quorum grants as soon as a majority has it, so what a test takes from the last server
     * before would arrive there afterwards.
     */
    static void awaitEverywhere(List<EmbeddedRedis> servers, String lease) {
        servers.forEach(
                server -> await().until(() -> server.command("EXISTS", lease).equals("1")));
    }

    static Lease granted(Acquisition answer) {
        if (answer instanceof Acquisition.Granted granted) {
            return granted.lease();
        }
        throw new AssertionError("expected a grant, got " + answer);
    }
}
