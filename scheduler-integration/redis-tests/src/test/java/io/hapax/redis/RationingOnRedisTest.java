package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission;
import io.hapax.JobGuard;
import io.hapax.JobQueue;
import io.hapax.LockMode;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits and queues of two workers on real servers: one, or a quorum of three. */
class RationingOnRedisTest {

    /** The longest that the default ttl allows; a server of a quorum is waited for a sixth of it. */
    private static final Duration ANSWER = Duration.ofSeconds(6);

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final List<JobGuard> guards = new ArrayList<>();

    @AfterEach
    void stop() {
        guards.forEach(JobGuard::close);
        servers.forEach(EmbeddedRedis::close);
    }

    private void workers(int count) {
        Stream.generate(EmbeddedRedis::start).limit(count).forEach(servers::add);
        for (String worker : List.of("one", "two")) {
            guards.add(JobGuard.builder(store()).worker(worker).closesStore().build());
        }
    }

    private LeaseStore store() {
        List<String> urls = servers.stream().map(EmbeddedRedis::url).toList();
        RedissonLeaseStore.Builder builder = RedissonLeaseStore.builder()
                .namespace("redis-test")
                .answerTimeout(ANSWER)
                .firstStart(WallClock.now());
        return urls.size() == 1 ? builder.url(urls.get(0)).build() : builder.quorum(urls);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void no_more_than_the_limit_are_at_work_at_once_and_all_get_their_turn(int count) throws Exception {
        workers(count);
        AtomicInteger at = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch two = new CountDownLatch(2);
        ExecutorService threads = Executors.newFixedThreadPool(6);
        try {
            List<Future<RunResult<Integer>>> results = new ArrayList<>();
            for (int n = 0; n < 30; n++) {
                JobGuard guard = guards.get(n % 2);
                RunRequest request = RunRequest.lock("partner")
                        .once("order/" + n)
                        .waitAtMost(Duration.ofMinutes(3))
                        .tune(options -> options.withConcurrency(3));
                results.add(threads.submit(() -> guard.run(request, run -> {
                    most.accumulateAndGet(at.incrementAndGet(), Math::max);
                    two.countDown();
                    assertThat(two.await(20, TimeUnit.SECONDS))
                            .as("another one comes while this one is at work")
                            .isTrue();
                    return at.decrementAndGet();
                })));
            }
            for (Future<RunResult<Integer>> result : results) {
                assertThat(result.get()).isInstanceOf(RunResult.Ran.class);
            }
        } finally {
            threads.shutdown();
        }
        assertThat(most.get()).isBetween(2, 3);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void a_throttle_counts_the_runs_of_all_workers(int count) throws Exception {
        workers(count);
        RunRequest request = RunRequest.lock("mail").tune(options -> options.with("throttle", "2/1h"));
        for (JobGuard guard : guards) {
            assertThat(guard.run(request, run -> true)).isInstanceOf(RunResult.Ran.class);
        }
        for (JobGuard guard : guards) {
            assertThat(((Admission.Refused) guard.admit(request)).refusal().verdict())
                    .isEqualTo(Verdict.THROTTLED);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void a_place_in_the_queue_is_one_for_all_workers(int count) {
        workers(count);
        RunOptions options = RunOptions.DEFAULTS.withMode(LockMode.UNTIL_EXECUTED);
        LockKey key = new LockKey("import/7");
        QueuedJob first = new QueuedJob(guards.get(0), "import", key, "first", options);
        QueuedJob second = new QueuedJob(guards.get(1), "import", key, "second", options);
        assertThat(first.enter(id -> JobQueue.Fate.PRESENT).refusal()).isEmpty();
        assertThat(second.enter(id -> JobQueue.Fate.PRESENT).refusal()).isPresent();
        first.succeeded();
        org.awaitility.Awaitility.await()
                .until(() -> second.enter(id -> JobQueue.Fate.PRESENT).refusal().isEmpty());
    }
}
