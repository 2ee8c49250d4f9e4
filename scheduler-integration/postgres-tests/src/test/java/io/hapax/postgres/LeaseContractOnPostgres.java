package io.hapax.postgres;

import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.LeaseStoreContract;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
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
abstract class LeaseContractOnPostgres extends LeaseStoreContract {

    private final String namespace = Attempts.freshName("contract");
    private final Object opening = new Object();
    private final List<LeaseStore> open = new CopyOnWriteArrayList<>();

    /** Where the tables are. */
    abstract DataSource database();

    private LeaseStore client(int index) {
        synchronized (opening) {
            while (open.size() <= index) {
                open.add(warm(PostgresLeaseStore.builder(database())
                        .namespace(namespace)
                        .migrate(true)
                        .answerTimeout(Duration.ofSeconds(15))
                        .build()));
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
        JobIdentity identity = Attempts.freshPair();
        Lease lease = LeaseFixture.granted(store, identity);
        Attempts.get(store.release(lease, Ending.NOT_DONE));
        return store;
    }

    @AfterAll
    void disconnect() {
        open.forEach(LeaseStore::close);
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
        Attempts.letPass(ttl.plusMillis(30));
    }
}
