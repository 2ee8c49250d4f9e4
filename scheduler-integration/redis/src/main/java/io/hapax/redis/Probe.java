package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.redisson.api.RScript.ReturnType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether a server can be trusted with leases: the Java side of {@code probe.lua}. */
record Probe(String version, String runId, String maxmemory, String policy) {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");
    private static final int OLDEST_MAJOR = 7;

    /** Fails if the server is too old, or forbids or hides what the scripts need. */
    static void check(Namespace namespace, String server) {
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(
                        Script.PROBE,
                        ReturnType.LIST,
                        List.of(namespace.keyspace().meta(0)));
        try {
            of(answer.join()).check(server);
        } catch (CompletionException e) {
            throw e.getCause() instanceof LeaseStoreException known
                    ? known
                    : new LeaseStoreException("Redis at " + server + " could not be probed", e);
        }
    }

    static Probe of(List<Object> answer) {
        return new Probe(
                (String) answer.get(0), (String) answer.get(1), (String) answer.get(2), (String) answer.get(3));
    }

    void check(String server) {
        if (major() < OLDEST_MAJOR) {
            throw new LeaseStoreException("Redis at " + server + " is version '" + version
                    + "', but the guard needs Redis 7.0 or newer, or Valkey 7.2 or newer. Upgrade the server");
        }
        if (runId.isEmpty()) {
            throw new LeaseStoreException("Redis at " + server + " hides its run_id (INFO server), as some proxies do; "
                    + "without it a restart cannot be noticed. Connect to the server itself");
        }
        if (!maxmemory.equals("0") && !maxmemory.isEmpty() && !policy.equals("noeviction")) {
            LOG.warn(
                    "Redis at {} may evict leases and done markers when its memory is full: maxmemory-policy is {},"
                            + " must be noeviction",
                    server,
                    policy);
        }
    }

    private int major() {
        try {
            return Integer.parseInt(version.split("\\.", 2)[0]);
        } catch (NumberFormatException unreadable) {
            return 0;
        }
    }
}
