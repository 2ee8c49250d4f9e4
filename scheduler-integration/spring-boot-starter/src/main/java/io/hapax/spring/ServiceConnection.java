package io.hapax.spring;

import io.hapax.spring.SpringRedis.Cluster;
import io.hapax.spring.SpringRedis.Sentinel;
import io.hapax.spring.SpringRedis.Ssl;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;

/**
 * Where a service connection says that Redis is: Testcontainers with {@code @ServiceConnection}, Docker Compose, or a bean of the
 * application. Spring Boot 4 has moved and renamed the types of 3, whose methods are the same, so they are called by name.
 *
 * @param where names the bean, for messages
 * @param bundle certificates; null without TLS
 */
record ServiceConnection(
        String where, SpringRedis redis, @Nullable SslBundle bundle) {

    private static final List<String> TYPES = List.of(
            "org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails",
            "org.springframework.boot.autoconfigure.data.redis.RedisConnectionDetails");

    /** Those that only repeat {@code spring.data.redis.*}, or localhost if that says nothing. */
    private static final String OF_SETTINGS = "Properties";

    /**
     * Looks for the one bean that there is.
     *
     * @return empty if there is none, or if it only repeats settings
     * @throws IllegalArgumentException if it cannot be used; the message says why
     */
    static Optional<ServiceConnection> of(ListableBeanFactory beans, @Nullable ClassLoader classes) {
        for (String name : TYPES) {
            if (ClassUtils.isPresent(name, classes)) {
                Class<?> type = ClassUtils.resolveClassName(name, classes);
                Object details = beans.getBeanProvider(type).getIfUnique();
                if (details != null && !repeatsSettings(type, details)) {
                    return Optional.of(read(new Part(type, details)));
                }
            }
        }
        return Optional.empty();
    }

    private static boolean repeatsSettings(Class<?> type, Object details) {
        Class<?> actual = details.getClass();
        return actual.getPackageName().equals(type.getPackageName())
                && actual.getSimpleName().startsWith(OF_SETTINGS);
    }

    private static ServiceConnection read(Part details) {
        String where = "the " + details.type().getSimpleName() + " bean";
        if (details.part("getMasterReplica") != null) {
            throw new InvalidSettingException(
                    where,
                    "it names a master and its replicas, among which nobody fails over",
                    "Set hapax.redis.url to the master, or use Sentinel",
                    null);
        }
        Part sentinel = details.part("getSentinel");
        Part cluster = details.part("getCluster");
        Part alone = details.part("getStandalone");
        Part server = sentinel != null ? sentinel : cluster != null ? cluster : alone;
        if (server == null) {
            throw new IllegalArgumentException("it names no server");
        }
        boolean isAlone = sentinel == null && cluster == null;
        boolean isCluster = sentinel == null && cluster != null;
        Part common = details.part("getSslBundle");
        Part encrypting = common == null ? server.part("getSslBundle") : common;
        SslBundle bundle = encrypting == null ? null : (SslBundle) encrypting.value();
        SpringRedis redis = new SpringRedis(
                null,
                isAlone ? server.host("getHost") : null,
                isAlone ? server.number("getPort") : null,
                details.text("getUsername"),
                details.text("getPassword"),
                isCluster ? null : server.number("getDatabase"),
                bundle == null ? null : new Ssl(true, where),
                sentinel == null
                        ? null
                        : new Sentinel(
                                sentinel.text("getMaster"),
                                sentinel.nodes(),
                                sentinel.text("getUsername"),
                                sentinel.text("getPassword")),
                isCluster ? new Cluster(server.nodes()) : null);
        return new ServiceConnection(where, redis, bundle);
    }

    /** A value, and the public type under which its methods may be called. */
    private record Part(Class<?> type, Object value) {

        @Nullable
        Part part(String name) {
            Method method = ReflectionUtils.findMethod(type, name);
            Object part = method == null ? null : ReflectionUtils.invokeMethod(method, value);
            return method == null || part == null ? null : new Part(method.getReturnType(), part);
        }

        @Nullable
        String text(String name) {
            Part text = part(name);
            return text == null ? null : text.value().toString();
        }

        @Nullable
        Integer number(String name) {
            Part number = part(name);
            return number == null ? null : (Integer) number.value();
        }

        /** As addresses have it. */
        String host(String name) {
            String host = Objects.requireNonNull(text(name));
            return host.indexOf(':') < 0 || host.startsWith("[") ? host : "[" + host + "]";
        }

        List<String> nodes() {
            Part nodes = Objects.requireNonNull(part("getNodes"));
            return ((List<?>) nodes.value())
                    .stream()
                            .map(node -> new Part(node.getClass(), node))
                            .map(node -> node.host("host") + ":" + node.number("port"))
                            .toList();
        }
    }
}
