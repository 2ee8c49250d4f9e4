package io.hapax.test;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The waits for a release. Thread-safe; futures are completed outside the lock, by the thread that releases, or by one
 * thread that lives as long as somebody waits.
 */
final class LeaseWaiters {

    private final Ticker ticker;
    private final Object lock = new Object();
    private final List<Waiter> waiters = new ArrayList<>();
    /** Keys released while nobody waited, and not asked for since: a run that was refused before may try again. */
    private final Set<LeaseKey> unseen = new HashSet<>();

    private @Nullable Thread alarm;

    LeaseWaiters(Ticker ticker) {
        this.ticker = ticker;
    }

    CompletableFuture<Void> await(Object client, LeaseKey key, Duration atMost) {
        Waiter waiter = new Waiter(client, key, ticker.now().plus(atMost), new CompletableFuture<>());
        synchronized (lock) {
            if (unseen.remove(key) || atMost.isZero() || atMost.isNegative()) {
                return CompletableFuture.completedFuture(null);
            }
            waiters.add(waiter);
        }
        CompletableFuture<Void> unused = waiter.future.whenComplete((nothing, failure) -> forget(waiter));
        setAlarm();
        return waiter.future;
    }

    void granted(LeaseKey key) {
        synchronized (lock) {
            unseen.remove(key);
        }
    }

    void released(LeaseKey key) {
        if (complete(waiter -> waiter.key.equals(key)) == 0) {
            synchronized (lock) {
                unseen.add(key);
            }
        }
    }

    void closed(Object client) {
        complete(waiter -> waiter.client == client);
    }

    private int complete(Predicate<Waiter> which) {
        List<Waiter> chosen;
        synchronized (lock) {
            chosen = waiters.stream().filter(which).toList();
            waiters.removeAll(chosen);
        }
        chosen.forEach(waiter -> waiter.future.complete(null));
        return chosen.size();
    }

    private void forget(Waiter waiter) {
        synchronized (lock) {
            waiters.remove(waiter);
            wakeAlarm();
        }
    }

    private void setAlarm() {
        synchronized (lock) {
            if (alarm == null) {
                alarm = new Thread(this::ring, "in-memory-lease-alarm");
                alarm.setDaemon(true);
                alarm.start();
            }
            wakeAlarm();
        }
    }

    private void wakeAlarm() {
        if (alarm != null) {
            ticker.wake(alarm);
        }
    }

    private void ring() {
        NanoTime next = nextDeadline();
        while (next != null) {
            ticker.parkUntil(next);
            NanoTime now = ticker.now();
            complete(waiter -> !now.isBefore(waiter.deadline));
            next = nextDeadline();
        }
    }

    private @Nullable NanoTime nextDeadline() {
        synchronized (lock) {
            NanoTime next = waiters.stream()
                    .map(Waiter::deadline)
                    .min((a, b) -> a.equals(b) ? 0 : a.isBefore(b) ? -1 : 1)
                    .orElse(null);
            if (next == null) {
                alarm = null;
            }
            return next;
        }
    }

    private record Waiter(Object client, LeaseKey key, NanoTime deadline, CompletableFuture<Void> future) {}
}
