package io.hapax.http;

import io.hapax.lease.FencingToken;
import io.hapax.time.Ticker;
import java.time.Duration;

/**
 * Remembers the highest fencing token of each key, for a service that receives requests of runs. Implementations are thread-safe.
 *
 * <p>A fence at the door refuses what comes too late; it does not cover a request that passed in time and writes late. For that the
 * storage itself has to check the token, as {@code FencedTable} does.
 */
public interface Fence {

    /**
     * Notes a token, unless a higher one was seen.
     *
     * @param key of which key
     * @param token the token
     * @return the highest token that was seen of the key: the same one, or a higher one, and then it is stale
     * @throws FenceException if the fence cannot tell
     */
    FencingToken raise(String key, FencingToken token);

    /**
     * Creates a fence in the memory of this process, for receivers that are one process.
     *
     * @param retention for how long a key is remembered after its last request: longer than a request may be late
     * @return the fence
     * @throws IllegalArgumentException if the retention is not positive
     */
    static Fence inMemory(Duration retention) {
        return new InMemoryFence(Retention.checked(retention), Ticker.SYSTEM);
    }
}
