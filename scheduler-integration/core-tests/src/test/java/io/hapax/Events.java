package io.hapax;

import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Remembers what the guard told. */
final class Events implements GuardListener {

    private final List<GuardEvent> all = new CopyOnWriteArrayList<>();

    @Override
    public void on(GuardEvent event) {
        all.add(event);
    }

    <E extends GuardEvent> List<E> of(Class<E> type) {
        return all.stream().filter(type::isInstance).map(type::cast).toList();
    }

    <E extends GuardEvent> E awaitOne(Class<E> type) {
        await().atMost(Duration.ofSeconds(40)).until(() -> !of(type).isEmpty());
        return of(type).get(0);
    }

    List<GuardEvent> all() {
        return all;
    }

    /** Waits until the guards of other tests have delivered theirs, of which each may make a line in the log. */
    static void awaitDelivered() {
        await().pollDelay(Duration.ZERO)
                .until(() -> Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.getName().equals("hapax-events")));
    }
}
