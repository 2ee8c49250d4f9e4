package io.hapax.redis;

import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.LeaseStoreContract;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.ResourceLockTarget;

/** The contract of lease stores, for clients that share a namespace of their own. Its tests run side by side. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Execution(ExecutionMode.CONCURRENT)
@ResourceLock(
        value = LeaseStoreContract.AGREEMENT,
        mode = ResourceAccessMode.READ,
        target = ResourceLockTarget.CHILDREN)
abstract class ContractOnRedis extends LeaseStoreContract {

    private final String namespace = "contract-" + UUID.randomUUID();
    private final Object opening = new Object();
    private final List<LeaseStore> open = new CopyOnWriteArrayList<>();

    abstract LeaseStore open(String namespace);

    // Opened within a test, so that a server that is not there skips every test visibly.
    private LeaseStore client(int index) {
        synchronized (opening) {
            while (open.size() <= index) {
                open.add(warm(open(namespace)));
            }
            return open.get(index);
        }
    }

    @BeforeEach
    void connect() {
        client(0);
    }

    /** A client's first calls take long on a busy machine, and must not be what a test with a short ttl waits for. */
    private static LeaseStore warm(LeaseStore store) {
        JobIdentity identity = Fixture.lock("warm-" + UUID.randomUUID());
        Lease lease = Fixture.granted(store, identity);
        Fixture.get(store.release(lease, Ending.NOT_DONE));
        return store;
    }

    @AfterAll
    void disconnect() {
        open.forEach(LeaseStore::close);
    }

    /** A server of a quorum that was not waited for has carried out, when it answers, what it was asked before. */
    private static CompletableFuture<?> settled(LeaseStore store) {
        return store.reservations()
                .orElseThrow()
                .holders("nobody")
                .toCompletableFuture()
                .handle((holders, unreachable) -> holders);
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
        CompletableFuture.allOf(open.stream().map(ContractOnRedis::settled).toArray(CompletableFuture[]::new))
                .join();
        long end = System.nanoTime() + ttl.toNanos() + 50_000_000;
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
    }
}
