package io.hapax.benchmarks.faults.judge;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** What was seen of leases at the servers. Not thread-safe. */
final class Leases {

    /** No owner: whose lease it is was not seen. */
    private static final String NOBODY = "-";

    private record Written(int line, String server, long until) {}

    private final Map<String, Integer> needed = new LinkedHashMap<>();
    private final Map<String, String> tenants = new HashMap<>();
    private final Map<String, List<Written>> written = new HashMap<>();

    void read(Line line) {
        String place = line.word(0) + '\n' + line.word(1);
        switch (line.type()) {
            case "SERVER" -> needed.put(line.word(0), Integer.parseInt(line.word(1)));
            case "FREED" -> tenants.remove(place);
            default -> {
                String owner = line.word(2);
                if (owner.equals(NOBODY)) {
                    owner = tenants.getOrDefault(place, NOBODY);
                } else {
                    tenants.put(place, owner);
                }
                long until = line.nanos() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(line.word(3)));
                written.computeIfAbsent(owner, name -> new ArrayList<>())
                        .add(new Written(line.number(), line.word(0), until));
            }
        }
    }

    /** When an owner's lease is gone from so many servers that too few have it, by what the first lines say. */
    OptionalLong end(String owner, int lines) {
        if (owner.equals(NOBODY) || needed.isEmpty()) {
            return OptionalLong.empty();
        }
        Map<String, Long> until = new HashMap<>();
        for (Written one : written.getOrDefault(owner, List.of())) {
            if (one.line() <= lines) {
                until.merge(one.server(), one.until(), Math::max);
            }
        }
        int enough = needed.values().iterator().next();
        return until.entrySet().stream()
                .filter(entry -> needed.containsKey(entry.getKey()))
                .map(Map.Entry::getValue)
                .sorted((one, other) -> Long.compare(other, one))
                .mapToLong(Long::longValue)
                .skip(enough - 1L)
                .findFirst();
    }

    /** The line in which an owner's lease was seen first. */
    OptionalInt firstSeen(String owner) {
        return owner.equals(NOBODY)
                ? OptionalInt.empty()
                : written.getOrDefault(owner, List.of()).stream()
                        .mapToInt(Written::line)
                        .findFirst();
    }
}
