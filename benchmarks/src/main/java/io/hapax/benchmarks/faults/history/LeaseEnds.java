package io.hapax.benchmarks.faults.history;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * Until when the lease of each owner lives at the servers if nobody renews it, seen from outside: a lease of a quorum ends
 * when fewer servers than a majority still have it. A server that lost its memory is quarantined, so its leases count until
 * their time is over. Not thread-safe.
 */
final class LeaseEnds {

    /** Of a run without a lease, and of a lease that was written before anybody looked. */
    private static final String NOBODY = "-";

    private final Map<String, Integer> majority = new LinkedHashMap<>();
    private final Map<String, String> ownerAt = new HashMap<>();
    private final Map<String, Map<String, Long>> endsOf = new HashMap<>();
    private final Map<String, Long> firstSeen = new HashMap<>();

    void add(Event event) {
        String server = event.field(0);
        switch (event.type()) {
            case SERVER -> majority.put(server, Integer.valueOf(event.field(1)));
            case LEASE -> {
                String place = server + " " + event.field(1);
                String owner = event.field(2);
                if (!owner.equals(NOBODY)) {
                    ownerAt.put(place, owner);
                    firstSeen.putIfAbsent(owner, event.nanos());
                }
                long end = event.nanos() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(event.field(3)));
                endsOf.computeIfAbsent(ownerAt.getOrDefault(place, NOBODY), name -> new HashMap<>())
                        .merge(server, end, Math::max);
            }
            case FREED -> ownerAt.remove(server + " " + event.field(1));
            default -> throw new IllegalArgumentException("not of a server: " + event);
        }
    }

    /** When the lease of an owner ends, by what was seen so far; empty if it was never seen on enough servers. */
    OptionalLong of(String owner) {
        Map<String, Long> seen = endsOf.get(owner);
        if (owner.equals(NOBODY) || seen == null || majority.isEmpty()) {
            return OptionalLong.empty();
        }
        long[] ends = majority.keySet().stream()
                .mapToLong(server -> seen.getOrDefault(server, Long.MIN_VALUE))
                .sorted()
                .toArray();
        int needed = majority.values().iterator().next();
        long end = ends[ends.length - needed];
        return end == Long.MIN_VALUE ? OptionalLong.empty() : OptionalLong.of(end);
    }

    /** When the lease of an owner was seen first at any server; otherwise if never. */
    long firstSeen(String owner, long otherwise) {
        return firstSeen.getOrDefault(owner, otherwise);
    }
}
