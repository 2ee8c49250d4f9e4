package io.hapax.redis;

import java.util.concurrent.atomic.AtomicLong;

/** What this process knows of a bucket: its incarnation on the server, its format, and the highest token seen. Thread-safe. */
final class Bucket {

    private final MemoryLog log;
    private final AtomicLong highestToken = new AtomicLong();
    // Replies may arrive out of order; an older epoch only makes the next call more careful.
    private volatile String epoch = "";
    private volatile Runnable onLoss = () -> {};
    private volatile int format;

    Bucket(MemoryLog log, int format) {
        this.log = log;
        this.format = format;
    }

    /** The lowest among the workers of the namespace, as they have agreed: nothing is written that it cannot express. */
    int format() {
        return format;
    }

    void agreed(int lowest) {
        format = lowest;
    }

    /** The incarnation seen last; empty if the server has never answered. */
    String epoch() {
        return epoch;
    }

    String highestToken() {
        return Long.toString(highestToken.get());
    }

    void saw(String newEpoch) {
        String before = epoch;
        epoch = newEpoch;
        if (!before.isEmpty() && !before.equals(newEpoch)) {
            log.lost();
            RedisThreads.THREADS.call("noticing that Redis has lost its memory", onLoss);
        }
    }

    /** Sets what is to be done when the server has lost its memory, or another one has taken its place. */
    void onLoss(Runnable action) {
        onLoss = action;
    }

    void sawToken(long token) {
        highestToken.accumulateAndGet(token, Math::max);
    }
}
