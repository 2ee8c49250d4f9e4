package io.hapax.spring;

import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedSentinel;

/** Servers behind Sentinel and in a cluster, none of which is taken for down when it gets no processor for a while. */
final class PatientTopologies {

    private PatientTopologies() {}

    /** A master and its replica. */
    static EmbeddedSentinel sentinel() {
        EmbeddedSentinel servers = EmbeddedSentinel.start(1);
        servers.sentinels()
                .forEach(one -> one.command(
                        "SENTINEL", "SET", EmbeddedSentinel.MASTER_NAME, "down-after-milliseconds", "60000"));
        return servers;
    }

    /** Three masters. */
    static EmbeddedCluster cluster() {
        return EmbeddedCluster.start(0, "--cluster-node-timeout", "15000");
    }
}
