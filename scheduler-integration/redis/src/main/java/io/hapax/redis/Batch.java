package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Requests of one bucket that share a call of {@code exchange.lua}.
 *
 * @param requests in the order in which they are carried out; at least one
 */
record Batch(Namespace namespace, List<Request<?>> requests) {

    /** Redis is held for a fraction of a millisecond by this many. */
    static final int LARGEST = 64;

    /** Takes the first ones that still wait for an answer: what its caller has given up must not be carried out. */
    static <W> List<W> take(Deque<W> waiting, Function<W, Request<?>> requestOf) {
        List<W> taken = new ArrayList<>(Math.min(waiting.size(), LARGEST));
        take(waiting, requestOf, taken);
        return taken;
    }

    /** Likewise, into a list that has room for them: needs no memory. */
    static <W> void take(Deque<W> waiting, Function<W, Request<?>> requestOf, List<W> taken) {
        while (taken.size() < LARGEST && !waiting.isEmpty()) {
            W first = waiting.remove();
            if (!requestOf.apply(first).answer().isDone()) {
                taken.add(first);
            }
        }
    }

    private Bucket bucket() {
        return namespace.bucket(requests.get(0).keys());
    }

    /** How its request is asked where it is the only one; null if {@code exchange.lua} has to be asked. */
    Request.@Nullable Alone alone() {
        if (requests.size() > 1) {
            return null;
        }
        Dialect dialect = namespace.scripts().known();
        return dialect != null && dialect.isFull() ? requests.get(0).alone() : null;
    }

    /** Whether {@code exchange.lua} has to be asked after all; not for what all have given up meanwhile. */
    boolean isLeft(Request.Alone asked, List<?> answers) {
        if (asked.script() == Script.ACQUIRE) {
            bucket().answeredAlone(!answers.isEmpty());
        }
        return answers.isEmpty() && !requests.get(0).answer().isDone();
    }

    List<Object> keys() {
        List<Object> keys = new ArrayList<>(1 + 4 * requests.size());
        keys.add(requests.get(0).keys().meta());
        for (Request<?> request : requests) {
            keys.add(request.keys().lease());
            keys.add(request.keys().done());
            keys.add(request.keys().waiter());
            keys.add(request.further());
        }
        return keys;
    }

    List<Object> arguments() {
        Bucket bucket = bucket();
        List<Object> args = new ArrayList<>(5 + 6 * requests.size());
        args.add(bucket.epoch());
        args.add(namespace.quarantine().whenNew());
        args.add(namespace.quarantine().whenLost());
        args.add(bucket.highestToken());
        args.add(namespace.channel());
        for (Request<?> request : requests) {
            args.addAll(request.arguments());
        }
        return args;
    }

    void answered(@Nullable List<?> list, @Nullable Throwable failure) {
        if (list != null) {
            answered(list);
        } else {
            failed(failure == null ? new LeaseStoreException("Redis gave no answer") : failure);
        }
    }

    /** Gives each request its part of the script's answer; every request is answered, or has failed, when it returns. */
    void answered(List<?> list) {
        try {
            if (list.isEmpty()) {
                throw new IllegalStateException("nobody waited for it any more");
            }
            String epoch = (String) list.get(0);
            if (!epoch.isEmpty()) {
                bucket().saw(epoch);
            }
            // Each from where its own answers start: one that fails half-way must not leave the others those of
            // somebody else.
            int own = 1;
            for (Request<?> request : requests) {
                request.answered(list.listIterator(own));
                own += request.answers();
            }
        } catch (Throwable e) {
            failed(new LeaseStoreException("the answer of Redis cannot be read: " + list, e));
        }
    }

    void failed(Throwable failure) {
        Throwable cause = RedisTrouble.unwrapped(failure);
        requests.forEach(request -> request.failed(cause));
    }
}
