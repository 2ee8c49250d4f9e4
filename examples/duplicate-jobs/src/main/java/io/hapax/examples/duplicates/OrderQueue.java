package io.hapax.examples.duplicates;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.jobrunr.JobRunrGuard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.JobActivator;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.jspecify.annotations.Nullable;

/**
 * Two JobRunr servers over one queue, into which a shop has put each order twice, as shops do when a customer clicks twice or a
 * caller repeats a request. JobRunr sees two jobs; {@code once = "order/%0"} says that they are the same.
 */
final class OrderQueue implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final StorageProvider storage = new InMemoryStorageProvider();
    private final List<BackgroundJobServer> servers = new ArrayList<>();
    private final JobActivator beans;

    OrderQueue(Counts counts) {
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
        Orders orders = new Orders(counts);
        beans = new JobActivator() {
            @Override
            public <T> T activateJob(Class<T> type) {
                return type.cast(orders);
            }
        };
    }

    /** The jobs. */
    public static final class Orders {

        private final Counts counts;

        Orders(Counts counts) {
            this.counts = counts;
        }

        /**
         * Ships an order.
         *
         * @param order which
         */
        @Guarded(once = "order/%0")
        public void ship(int order) {
            counts.did("order " + order);
        }
    }

    void start(@Nullable JobGuard guard, String name) {
        BackgroundJobServer server = new BackgroundJobServer(
                storage,
                new JacksonJsonMapper(),
                beans,
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andName(name)
                        .andWorkerCount(4)
                        .andPollInterval(Duration.ofMillis(500)));
        if (guard == null) {
            JobRunrGuard.allowUnguarded();
        } else {
            JobRunrGuard.install(server, guard);
        }
        server.start();
        servers.add(server);
    }

    /** Puts each order into the queue twice, and waits until all are over. */
    void work(int orders) {
        JobScheduler shop = new JobScheduler(storage);
        List<UUID> queued = new ArrayList<>();
        for (int click = 1; click <= 2; click++) {
            for (int order = 1; order <= orders; order++) {
                int number = order;
                queued.add(shop.<Orders>enqueue(job -> job.ship(number)).asUUID());
            }
        }
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end && !queued.stream().allMatch(this::isOver)) {
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
        }
    }

    private boolean isOver(UUID id) {
        return storage.getJobById(id).hasState(StateName.SUCCEEDED);
    }

    @Override
    public void close() {
        servers.forEach(BackgroundJobServer::stop);
    }
}
