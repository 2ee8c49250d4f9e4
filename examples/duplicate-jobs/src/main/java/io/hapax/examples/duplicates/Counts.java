package io.hapax.examples.duplicates;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** How often each thing was done, by whichever replica. Thread-safe. */
final class Counts {

    private final Map<String, Integer> done = new ConcurrentHashMap<>();

    void did(String what) {
        done.merge(what, 1, Integer::sum);
    }

    int things() {
        return done.size();
    }

    /** How many things were done more than once. */
    int twice() {
        return (int) done.values().stream().filter(times -> times > 1).count();
    }
}
