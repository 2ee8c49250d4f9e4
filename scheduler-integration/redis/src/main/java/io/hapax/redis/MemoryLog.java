package io.hapax.redis;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says that a server lost its memory, and why and until when it grants nothing: once, whatever the number of attempts,
 * and of buckets that find out. Thread-safe.
 */
final class MemoryLog {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");
    private static final Duration QUIET_AFTER_LOSS = Duration.ofSeconds(5);

    private final String namespace;
    private final String server;
    private final Ticker ticker;
    private final Object lock = new Object();
    private NanoTime lossQuietUntil;
    private NanoTime waitQuietUntil;
    private String toldReason = "";

    MemoryLog(String namespace, String server, Ticker ticker) {
        this.namespace = namespace;
        this.server = server;
        this.ticker = ticker;
        this.lossQuietUntil = ticker.now();
        this.waitQuietUntil = lossQuietUntil;
    }

    void lost() {
        NanoTime now = ticker.now();
        synchronized (lock) {
            if (now.isBefore(lossQuietUntil)) {
                return;
            }
            lossQuietUntil = now.plus(QUIET_AFTER_LOSS);
        }
        LOG.warn(
                "Redis at {} lost or may have lost its memory of namespace {} (restarted, emptied, failed over, or its clock"
                        + " was set back)",
                server,
                namespace);
    }

    void waits(String why, Duration left) {
        String reason = Quarantine.reason(why);
        NanoTime now = ticker.now();
        synchronized (lock) {
            if (reason.equals(toldReason) && now.isBefore(waitQuietUntil)) {
                return;
            }
            toldReason = reason;
            waitQuietUntil = now.plus(left);
        }
        String line = "namespace {} on Redis at {}: {}; grants start in {} ms";
        // Not by a level that is given: SLF4J 1.7, which Quartz 2.3 brings, has none.
        if (why.equals("new")) {
            LOG.info(line, namespace, server, reason, left.toMillis());
        } else {
            LOG.warn(line, namespace, server, reason, left.toMillis());
        }
    }
}
