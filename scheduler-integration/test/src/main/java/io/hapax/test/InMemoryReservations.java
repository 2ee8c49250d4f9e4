package io.hapax.test;

import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Places in the memory of one process. */
final class InMemoryReservations implements Reservations {

    private final Ticker ticker;
    private final Object lock = new Object();
    /** When the time of each holder is over, by name. */
    private final Map<String, Map<String, NanoTime>> places = new HashMap<>();

    InMemoryReservations(Ticker ticker) {
        this.ticker = ticker;
    }

    void forgetEverything() {
        synchronized (lock) {
            places.clear();
        }
    }

    @Override
    public CompletionStage<Reservation> reserve(ReservationRequest request) {
        synchronized (lock) {
            NanoTime now = ticker.now();
            Map<String, NanoTime> taken = current(request.name(), now);
            if (taken.containsKey(request.holder()) || taken.size() < request.places()) {
                prolong(taken, request.holder(), now.plus(request.time()));
                places.put(request.name(), taken);
                return CompletableFuture.completedFuture(new Reservation.Made());
            }
            Map.Entry<String, NanoTime> first = inOrder(taken).get(0);
            return CompletableFuture.completedFuture(
                    new Reservation.Full(first.getKey(), first.getValue().since(now)));
        }
    }

    private static void prolong(Map<String, NanoTime> taken, String holder, NanoTime end) {
        taken.merge(holder, end, (before, then) -> before.isBefore(then) ? then : before);
    }

    @Override
    public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
        synchronized (lock) {
            NanoTime now = ticker.now();
            Map<String, NanoTime> taken = current(name, now);
            boolean has = taken.containsKey(holder);
            if (has) {
                prolong(taken, holder, now.plus(time));
            }
            return CompletableFuture.completedFuture(has);
        }
    }

    @Override
    public CompletionStage<Boolean> giveUp(String name, String holder) {
        synchronized (lock) {
            return CompletableFuture.completedFuture(current(name, ticker.now()).remove(holder) != null);
        }
    }

    @Override
    public CompletionStage<List<String>> holders(String name) {
        synchronized (lock) {
            return CompletableFuture.completedFuture(inOrder(current(name, ticker.now())).stream()
                    .map(Map.Entry::getKey)
                    .toList());
        }
    }

    private Map<String, NanoTime> current(String name, NanoTime now) {
        Map<String, NanoTime> taken = places.getOrDefault(name, new HashMap<>());
        taken.values().removeIf(end -> !now.isBefore(end));
        return taken;
    }

    private static List<Map.Entry<String, NanoTime>> inOrder(Map<String, NanoTime> taken) {
        List<Map.Entry<String, NanoTime>> entries = new ArrayList<>(taken.entrySet());
        entries.sort((a, b) ->
                a.getValue().isBefore(b.getValue()) ? -1 : b.getValue().isBefore(a.getValue()) ? 1 : 0);
        return entries;
    }
}
