package io.hapax.jobrunr;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jobrunr.jobs.filters.RetryFilter;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.utils.mapper.JsonMapper;

/** A server for all histories, which never starts: it takes long to make. */
final class HistoryServer {

    private final BackgroundJobServer server;
    private volatile StorageProvider storage = new InMemoryStorageProvider();

    HistoryServer(JsonMapper mapper) {
        StorageProvider ofCurrent = (StorageProvider) Proxy.newProxyInstance(
                StorageProvider.class.getClassLoader(),
                new Class<?>[] {StorageProvider.class},
                (proxy, method, arguments) -> {
                    try {
                        return method.invoke(storage, arguments);
                    } catch (InvocationTargetException e) {
                        throw Objects.requireNonNull(e.getCause());
                    }
                });
        server = new BackgroundJobServer(
                ofCurrent,
                mapper,
                null,
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andPollInterval(Duration.ofHours(1)));
        server.setJobFilters(List.of(new RetryFilter(2, 1)));
    }

    BackgroundJobServer server() {
        return server;
    }

    /** Where the jobs of the next history are. */
    void storesIn(StorageProvider next) {
        storage = next;
    }
}
