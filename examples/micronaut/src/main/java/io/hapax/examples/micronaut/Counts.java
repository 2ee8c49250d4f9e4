package io.hapax.examples.micronaut;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What the replicas did, seen from outside. Thread-safe. */
public final class Counts {

    private final long startedAt = System.nanoTime();
    private final Map<String, AtomicLong> done = new ConcurrentHashMap<>();

    Counts() {}

    void did(String what) {
        done.computeIfAbsent(what, unused -> new AtomicLong()).incrementAndGet();
    }

    long seconds() {
        return (System.nanoTime() - startedAt) / 1_000_000_000;
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
