package io.hapax.redis;

import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreProvider;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Opens a {@link RedissonLeaseStore} for addresses that begin with {@code redis://} or {@code rediss://}. */
public final class RedissonLeaseStoreProvider implements LeaseStoreProvider {

    private static final List<String> NAMES = List.of("namespace", "answerTimeout", "longestTtl", "fresh", "lazy");
    private static final Pattern SHORT = Pattern.compile("(\\d{1,12})(ms|s|m)");

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
            case "answerTimeout" -> builder.answerTimeout(duration(name, value));
            case "longestTtl" -> builder.longestTtl(duration(name, value));
            case "fresh" -> builder.fresh(flag(name, value));
            case "lazy" -> builder.lazy(flag(name, value));
            default ->
                throw new IllegalArgumentException(
                        "unknown setting '" + name + "' of the Redis store; allowed are " + NAMES);
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

    private static Duration duration(String name, String value) {
        Matcher matcher = SHORT.matcher(value.trim());
        if (matcher.matches()) {
            long amount = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "ms" -> Duration.ofMillis(amount);
                case "s" -> Duration.ofSeconds(amount);
                default -> Duration.ofMinutes(amount);
            };
        }
        try {
            return Duration.parse(value.trim());
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(
                    "setting " + name + ": '" + value + "' is not a duration; write 500ms, 2s, 1m or ISO-8601", e);
        }
    }
}
