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
import org.junit.jupiter.api.Test;

/** A caller runs its job right in the code that follows {@code admitAsync}: its lease, and those of others, are renewed all the same. */
class InlineJobsTest {

    private static final Duration TTL = Duration.ofSeconds(3);
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
                                .answerTimeout(Duration.ofMillis(500))
                                .firstStart(WallClock.now())
                                .build())
                        .worker("w")
                        .defaults(options -> options.withTtl(TTL))
                        .build()) {
            for (int n = 0; n < JOBS; n++) {
                RunRequest request = RunRequest.lock("job-" + n);
                // What follows an answer that is there already has the thread of its caller.
                Thread caller = new Thread(
                        () -> guard.admitAsync(request).thenAccept(this::work).join(), "caller-" + n);
                caller.setDaemon(true);
                caller.start();
            }
            await().until(() -> running.size() == JOBS);
            try (GuardedRun another = ((Admission.Admitted) guard.admit(RunRequest.lock("another"))).run();
                    GuardedRun.Scope scope = another.enter()) {
                assertThat(goOn.await(TTL.toMillis() * 2, TimeUnit.MILLISECONDS))
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

    private void work(Admission admission) {
        GuardedRun run = ((Admission.Admitted) admission).run();
        try (GuardedRun.Scope scope = run.enter()) {
            running.add(run);
            goOn.await();
        } catch (InterruptedException lost) {
            Thread.currentThread().interrupt();
        }
        // Code that follows the end may block as well.
        ended.add(run.completeAsync().thenApply(outcome -> outcome).join());
    }
}
