package io.hapax.redis;

import java.util.concurrent.atomic.AtomicLong;

/** What this process knows of a bucket: its incarnation on the server, and the highest token seen. Thread-safe. */
final class Bucket {

    private final MemoryLog log;
    private final AtomicLong highestToken = new AtomicLong();
    // Replies may arrive out of order; an older epoch only makes the next call more careful.
    private volatile String epoch = "";
    private volatile Runnable onLoss = () -> {};

    Bucket(MemoryLog log) {
        this.log = log;
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
