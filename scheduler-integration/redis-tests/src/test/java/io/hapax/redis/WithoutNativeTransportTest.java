package io.hapax.redis;

import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** An application whose class path has no native transport of Netty, or one that does not fit, has leases all the same. */
@Tag("slow")
class WithoutNativeTransportTest {

    /** What the application does, in a JVM of its own. */
    static final class Application {
        public static void main(String[] arguments) {
            try (RedissonLeaseStore store =
                    Fixture.store(arguments[0]).firstStart(WallClock.now()).build()) {
                System.out.println(
                        "answered: " + Fixture.get(store.acquire(request(lock("k"), Duration.ofSeconds(10)))));
            }
        }
    }

    private static String runWithout(String absent, EmbeddedRedis redis) throws Exception {
        String classPath = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> !entry.contains(absent))
                .collect(Collectors.joining(File.pathSeparator));
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classPath,
                        Application.class.getName(),
                        redis.url()))
                .redirectErrorStream(true)
                .start();
        try {
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void leases_are_granted_through_the_sockets_of_java() throws Exception {
        assertThat(System.getProperty("java.class.path"))
                .contains("netty-transport-native-epoll")
                .contains("netty-transport-classes-epoll");
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertThat(runWithout("epoll", redis)).contains("answered: Granted");
        }
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertThat(runWithout("netty-transport-native-epoll", redis)).contains("answered: Granted");
        }
    }
}
