package io.hapax.quartz;

import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreProvider;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Opens stores in memory by addresses such as {@code memory:orders}, one memory for each address. */
public final class MemoryStoreProvider implements LeaseStoreProvider {

    static final List<Map<String, String>> SETTINGS = new CopyOnWriteArrayList<>();

    private static final Map<String, InMemoryLeaseStore> MEMORIES = new ConcurrentHashMap<>();

    @Override
    public boolean accepts(String url) {
        return url.startsWith("memory:");
    }

    @Override
    public LeaseStore open(String url, Map<String, String> settings) {
        SETTINGS.add(settings);
        return MEMORIES.computeIfAbsent(url, address -> new InMemoryLeaseStore(Ticker.SYSTEM))
                .otherClient();
    }
}
