package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which process each server of a quorum is: one server may have several names, and must not count twice. Thread-safe. */
final class Independence {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private final ConcurrentMap<String, String> serverByRunId = new ConcurrentHashMap<>();
    private final Set<String> refused = ConcurrentHashMap.newKeySet();

    /**
     * Notes what a server says of itself; fails if it joins the others and is one of them under another name. Those that are there when
     * the quorum is opened are compared then.
     *
     * @param runId empty if the server hides it
     */
    void found(String server, String runId, boolean joins) {
        String same = runId.isEmpty() ? null : serverByRunId.putIfAbsent(runId, server);
        if (same != null && joins && !same.equals(server)) {
            Finding finding = sameServer(same, server);
            if (refused.add(server)) {
                LOG.error("a server of the quorum does not count: {}", finding);
            }
            throw new LeaseStoreException(finding);
        }
    }

    static Finding sameServer(String one, String other) {
        return Finding.error(
                "a quorum needs independent servers, but " + one + " and " + other
                        + " are the same one: their run_id is equal",
                "Name every server once");
    }
}
