package io.hapax.examples;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.redis.RedissonLeaseStore;
import java.time.Duration;

/** Guards a critical section that several services share. */
public final class PlainCode {

    private PlainCode() {}

    /**
     * Sends an invoice unless somebody else is at it or it has been sent.
     *
     * @param redisUrl such as {@code redis://localhost:6379}
     * @param invoice the invoice's number
     * @return what happened, for display
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public static String sendOnce(String redisUrl, int invoice) throws InterruptedException {
        // snippet:plain-code
        RedissonLeaseStore store = RedissonLeaseStore.connect(redisUrl, "shop");
        JobGuard guard = JobGuard.builder(store).build(); // one a process
        RunRequest request = RunRequest.lock("invoice/" + invoice) // must not overlap
                .once("send-invoice/" + invoice) // must not happen twice
                .waitAtMost(Duration.ofSeconds(30));
        RunResult<String> result = guard.run(request, run -> {
            run.ensureHeld(); // throws if the lease was lost
            return "fencing token " + run.fencingToken();
        });
        // end
        guard.close();
        store.close(); // its threads would keep the process alive
        return result.fold(ran -> "sent, " + ran.value(), refusal -> "not sent, " + refusal);
    }

    /**
     * Runs the example.
     *
     * @param args the address of a Redis, by default {@code redis://localhost:6379}
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws InterruptedException {
        String url = args.length > 0 ? args[0] : "redis://localhost:6379";
        System.out.println(sendOnce(url, 42));
        System.out.println(sendOnce(url, 42));
    }
}
