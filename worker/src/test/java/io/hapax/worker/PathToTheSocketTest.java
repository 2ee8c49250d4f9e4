package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * How many classes a reader meets between a request that the guard has taken and the socket: a thread that waits for a frozen
 * server shows them.
 */
@Tag("slow")
class PathToTheSocketTest {

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
                JobGuard guard = JobGuard.builder(RedissonLeaseStore.connect(redis.url(), "worker-test"))
                        .closesStore()
                        .build()) {
            guard.run(RunRequest.lock("warm"), run -> 1);
            redis.freeze();
            Thread asking = new Thread(() -> {
                try {
                    guard.run(RunRequest.lock("key"), run -> 1);
                } catch (InterruptedException over) {
                    // The test has ended.
                }
            });
            asking.start();
            List<String> path = await().until(() -> path(asking), found -> !found.isEmpty());
            redis.thaw();
            asking.join();
            assertThat(path).hasSizeLessThanOrEqualTo(7);
        }
    }
}
