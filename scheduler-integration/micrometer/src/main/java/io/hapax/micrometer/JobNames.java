package io.hapax.micrometer;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** Which names of jobs become tag values: the first ones, so that names with ids in them fill no memory. Thread-safe. */
final class JobNames {

    static final String OTHER = "other";

    private final Predicate<String> named;
    private final int most;
    private final Set<String> names = ConcurrentHashMap.newKeySet();
    private final Object lock = new Object();

    JobNames(Predicate<String> named, int most) {
        if (most < 1) {
            throw new IllegalArgumentException("at least one job must have a name of its own, not " + most);
        }
        this.named = named;
        this.most = most;
    }

    String tagOf(String job) {
        return names.contains(job) || (named.test(job) && isAdded(job)) ? job : OTHER;
    }

    private boolean isAdded(String job) {
        // Once it is full, those that come too late cost nobody a lock.
        if (names.size() >= most) {
            return names.contains(job);
        }
        synchronized (lock) {
            if (names.size() < most) {
                names.add(job);
            }
            return names.contains(job);
        }
    }
}
