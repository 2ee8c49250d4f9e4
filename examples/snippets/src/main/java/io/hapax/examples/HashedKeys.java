package io.hapax.examples;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.redis.RedissonLeaseStore;

/** Guards work whose keys contain personal data, and keeps it out of Redis and the log. */
public final class HashedKeys {

    static final String NAMESPACE = "hashed-keys";

    private HashedKeys() {}

    /**
     * Sends a mail unless it has been sent.
     *
     * @param redisUrl such as {@code redis://localhost:6379}
     * @param secret at least 16 characters, the same for all workers
     * @param address to whom
     * @return under which key it was guarded, or why it was not sent
     * @throws InterruptedException if the thread is interrupted
     */
    public static String sendOnce(String redisUrl, String secret, String address) throws InterruptedException {
        // Of its own: a guard that hashes and one that does not would refuse each other.
        RedissonLeaseStore store =
                RedissonLeaseStore.builder().url(redisUrl).namespace(NAMESPACE).build();
        // snippet:hashed-keys
        JobGuard guard = JobGuard.builder(store).hashKeys(secret).build();
        RunRequest request = RunRequest.occurrence("welcome/" + address).job("welcome-mails");
        RunResult<String> result = guard.run(request, run -> "guarded as " + run.identity());
        // end
        guard.close();
        store.close();
        return result.fold(ran -> String.valueOf(ran.value()), refusal -> "not sent, " + refusal);
    }

    /**
     * Runs the example.
     *
     * @param args the address of a Redis, by default {@code redis://localhost:6379}
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws InterruptedException {
        String url = args.length > 0 ? args[0] : "redis://localhost:6379";
        System.out.println(sendOnce(url, "a secret of this example", "jane.doe@example.org"));
        System.out.println(sendOnce(url, "a secret of this example", "jane.doe@example.org"));
    }
}
