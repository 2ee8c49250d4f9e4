package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.quartz.JobBuilder.newJob;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.quartz.Job;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.impl.StdSchedulerFactory;

/**
 * How many classes a reader meets between a request that the guard has taken and the socket, the guard's face itself left out: a
 * thread that waits for a frozen server shows them.
 */
@Tag("slow")
class PathToTheSocketTest {

    /** Often: the thread waits for an answer for some seconds only. */
    private static final Duration LOOK = Duration.ofMillis(10);

    /** So long that the thread is still seen when this one had no processor for a while. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /** Allows for that. */
    private static final Duration TTL = Duration.ofMinutes(2);

    private static JobGuard guard(EmbeddedRedis redis, String namespace) {
        return JobGuard.builder(RedissonLeaseStore.builder()
                        .url(redis.url())
                        .namespace(namespace)
                        .longestTtl(TTL)
                        .answerTimeout(PATIENCE)
                        .firstStart(WallClock.now())
                        .build())
                .defaults(options -> options.withTtl(TTL))
                .closesStore()
                .build();
    }

    /** After a call that failed, the next ones take another way for a moment. */
    private static void warmUp(JobGuard guard) {
        await().pollInSameThread()
                .until(() -> guard.run(RunRequest.lock("warm"), run -> 1).ran());
    }

    private static List<String> path(Thread thread) {
        List<String> frames = Arrays.stream(thread.getStackTrace())
                .map(StackTraceElement::getClassName)
                .toList();
        return frames.stream().anyMatch(name -> name.startsWith("sun.nio.ch."))
                ? frames.stream()
                        .filter(name -> name.startsWith("io.hapax."))
                        .map(name -> name.replaceAll("\\$.*", ""))
                        .filter(Predicate.not(PathToTheSocketTest.class.getName()::equals))
                        .filter(Predicate.not(JobGuard.class.getName()::equals))
                        .distinct()
                        .toList()
                : List.of();
    }

    @Test
    void from_a_request_to_the_socket_there_are_at_most_seven_classes() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                JobGuard guard = guard(redis, "worker-test")) {
            warmUp(guard);
            redis.freeze();
            Thread asking = new Thread(() -> {
                try {
                    guard.run(RunRequest.lock("key"), run -> 1);
                } catch (InterruptedException over) {
                    // The test has ended.
                }
            });
            asking.start();
            List<String> path = await().pollInterval(LOOK).until(() -> path(asking), found -> !found.isEmpty());
            redis.thaw();
            asking.join();
            assertThat(path).hasSizeLessThanOrEqualTo(7);
        }
    }

    /** Created by Quartz. */
    public static final class Idle implements Job {
        /** Created by Quartz. */
        public Idle() {}

        @Override
        public void execute(JobExecutionContext context) {}
    }

    @Test
    void from_a_firing_of_quartz_to_the_socket_there_are_at_most_ten_classes() throws Exception {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "path");
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                JobGuard guard = guard(redis, "path")) {
            Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
            HapaxPlugin.install(scheduler, guard);
            JobDetail job =
                    newJob(Idle.class).withIdentity("idle").storeDurably().build();
            scheduler.addJob(job, false);
            scheduler.start();
            warmUp(guard);
            redis.freeze();
            scheduler.triggerJob(job.getKey());
            List<String> path = await().pollInterval(LOOK)
                    .until(
                            () -> Thread.getAllStackTraces().keySet().stream()
                                    .filter(thread -> thread.getName().startsWith("path_Worker"))
                                    .map(PathToTheSocketTest::path)
                                    .filter(found -> !found.isEmpty())
                                    .findFirst()
                                    .orElse(List.of()),
                            found -> !found.isEmpty());
            redis.thaw();
            scheduler.shutdown(true);
            // And the face of the guard.
            assertThat(path).hasSizeLessThanOrEqualTo(9);
        }
    }
}
