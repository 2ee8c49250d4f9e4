package io.hapax.examples;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.redis.RedissonLeaseStore;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.configuration.JobRunrConfiguration.JobRunrConfigurationResult;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.storage.StorageProvider;

/** A JobRunr application that is guarded by two lines of code. */
public final class JobRunrReplica {

    /** The orders that were processed. */
    static final Queue<Integer> PROCESSED = new ConcurrentLinkedQueue<>();

    private JobRunrReplica() {}

    /** The application's jobs. */
    public static final class Orders {
        /** Created by JobRunr. */
        public Orders() {}

        /**
         * Processes an order once, however often it was queued, and never two of one customer at a time.
         *
         * @param customer whose order it is
         * @param order which order
         */
        // snippet:jobrunr-job
        @Guarded(key = "customer/%0", once = "order/%1")
        public void process(int customer, int order) {
            PROCESSED.add(order);
        }
        // end
    }

    /**
     * Starts a replica.
     *
     * @param redisUrl such as {@code redis://localhost:6379}
     * @param storage where JobRunr keeps its jobs
     * @param polling how it looks for them
     * @return what JobRunr returns
     */
    public static JobRunrConfigurationResult start(
            String redisUrl, StorageProvider storage, BackgroundJobServerConfiguration polling) {
        // snippet:jobrunr
        LeaseStore store = RedissonLeaseStore.connect(redisUrl, "shop"); // the same name on all replicas
        JobGuard guard = JobGuard.builder(store).build();
        JobRunrGuard.install(guard); // before JobRunr starts
        return JobRunr.configure()
                .useStorageProvider(storage)
                .useBackgroundJobServer(polling)
                .initialize();
        // end
    }
}
