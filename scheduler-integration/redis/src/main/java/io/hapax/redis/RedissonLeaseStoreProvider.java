package io.hapax.redis;

import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreProvider;
import io.hapax.time.DurationText;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Opens a {@link RedissonLeaseStore} for addresses that start with {@code redis://} or {@code rediss://}. */
public final class RedissonLeaseStoreProvider implements LeaseStoreProvider {

    private static final List<String> NAMES = List.of(
            "namespace", "answerTimeout", "longestTtl", "firstStart", "lazy", "waitForReplicas", "replaceSettings");

    /** Called by {@link java.util.ServiceLoader}. */
    public RedissonLeaseStoreProvider() {}

    @Override
    public boolean accepts(String url) {
        String lower = url.toLowerCase(Locale.ROOT);
        return lower.startsWith("redis://") || lower.startsWith("rediss://");
    }

    @Override
    public LeaseStore open(String url, Map<String, String> settings) {
        RedissonLeaseStore.Builder builder = RedissonLeaseStore.builder().url(url);
        settings.forEach((name, value) -> set(builder, name, value));
        return builder.build();
    }

    private static void set(RedissonLeaseStore.Builder builder, String name, String value) {
        switch (name) {
            case "namespace" -> builder.namespace(value);
            case "answerTimeout" -> builder.answerTimeout(DurationText.parse(name, value));
            case "longestTtl" -> builder.longestTtl(DurationText.parse(name, value));
            case "firstStart" -> builder.firstStart(FirstStart.parse(name, value));
            case "waitForReplicas" -> builder.waitForReplicas(count(name, value));
            case "replaceSettings" -> builder.replaceSettings(flag(name, value));
            case "lazy" -> builder.lazy(flag(name, value));
            default ->
                throw new IllegalArgumentException(
                        "unknown setting '" + name + "' of the Redis store; allowed are " + NAMES);
        }
    }

    private static int count(String name, String value) {
        try {
            return Integer.parseUnsignedInt(value.trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "setting " + name + ": must be a whole number, 0 or more, was '" + value + "'", e);
        }
    }

    private static boolean flag(String name, String value) {
        return switch (value.trim().toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default ->
                throw new IllegalArgumentException("setting " + name + ": must be true or false, was '" + value + "'");
        };
    }
}
