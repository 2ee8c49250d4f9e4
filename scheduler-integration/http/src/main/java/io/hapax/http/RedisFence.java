package io.hapax.http;

import io.hapax.lease.FencingToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.redisson.api.RScript;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;

/**
 * A fence that all receivers on a Redis share: one key with a time to live for each fencing key. A Redis that loses its memory
 * lets the next token of each key pass, whatever it is. Thread-safe.
 */
public final class RedisFence implements Fence {

    private static final String SCRIPT = read("raise-fence.lua");

    private final RedissonClient redis;
    private final String prefix;
    private final String retention;

    private RedisFence(RedissonClient redis, String prefix, Duration retention) {
        this.redis = redis;
        this.prefix = prefix;
        this.retention = Long.toString(retention.toMillis());
    }

    /**
     * Creates a fence.
     *
     * @param redis the client, which stays the caller's to close
     * @param namespace the receiver's: fences of different ones do not see each other
     * @param retention for how long a key is remembered after its last request: longer than a request may be late
     * @return the fence
     * @throws IllegalArgumentException if the namespace is blank, or the retention is not positive
     */
    public static RedisFence of(RedissonClient redis, String namespace, Duration retention) {
        if (namespace.isBlank()) {
            throw new IllegalArgumentException("the namespace of a fence must not be blank; name the application");
        }
        return new RedisFence(redis, "hapax-fence:" + namespace + ":", Retention.checked(retention));
    }

    @Override
    public FencingToken raise(String key, FencingToken token) {
        try {
            String highest = redis.getScript(StringCodec.INSTANCE)
                    .eval(
                            RScript.Mode.READ_WRITE,
                            SCRIPT,
                            RScript.ReturnType.VALUE,
                            List.of(prefix + key),
                            token.toString(),
                            retention);
            return new FencingToken(Long.parseLong(highest));
        } catch (RuntimeException e) {
            throw new FenceException("the fence of '" + key + "' in Redis cannot be asked", e);
        }
    }

    private static String read(String name) {
        try (InputStream file = RedisFence.class.getResourceAsStream(name)) {
            if (file == null) {
                throw new IllegalStateException(name + " is missing in the jar");
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(name + " cannot be read", e);
        }
    }
}
