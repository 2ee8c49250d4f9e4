package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Something that is asked of one bucket and may share a call of {@code exchange.lua} with others.
 *
 * @param <T> what it is answered with
 */
abstract class Request<T> {

    private final Keyspace.Keys keys;
    private final CompletableFuture<T> answer = new CompletableFuture<>();

    Request(Keyspace.Keys keys) {
        this.keys = keys;
    }

    Keyspace.Keys keys() {
        return keys;
    }

    CompletableFuture<T> answer() {
        return answer;
    }

    /** The fourth key of the script. */
    String further() {
        return keys.pause();
    }

    /** The six arguments of the script. */
    abstract List<String> arguments();

    /** A request as a script is asked that does nothing else. */
    record Alone(Script script, List<Object> keys, List<Object> arguments) {}

    /**
     * How it can be asked when nothing shares its call, in the full protocol: by a script that answers as {@code exchange.lua}
     * does, or, if anything is out of the ordinary, with an empty list. Null if only that one can be asked.
     */
    @Nullable
    Alone alone() {
        return null;
    }

    /** How many of the script's answers are its own. */
    abstract int answers();

    /** Takes what is its own of the script's answers, strings and longs. */
    abstract T read(Iterator<?> answers);

    /** An answer that cannot be read is trouble for this request alone. */
    final void answered(Iterator<?> answers) {
        try {
            answer.complete(read(answers));
        } catch (Throwable e) {
            answer.completeExceptionally(e);
        }
    }

    /** What Redis said instead of an answer to this request. */
    static LeaseStoreException refused(String what, String message) {
        return new LeaseStoreException(RedisTrouble.of(message).asReasonWhy("Redis did not carry out " + what));
    }

    final void failed(Throwable failure) {
        answer.completeExceptionally(failure);
    }
}
