package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.redisson.api.BatchOptions;
import org.redisson.api.RBatch;
import org.redisson.api.RScript.Mode;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RScriptAsync;

/**
 * Sends a script and WAIT over the same connection, as WAIT counts the writes of its own connection alone. Thread-safe.
 *
 * @param replicas how many have to confirm
 * @param atMost how long to wait for them; others that use the connection wait as well
 */
record Confirmation(Client client, int replicas, Duration atMost) {

    /** What the script answered, and how many replicas had it by then. */
    record Confirmed(List<Object> answer, int replicas) {}

    /** How a call says that replicas have to confirm it. */
    BatchOptions options() {
        return BatchOptions.defaults().sync(replicas, atMost);
    }

    CompletionStage<Confirmed> send(Script script, boolean asText, List<Object> keys, Object... args) {
        RBatch batch = client.redisson().createBatch(options());
        RScriptAsync scripts = batch.getScript(TextCodec.INSTANCE);
        String key = (String) keys.get(0);
        CompletionStage<List<Object>> answer = asText
                ? scripts.evalAsync(key, Mode.READ_WRITE, script.text(), ReturnType.LIST, keys, args)
                : scripts.evalShaAsync(key, Mode.READ_WRITE, script.sha(), ReturnType.LIST, keys, args);
        return batch.executeAsync()
                .thenCompose(result -> answer.thenApply(list -> new Confirmed(list, result.getSyncedSlaves())));
    }

    /** Fails if it is a grant that too few replicas have confirmed. */
    Acquisition checked(Acquisition acquisition, int confirmed) {
        if (acquisition instanceof Acquisition.Granted && confirmed < replicas) {
            throw new Missing(confirmed, replicas, atMost);
        }
        return acquisition;
    }

    /** Tells which grant was not confirmed by enough replicas. */
    static final class Missing extends LeaseStoreException {

        private static final long serialVersionUID = 1L;

        Missing(int confirmed, int replicas, Duration atMost) {
            super(Finding.error(
                    "only " + confirmed + " of " + replicas + " replicas confirmed the lease within "
                            + atMost.toMillis() + " ms (waitForReplicas), so it was given back",
                    "Fix the replicas, or lower waitForReplicas"));
        }
    }
}
