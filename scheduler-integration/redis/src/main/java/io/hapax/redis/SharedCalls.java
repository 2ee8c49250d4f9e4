package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import io.hapax.thread.GuardThreads;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.redisson.api.RScript.ReturnType;

/**
 * Sends the requests of one bucket: at once while few calls are in flight, so that a lone caller waits for nobody; else
 * together with the next call, when an answer has come. Requests are sent in the order in which they came. It has no
 * thread of its own: answers send what has waited for them. Thread-safe.
 */
final class SharedCalls {

    /**
     * While so many requests are in flight, it is better to wait for an answer and share the next call. Less leaves Redis
     * idle while answers travel to few callers, more shares too little: {@code benchmarks/} measures it.
     */
    static final int ENOUGH = 4;

    /** A request behind so many others would not be answered in time. */
    private static final int MOST_WAITING = 100_000;

    private final Namespace namespace;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Request<?>> waiting = new ArrayDeque<>();
    /** How many requests are. */
    private int inFlight;

    SharedCalls(Namespace namespace) {
        this.namespace = namespace;
    }

    void send(Request<?> request) {
        boolean now;
        boolean tooMany;
        boolean nobodySends;
        List<Request<?>> alone = List.of(request);
        lock.lock();
        try {
            now = inFlight < ENOUGH && waiting.isEmpty();
            tooMany = waiting.size() >= MOST_WAITING;
            // The answer that was to send them has failed, as where there is no memory.
            nobodySends = inFlight <= 0 && !waiting.isEmpty();
            if (now) {
                inFlight++;
            } else if (!tooMany) {
                waiting.add(request);
            }
        } finally {
            lock.unlock();
        }
        if (now) {
            call(alone);
            return;
        }
        if (tooMany) {
            request.failed(new LeaseStoreException(
                    Finding.error(MOST_WAITING + " requests wait for Redis already", "Ask for fewer leases at once")));
        }
        if (nobodySends) {
            call(next(0));
        }
    }

    private void call(List<Request<?>> first) {
        List<Request<?>> requests = first;
        int held = requests.size();
        try {
            while (held > 0) {
                int places = held;
                Batch batch = new Batch(namespace, requests);
                CompletableFuture<List<Object>> call = sent(batch);
                if (call.isDone()) {
                    // A store that is closed refuses at once, and a crowd that waits must not become a deep recursion.
                    held = 0;
                    requests = next(places);
                    held = requests.size();
                    var unused = call.whenComplete(batch::answered);
                } else {
                    var unused = call.whenComplete((list, failure) -> {
                        try {
                            // First of all, so that Redis works while the answers are given out.
                            call(next(places));
                        } finally {
                            batch.answered(list, failure);
                        }
                    });
                    held = 0;
                }
            }
        } finally {
            // Of a call that failed, as where there is no memory: places that are not given back are never used again.
            giveBack(held);
        }
    }

    private void giveBack(int places) {
        if (places > 0) {
            GuardThreads.lock(lock);
            try {
                inFlight -= places;
            } finally {
                lock.unlock();
            }
        }
    }

    private CompletableFuture<List<Object>> sent(Batch batch) {
        try {
            Request.Alone alone = batch.alone();
            if (alone == null) {
                return shared(batch);
            }
            CompletableFuture<List<Object>> answer = namespace
                    .scripts()
                    .call(
                            alone.script(),
                            ReturnType.LIST,
                            alone.keys(),
                            alone.arguments().toArray());
            return answer.thenCompose(
                    list -> batch.isLeft(alone, list) ? shared(batch) : CompletableFuture.completedFuture(list));
        } catch (Throwable e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private CompletableFuture<List<Object>> shared(Batch batch) {
        try {
            return namespace
                    .scripts()
                    .call(
                            Script.EXCHANGE,
                            ReturnType.LIST,
                            batch.keys(),
                            batch.arguments().toArray());
        } catch (Throwable e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private List<Request<?>> next(int over) {
        GuardThreads.lock(lock);
        try {
            // First, so that nothing that is thrown keeps a place for ever.
            inFlight -= over;
            List<Request<?>> requests = Batch.take(waiting, Function.identity());
            inFlight += requests.size();
            return requests;
        } finally {
            lock.unlock();
        }
    }
}
