package io.hapax.benchmarks.faults.history;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The two resources that live with the observer: a file that takes whatever it is given, and a store that remembers the
 * highest fencing token of each lock key and refuses lower ones. Not thread-safe.
 */
final class Resources {

    private final Set<String> filed = new HashSet<>();
    private final Set<String> stored = new HashSet<>();
    private final Map<String, Long> highest = new HashMap<>();
    /** When each occurrence was due of which no run has ended well yet. */
    private final Map<String, Long> due = new HashMap<>();

    private final Set<String> ended = new HashSet<>();

    void due(String occurrence) {
        if (!ended.contains(occurrence)) {
            due.put(occurrence, System.nanoTime());
        }
    }

    boolean isFiled(String occurrence) {
        return filed.contains(occurrence);
    }

    boolean isStored(String occurrence) {
        return stored.contains(occurrence);
    }

    void file(String occurrence) {
        filed.add(occurrence);
    }

    /** A run of it has ended well. What is on file does not suffice: its transaction may have failed since. */
    void ended(String occurrence) {
        ended.add(occurrence);
        due.remove(occurrence);
    }

    /** A holder shows its token before it looks at anything, so that an older one cannot slip in between. */
    boolean raise(String key, long token) {
        return highest.merge(key, token, Math::max) == token;
    }

    boolean store(String key, String occurrence, long token) {
        if (!raise(key, token)) {
            return false;
        }
        stored.add(occurrence);
        return true;
    }

    /** Counts what was due within a time and has not ended well. */
    long pending(String prefixes, long fromNanos, long toNanos) {
        return due.entrySet().stream()
                .filter(entry -> entry.getKey().matches("(" + prefixes + ")-.*"))
                .filter(entry -> entry.getValue() >= fromNanos && entry.getValue() <= toNanos)
                .count();
    }
}
