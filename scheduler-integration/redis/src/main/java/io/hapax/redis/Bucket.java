package io.hapax.redis;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this process knows of a bucket: its incarnation on the server, and the highest token seen. Thread-safe. */
final class Bucket {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private final String server;
    private final String namespace;
    private volatile String epoch = "";
    private final AtomicReference<String> toldEpoch = new AtomicReference<>("");
    private final AtomicLong highestToken = new AtomicLong();

    Bucket(String server, String namespace) {
        this.server = server;
        this.namespace = namespace;
    }

    /** The incarnation seen last; empty if the server has never answered. */
    String epoch() {
        return epoch;
    }

    long highestToken() {
        return highestToken.get();
    }

    void saw(String newEpoch) {
        String before = epoch;
        if (before.equals(newEpoch)) {
            return;
        }
        epoch = newEpoch;
        if (!before.isEmpty()) {
            LOG.warn(
                    "Redis at {} lost or may have lost its memory of namespace {} (restarted, emptied or failed over)",
                    server,
                    namespace);
        }
    }

    void sawToken(long token) {
        highestToken.accumulateAndGet(token, Math::max);
    }

    /** Says once per incarnation why nothing is granted and until when. */
    void tellQuarantine(String forEpoch, String reason, long leftMillis) {
        if (!forEpoch.equals(toldEpoch.getAndSet(forEpoch))) {
            LOG.warn("namespace {} on Redis at {}: {}; grants begin in {} ms", namespace, server, reason, leftMillis);
        }
    }
}
