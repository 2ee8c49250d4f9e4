package io.hapax.redis;

import io.hapax.lease.LeaseStore;
import io.hapax.testkit.LeaseStoreContract;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/** The contract of lease stores, for clients that share a namespace of their own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ContractOnRedis extends LeaseStoreContract {

    private final String namespace = "contract-" + UUID.randomUUID();
    private final List<LeaseStore> open = new ArrayList<>();

    abstract LeaseStore open(String namespace);

    // Opened within a test, so that a server that is not there skips every test visibly.
    private LeaseStore client(int index) {
        while (open.size() <= index) {
            open.add(open(namespace));
        }
        return open.get(index);
    }

    @BeforeEach
    void connect() {
        client(0);
    }

    @AfterAll
    void disconnect() {
        open.forEach(LeaseStore::close);
    }

    /** A server of a quorum that was not waited for has carried out, when it answers, what it was asked before. */
    private static void settle(LeaseStore store) {
        var unused = store.reservations()
                .orElseThrow()
                .holders("nobody")
                .toCompletableFuture()
                .handle((holders, unreachable) -> holders)
                .join();
    }

    @Override
    protected LeaseStore store() {
        return client(0);
    }

    @Override
    protected LeaseStore otherClient() {
        return client(1);
    }

    @Override
    protected void letLapse(Duration ttl) {
        open.forEach(ContractOnRedis::settle);
        long end = System.nanoTime() + ttl.toNanos() + 50_000_000;
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
    }
}
