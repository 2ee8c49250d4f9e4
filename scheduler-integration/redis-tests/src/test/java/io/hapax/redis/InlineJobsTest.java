package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** A caller runs its job right in the code that follows {@code admitAsync}: its lease, and those of others, are renewed all the same. */
class InlineJobsTest {

    /** So long that no lease is lost where some threads of a busy machine get no processor for seconds. */
    private static final Duration TTL = Duration.ofSeconds(8);
    /** As long as this ttl allows with some time to spare. */
    private static final Duration ANSWER = Duration.ofMillis(1500);

    private static final int JOBS = 8;

    private final CountDownLatch goOn = new CountDownLatch(1);
    private final List<RunOutcome> ended = new CopyOnWriteArrayList<>();
    private final List<GuardedRun> running = new CopyOnWriteArrayList<>();

    @Test
    void jobs_in_the_code_that_follows_an_admission_keep_their_leases_and_others_are_admitted() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                JobGuard guard = JobGuard.builder(RedissonLeaseStore.builder()
                                .url(redis.url())
                                .namespace("inline")
                                .longestTtl(TTL)
                                .answerTimeout(ANSWER)
                                .firstStart(WallClock.now())
                                .build())
                        .worker("w")
                        .defaults(options -> options.withTtl(TTL))
                        .build()) {
            for (int n = 0; n < JOBS; n++) {
                RunRequest request = RunRequest.lock("job-" + n);
                // What follows an answer that is there already has the thread of its caller.
                Thread caller = new Thread(
                        () -> {
                            // Asks again when a machine that is busy has let the short answer timeout pass.
                            while (!guard.admitAsync(request)
                                    .thenApply(this::work)
                                    .join()) {
                                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
                            }
                        },
                        "caller-" + n);
                caller.setDaemon(true);
                caller.start();
            }
            await().until(() -> running.size() == JOBS);
            try (GuardedRun another = Fixture.admitted(guard, RunRequest.lock("another"));
                    GuardedRun.Scope scope = another.enter()) {
                // Longer than a lease lives that nobody renews.
                assertThat(goOn.await(TTL.toMillis() * 11 / 10, TimeUnit.MILLISECONDS))
                        .isFalse();
                assertThat(another.isHeld()).isTrue();
                assertThat(running).allMatch(GuardedRun::isHeld);
            }
            goOn.countDown();
            await().until(() -> ended.size() == JOBS);
            assertThat(ended).containsOnly(RunOutcome.COMPLETED);
        } finally {
            goOn.countDown();
        }
    }

    /** Whether the job was admitted. */
    private boolean work(Admission admission) {
        return admission.fold(this::work, refusal -> false);
    }

    private boolean work(GuardedRun run) {
        try (GuardedRun.Scope scope = run.enter()) {
            running.add(run);
            goOn.await();
        } catch (InterruptedException lost) {
            Thread.currentThread().interrupt();
        }
        // Code that follows the end may block as well.
        ended.add(run.completeAsync().thenApply(outcome -> outcome).join());
        return true;
    }
}
