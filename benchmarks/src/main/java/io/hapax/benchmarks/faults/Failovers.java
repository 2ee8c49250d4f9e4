package io.hapax.benchmarks.faults;

import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Lets other servers take over. */
final class Failovers {

    private static final long MISSED_MILLIS = 1_000;
    private static final long SLOT_MILLIS = 150;

    private final FleetServers servers;

    Failovers(FleetServers servers) {
        this.servers = servers;
    }

    /** The replica misses what is written in the last second. */
    void sentinel() throws InterruptedException {
        EmbeddedRedis old = servers.sentinel().master();
        servers.sentinel().cutReplication();
        Thread.sleep(MISSED_MILLIS);
        old.kill();
        EmbeddedRedis unused = servers.sentinel().awaitPromotion(old);
    }

    /** Likewise, for the slots of one master; the old one comes back as the replica of the one that was its own. */
    void cluster(int master) throws InterruptedException {
        EmbeddedCluster cluster = servers.cluster();
        EmbeddedRedis old = cluster.masters().get(master);
        EmbeddedRedis replica = cluster.replicasOf(old).get(0);
        cluster.cutReplication(old);
        Thread.sleep(MISSED_MILLIS);
        old.kill();
        Thread.sleep(500);
        cluster.promote(replica);
        old.restart();
    }

    /** A slot that has leases moves from each master in turn to the next one. */
    void moveSlots(int first, long millis) throws InterruptedException {
        EmbeddedCluster cluster = servers.cluster();
        long start = System.nanoTime();
        for (int turn = first; System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(millis); turn++) {
            List<EmbeddedRedis> masters = cluster.masters();
            Optional<String> key = masters.get(turn % masters.size())
                    .command("KEYS", "*}:l:*")
                    .lines()
                    .filter(name -> !name.isBlank())
                    .findAny();
            if (key.isPresent()) {
                cluster.moveSlot(cluster.slotOf(key.get()), masters.get((turn + 1) % masters.size()));
            }
            Thread.sleep(SLOT_MILLIS);
        }
    }

    /** The primary is gone for good; its standby has all that was confirmed, and gets one of its own. */
    void postgres() throws InterruptedException {
        servers.database().kill();
        Thread.sleep(500);
        servers.promoteStandby();
    }
}
