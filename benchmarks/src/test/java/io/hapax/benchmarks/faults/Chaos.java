package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Event;
import io.hapax.benchmarks.faults.history.EventType;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** A short history in which everything happens at random: few keys, few workers, and times of which many are near the limits. */
final class Chaos {

    private static final List<String> WORKERS = List.of("alice", "bob", "carol");
    private static final List<Integer> GAPS =
            List.of(1, 3, 20, 100, 248, 252, 498, 502, 900, 1_100, 2_000, 3_000, 5_100);

    private final Random chance;
    private final List<Event> events = new ArrayList<>();
    private final List<Event> begun = new ArrayList<>();
    private final int servers;
    private long now = TimeUnit.SECONDS.toNanos(1);
    private int owners;

    Chaos(long seed) {
        chance = new Random(seed);
        servers = chance.nextBoolean() ? 1 : 3;
    }

    Recorded history() {
        for (int i = 0; i < servers; i++) {
            add("nemesis", EventType.SERVER, server(i), Integer.toString(servers / 2 + 1));
        }
        for (int n = 10 + chance.nextInt(60); n > 0; n--) {
            something();
        }
        for (Event run : begun) {
            if (chance.nextInt(3) > 0) {
                add(run.source(), EventType.EFFECT, run.field(0), "row", run.field(2), "ok");
            }
        }
        if (chance.nextInt(3) == 0) {
            add("nemesis", EventType.LEFT, "keys in Redis", Integer.toString(chance.nextInt(2)));
        }
        if (chance.nextInt(10) > 0) {
            add("nemesis", EventType.OVER, "hapax-l1");
        }
        return new Recorded(events);
    }

    private void add(String source, EventType type, String... fields) {
        if (chance.nextInt(3) == 0) {
            now += TimeUnit.MILLISECONDS.toNanos(GAPS.get(chance.nextInt(GAPS.size())));
        }
        now += 1 + chance.nextInt(1_000_000);
        events.add(Event.of(now, source, type, fields));
    }

    private void something() {
        switch (chance.nextInt(17)) {
            case 0, 1, 2 -> begin();
            case 3, 4, 5 -> ofRun(EventType.STEP);
            case 6 -> effect();
            case 7 -> ofRun(EventType.END);
            case 8 -> ofRun(EventType.TOLD);
            case 9 -> add("nemesis", chance.nextBoolean() ? EventType.STOP : EventType.CONTINUE, worker());
            case 10 -> lease(chance.nextBoolean() ? "-" : "owner-" + chance.nextInt(owners + 2));
            case 11 -> add("queue", EventType.DUE, "ITEM", occurrence(), "k");
            case 12 -> {
                String fault = chance.nextBoolean() ? "worker-stop" : "worker-stop+redis-empty";
                add("nemesis", EventType.FAULT, fault, "hapax-l1", "42", "alice");
                if (chance.nextBoolean()) {
                    something();
                    something();
                }
                if (chance.nextInt(4) > 0) {
                    heal();
                }
            }
            case 15 ->
                Planting.any(begun, chance)
                        .ifPresent(run -> add(
                                run.source(),
                                EventType.LIMIT,
                                run.field(0),
                                "rooms",
                                Integer.toString(1 + chance.nextInt(3))));
            case 13, 14 -> {
                String process = chance.nextInt(3) == 0 ? "observer" : worker();
                add(process, EventType.STARVED, process, Integer.toString(chance.nextInt(2_000_000)));
            }
            default -> {
                if (chance.nextInt(3) == 0) {
                    add("nemesis", EventType.KILL, worker());
                } else {
                    add("redis", EventType.FREED, server(chance.nextInt(servers)), place());
                }
            }
        }
    }

    /** As the nemesis: the fault that began last. */
    private void heal() {
        for (int i = events.size() - 1; i >= 0; i--) {
            if (events.get(i).type() == EventType.FAULT) {
                add("nemesis", EventType.HEALED, events.get(i).field(0));
                return;
            }
        }
    }

    private void begin() {
        boolean guarded = chance.nextInt(5) > 0;
        String owner = guarded ? "owner-" + owners++ : "-";
        if (guarded && chance.nextInt(4) > 0) {
            lease(owner);
        }
        String worker = worker();
        String token = guarded ? Integer.toString(begun.size() + 10 + chance.nextInt(4) - chance.nextInt(3)) : "-";
        add(worker, EventType.BEGIN, "run-" + begun.size(), "ITEM", occurrence(), key(), token, owner);
        begun.add(events.get(events.size() - 1));
        if (chance.nextInt(3) == 0) {
            add(worker, EventType.LIMIT, events.get(events.size() - 1).field(0), "rooms", "2");
        }
    }

    private void lease(String owner) {
        String place = place();
        for (int i = 0; i < servers; i++) {
            if (chance.nextInt(5) > 0) {
                add(server(i), EventType.LEASE, server(i), place, owner, chance.nextBoolean() ? "3000" : "500");
            }
        }
    }

    private void ofRun(EventType type) {
        Planting.any(begun, chance).ifPresent(run -> {
            boolean ended = events.stream()
                    .anyMatch(event ->
                            event.type() == EventType.END && event.field(0).equals(run.field(0)));
            if (type == EventType.STEP) {
                add(run.source(), type, run.field(0));
            } else if (type == EventType.TOLD) {
                add(run.source(), type, run.field(0), "NOT_RENEWED");
            } else if (!ended) {
                add(run.source(), type, run.field(0), "done");
            }
        });
    }

    private void effect() {
        Planting.any(begun, chance)
                .ifPresent(run -> add(
                        run.source(),
                        EventType.EFFECT,
                        run.field(0),
                        chance.nextBoolean() ? "file" : "store",
                        run.field(2),
                        chance.nextInt(5) > 0 ? "ok" : "stale"));
    }

    private String worker() {
        return WORKERS.get(chance.nextInt(WORKERS.size()));
    }

    private String occurrence() {
        return "item-" + chance.nextInt(8);
    }

    private String key() {
        return "k" + chance.nextInt(2);
    }

    private String place() {
        return "l:" + chance.nextInt(3);
    }

    private static String server(int number) {
        return "redis-" + number;
    }
}
