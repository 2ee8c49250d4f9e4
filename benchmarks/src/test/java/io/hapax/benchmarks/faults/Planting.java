package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Event;
import io.hapax.benchmarks.faults.history.EventType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Violations that chance plants somewhere into a history. */
enum Planting {
    TWICE_FILE {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return twice(history, chance, "file");
        }
    },
    TWICE_STORE {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return twice(history, chance, "store");
        }
    },
    TWICE_ROW {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            Optional<Event> effect = any(effects(history, "row"), chance);
            Optional<Event> other = any(history.all(EventType.BEGIN), chance);
            if (effect.isEmpty() || other.isEmpty()) {
                return Optional.empty();
            }
            history.row(other.get(), effect.get().field(2));
            return Optional.of("twice-row of " + effect.get().field(2) + " ");
        }
    },
    LOST {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return any(history.all(EventType.DUE), chance).map(due -> {
                String resource = chance.nextBoolean() ? "file" : "row";
                history.events.removeIf(event -> event.type() == EventType.EFFECT
                        && event.field(1).equals(resource)
                        && event.field(2).equals(due.field(1)));
                return "lost of " + due.field(1) + " ";
            });
        }
    },
    OVERLAP_UNTOLD {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return successive(history, chance, true).map(pair -> {
                history.put(
                        pair.get(1).nanos() + 1,
                        "x",
                        EventType.STEP,
                        pair.get(0).field(0));
                return "overlap-untold of " + pair.get(0).field(0) + " "
                        + pair.get(1).field(0) + " ";
            });
        }
    },
    OVERLAP_TOLD {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return successive(history, chance, true).map(pair -> {
                Event older = pair.get(0);
                history.put(older.nanos() + 1, older.source(), EventType.TOLD, older.field(0), "NOT_RENEWED");
                history.put(pair.get(1).nanos() + 1, older.source(), EventType.STEP, older.field(0));
                return "overlap-told of " + older.field(0) + " " + pair.get(1).field(0) + " ";
            });
        }
    },
    OVER_LIMIT {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            List<Event> begins = new ArrayList<>(history.all(EventType.BEGIN));
            Collections.shuffle(begins, chance);
            for (Event older : begins) {
                Optional<Event> newer = begins.stream()
                        .filter(begin -> begin.nanos() > older.nanos() && begin.nanos() < history.lastWork(older))
                        .findFirst();
                boolean told = history.of(older).stream().anyMatch(event -> event.type() == EventType.TOLD);
                if (newer.isPresent() && !told) {
                    limit(history, older, 2);
                    limit(history, newer.get(), 1);
                    return Optional.of("over-limit of " + newer.get().field(0) + " ");
                }
            }
            return Optional.empty();
        }
    },
    TOKEN_REPEATED {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return successive(history, chance, false).map(pair -> {
                history.change(pair.get(1), 4, pair.get(0).field(4));
                return "token-out-of-order of " + pair.get(1).field(0) + " ";
            });
        }
    },
    TOKEN_LOWER {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return successive(history, chance, false).map(pair -> {
                history.change(
                        pair.get(1), 4, Long.toString(Long.parseLong(pair.get(0).field(4)) - 1));
                return "token-out-of-order of " + pair.get(1).field(0) + " ";
            });
        }
    },
    TOLD_LATE {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return leased(history, chance).map(run -> {
                told(history, run, history.leaseEnd(run) + millis(40));
                return "told-late of " + run.field(0) + " ";
            });
        }
    },
    TOLD_LATE_AFTER_THAW {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return leased(history, chance).map(run -> {
                long end = history.leaseEnd(run);
                history.put(end - millis(500), "nemesis", EventType.STOP, run.source());
                history.put(end + millis(1_000), "nemesis", EventType.CONTINUE, run.source());
                told(history, run, end + millis(1_300));
                return "told-late-after-thaw of " + run.field(0) + " ";
            });
        }
    },
    TOLD_LATER_THAN_STARVED {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return leased(history, chance).map(run -> {
                long end = history.leaseEnd(run);
                starved(history, run, end + millis(30), 60);
                told(history, run, end + millis(70));
                return "told-late of " + run.field(0) + " ";
            });
        }
    },
    TOLD_LATE_AFTER_THAW_THOUGH_IT_HAD_A_PROCESSOR {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return leased(history, chance).map(run -> {
                long end = history.leaseEnd(run);
                history.put(end - millis(500), "nemesis", EventType.STOP, run.source());
                history.put(end + millis(1_000), "nemesis", EventType.CONTINUE, run.source());
                starved(history, run, end + millis(1_100), 1_600);
                told(history, run, end + millis(1_360));
                return "told-late-after-thaw of " + run.field(0) + " ";
            });
        }
    },
    NEVER_TOLD_THOUGH_IT_HAD_A_PROCESSOR {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return leased(history, chance).map(run -> {
                long end = history.leaseEnd(run);
                starved(history, run, end + millis(100), 90);
                history.put(end + millis(600), run.source(), EventType.STEP, run.field(0));
                return "never-told of " + run.field(0) + " ";
            });
        }
    },
    NEVER_TOLD {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return leased(history, chance).map(run -> {
                history.put(history.leaseEnd(run) + millis(600), run.source(), EventType.STEP, run.field(0));
                return "never-told of " + run.field(0) + " ";
            });
        }
    },
    TAKEN_OVER_LATE {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return any(history.all(EventType.BEGIN), chance).flatMap(run -> {
                history.events.removeIf(
                        event -> event.type() == EventType.END && event.field(0).equals(run.field(0)));
                long killed = history.lastWork(run) + 1;
                history.put(killed, "nemesis", EventType.KILL, run.source());
                boolean later = false;
                for (Event next : history.all(EventType.BEGIN)) {
                    if (next.field(3).equals(run.field(3)) && next.nanos() > killed) {
                        if (next.nanos() - killed > millis(5_010)) {
                            later = true;
                        } else {
                            history.remove(next.field(0));
                        }
                    }
                }
                return later ? Optional.of("taken-over-late of " + run.field(0) + " ") : Optional.empty();
            });
        }
    },
    LEFT_BEHIND {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return any(history.all(EventType.LEFT), chance).map(left -> {
                history.change(left, 1, "2");
                return "left-behind of " + left.field(0) + " ";
            });
        }
    },
    NOT_HEALED {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return any(history.all(EventType.HEALED), chance).map(healed -> {
                history.events.remove(healed);
                return "not-healed of " + healed.field(0) + " ";
            });
        }
    },
    NOT_ENDED {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            history.events.removeIf(event -> event.type() == EventType.OVER);
            return Optional.of("complete false");
        }
    },
    NEVER_BEGAN {
        @Override
        Optional<String> into(Recorded history, Random chance) {
            return any(history.all(EventType.STEP), chance).map(step -> {
                history.events.removeIf(event ->
                        event.type() == EventType.BEGIN && event.field(0).equals(step.field(0)));
                return "refused";
            });
        }
    };

    /** Plants itself; says how what has to be found begins, empty if there is no place for it. */
    abstract Optional<String> into(Recorded history, Random chance);

    static <T> Optional<T> any(List<T> of, Random chance) {
        return of.isEmpty() ? Optional.empty() : Optional.of(of.get(chance.nextInt(of.size())));
    }

    static long millis(long millis) {
        return TimeUnit.MILLISECONDS.toNanos(millis);
    }

    private static List<Event> effects(Recorded history, String resource) {
        return history.all(EventType.EFFECT).stream()
                .filter(effect ->
                        effect.field(1).equals(resource) && effect.field(3).equals("ok"))
                .toList();
    }

    private static Optional<String> twice(Recorded history, Random chance, String resource) {
        Optional<Event> effect = any(effects(history, resource), chance);
        Optional<Event> work = any(history.all(EventType.STEP), chance);
        if (effect.isEmpty() || work.isEmpty()) {
            return Optional.empty();
        }
        String occurrence = effect.get().field(2);
        history.put(
                work.get().nanos() + 1,
                work.get().source(),
                EventType.EFFECT,
                work.get().field(0),
                resource,
                occurrence,
                "ok");
        return Optional.of("twice-" + resource + " of " + occurrence + " ");
    }

    /**
     * Two runs of one lock key of which the second began when the first was through, and which were not told. The process of the second
     * had not been frozen just before: then its token may have been given earlier.
     */
    private static Optional<List<Event>> successive(Recorded history, Random chance, boolean atWork) {
        List<Event> begins = new ArrayList<>(history.all(EventType.BEGIN));
        Collections.shuffle(begins, chance);
        for (Event older : begins) {
            Optional<Event> newer = begins.stream()
                    .filter(begin -> begin.field(3).equals(older.field(3)) && begin.nanos() > history.lastWork(older))
                    .filter(begin -> atWork
                            ? history.lastWork(begin) > begin.nanos() + 2
                            : !older.field(4).equals("-") && !begin.field(4).equals("-"))
                    .filter(begin -> !frozenBefore(history, begin))
                    .findFirst();
            boolean told = history.of(older).stream().anyMatch(event -> event.type() == EventType.TOLD);
            if (newer.isPresent() && !told) {
                return Optional.of(List.of(older, newer.get()));
            }
        }
        return Optional.empty();
    }

    private static boolean frozenBefore(Recorded history, Event begin) {
        return history.events.stream()
                .filter(event -> event.type() == EventType.STOP || event.type() == EventType.CONTINUE)
                .anyMatch(event -> event.field(0).equals(begin.source())
                        && event.nanos() <= begin.nanos()
                        && begin.nanos() - event.nanos() < millis(5_000));
    }

    /** A run that was not told, whose lease was seen, and whose process lived and did not stand still in the seconds around. */
    static Optional<Event> leased(Recorded history, Random chance) {
        List<Event> begins = new ArrayList<>(history.all(EventType.BEGIN));
        Collections.shuffle(begins, chance);
        long over = history.events.stream().mapToLong(Event::nanos).max().orElse(0);
        return begins.stream()
                .filter(begin ->
                        history.leaseEnd(begin) > begin.nanos() && history.leaseEnd(begin) + millis(1_500) < over)
                .filter(begin -> history.of(begin).stream().noneMatch(event -> event.type() == EventType.TOLD))
                .filter(begin -> history.events.stream()
                        .filter(event -> event.type() == EventType.STOP
                                || event.type() == EventType.CONTINUE
                                || event.type() == EventType.KILL)
                        .noneMatch(event -> event.field(0).equals(begin.source())
                                && Math.abs(event.nanos() - begin.nanos()) < millis(20_000)))
                .findFirst();
    }

    /** The witness of its process says, at a time, for how long it had no processor. */
    static void starved(Recorded history, Event run, long at, long millis) {
        history.put(at, run.source(), EventType.STARVED, run.source(), Long.toString(1_000 * millis));
    }

    private static void limit(Recorded history, Event run, int limit) {
        history.put(run.nanos() + 1, run.source(), EventType.LIMIT, run.field(0), "rooms", Integer.toString(limit));
    }

    /** Lets a run end after some time only, as what is notified after its end does not count. */
    static void goesOn(Recorded history, Event run, long until) {
        history.of(run).stream()
                .filter(event -> event.type() == EventType.END && event.nanos() <= until)
                .findFirst()
                .ifPresent(end -> {
                    boolean unused = history.events.remove(end);
                    history.put(
                            until + 1, end.source(), EventType.END, end.fields().toArray(String[]::new));
                });
    }

    static void told(Recorded history, Event run, long at) {
        goesOn(history, run, at);
        history.put(at, run.source(), EventType.TOLD, run.field(0), "NOT_RENEWED");
    }
}
