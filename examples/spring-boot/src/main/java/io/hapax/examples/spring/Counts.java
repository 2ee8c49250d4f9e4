package io.hapax.examples.spring;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;

/** What the replicas did, seen from outside, and the queue that they share. Thread-safe. */
public final class Counts {

    private final long startedAt = System.nanoTime();
    private final Map<String, AtomicLong> done = new ConcurrentHashMap<>();
    private final StorageProvider storage;

    Counts() {
        storage = new InMemoryStorageProvider();
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
    }

    void did(String what) {
        done.computeIfAbsent(what, unused -> new AtomicLong()).incrementAndGet();
    }

    long seconds() {
        return (System.nanoTime() - startedAt) / 1_000_000_000;
    }

    StorageProvider storage() {
        return storage;
    }

    /** How often each thing whose name starts so was done. */
    Map<String, Long> of(String beginning) {
        Map<String, Long> found = new TreeMap<>();
        done.forEach((what, times) -> {
            if (what.startsWith(beginning)) {
                found.put(what, times.get());
            }
        });
        return found;
    }
}
