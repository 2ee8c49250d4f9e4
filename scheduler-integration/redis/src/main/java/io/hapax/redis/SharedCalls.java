package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.redisson.api.RScript.ReturnType;

/**
 * Sends the requests of one bucket: at once while few calls are in flight, so that a lone caller waits for nobody; else
 * together with the next call, when an answer has come. Requests are sent in the order in which they came. It has no
 * thread of its own: answers send what has waited for them. Thread-safe.
 */
final class SharedCalls {

    /** Measured by {@code benchmarks/}: one leaves Redis idle while an answer travels, many share too little. */
    private static final int IN_FLIGHT = 2;

    /** Whoever waits behind so many would not be answered in time. */
    private static final int MOST_WAITING = 100_000;

    private final Namespace namespace;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Request<?>> waiting = new ArrayDeque<>();
    private int inFlight;

    SharedCalls(Namespace namespace) {
        this.namespace = namespace;
    }

    void send(Request<?> request) {
        lock.lock();
        try {
            if (inFlight >= IN_FLIGHT) {
                wait(request);
                return;
            }
            inFlight++;
        } finally {
            lock.unlock();
        }
        call(List.of(request));
    }

    private void wait(Request<?> request) {
        if (waiting.size() < MOST_WAITING) {
            waiting.add(request);
        } else {
            request.failed(new LeaseStoreException(
                    MOST_WAITING + " requests wait for Redis already; ask for fewer leases at once"));
        }
    }

    private void call(List<Request<?>> requests) {
        Batch batch = new Batch(namespace, requests);
        CompletableFuture<List<Object>> call =
                namespace.scripts().call(Script.EXCHANGE, ReturnType.LIST, batch.keys(), batch.arguments());
        var unused = call.whenComplete((list, failure) -> {
            next();
            if (failure == null) {
                batch.answered(list);
            } else {
                batch.failed(failure);
            }
        });
    }

    /** First of all, so that Redis works while the answers are given out. */
    private void next() {
        List<Request<?>> requests;
        lock.lock();
        try {
            requests = Batch.take(waiting);
            if (requests.isEmpty()) {
                inFlight--;
            }
        } finally {
            lock.unlock();
        }
        if (!requests.isEmpty()) {
            call(requests);
        }
    }
}
