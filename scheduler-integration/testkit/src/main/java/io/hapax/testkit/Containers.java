package io.hapax.testkit;

import static org.junit.jupiter.api.Assumptions.abort;

import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * Servers in containers, for the same tests that run on embedded ones. Asked for by {@code -Dhapax.containers=true};
 * nothing of Docker is touched otherwise.
 */
public final class Containers {

    private static final String REDIS_IMAGE = "redis:7.2-alpine";
    private static final int REDIS_PORT = 6379;
    private static final Object STARTING = new Object();
    private static @Nullable String redisUrl;

    private Containers() {}

    /**
     * Starts a Redis in a container, once a JVM; it ends with the JVM.
     *
     * <p>Where containers were not asked for, or no Docker engine answers, the calling test is aborted, which reports
     * it as skipped.
     *
     * @return the address, {@code redis://host:port}
     */
    public static String redisUrlOrSkip() {
        if (!Boolean.getBoolean("hapax.containers")) {
            return abort("skipped: containers were not asked for; -Dhapax.containers=true does");
        }
        if (!Docker.answers()) {
            return abort("skipped: no Docker");
        }
        synchronized (STARTING) {
            String url = redisUrl;
            if (url == null) {
                url = Docker.startRedis();
                redisUrl = url;
            }
            return url;
        }
    }

    /** A class of its own, so that Testcontainers is loaded only when it is used. */
    private static final class Docker {

        static boolean answers() {
            return DockerClientFactory.instance().isDockerAvailable();
        }

        /** Never closed: Testcontainers removes the container after the JVM has ended. */
        @SuppressWarnings("resource")
        static String startRedis() {
            GenericContainer<?> redis = new GenericContainer<>(DockerImageName.parse(REDIS_IMAGE));
            redis.withExposedPorts(REDIS_PORT)
                    .withCommand("redis-server", "--save", "", "--appendonly", "no")
                    .start();
            return "redis://" + redis.getHost() + ":" + redis.getMappedPort(REDIS_PORT);
        }
    }
}
