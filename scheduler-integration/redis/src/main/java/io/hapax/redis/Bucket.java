package io.hapax.redis;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What this process knows of a bucket: its incarnation on the server, its format, and the highest token seen. Thread-safe. */
final class Bucket {

    /** Where it never has an answer, the script for one request is asked for one in so many. */
    private static final int RARELY = 64;

    private final MemoryLog log;
    private final AtomicLong highestToken = new AtomicLong();
    // Replies may arrive out of order; an older epoch only makes the next call more careful.
    private volatile String epoch = "";
    private volatile Runnable onLoss = () -> {};
    private volatile int format;
    // Of requests that are alone. A race between two of them costs a call or two.
    private final AtomicInteger toPassBy = new AtomicInteger();
    private volatile int passedBy;
    private volatile boolean inOneCall;

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

    /** Whether to ask the script for one request: rarely, while it has no answer, as in a quarantine. */
    boolean asksAlone() {
        return !inOneCall && (toPassBy.get() == 0 || toPassBy.getAndUpdate(left -> Math.max(0, left - 1)) == 0);
    }

    /**
     * Has each acquire be one call, whatever it meets: the answer of a quorum does not wait for all servers, and what follows it
     * must not overtake a second call.
     */
    void askInOneCall() {
        inOneCall = true;
    }

    /** Notes whether that script had an answer. */
    void answeredAlone(boolean answered) {
        if (!answered) {
            passedBy = Math.min(RARELY, 2 * passedBy + 1);
            toPassBy.set(passedBy);
        } else if (passedBy > 0) {
            passedBy = 0;
        }
    }
}
