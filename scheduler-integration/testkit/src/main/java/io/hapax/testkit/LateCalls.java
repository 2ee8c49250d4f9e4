package io.hapax.testkit;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which calls of a port are carried out after their caller gave up, and those that wait for it. Thread-safe.
 *
 * @param <O> the operations of the port that change something
 */
public final class LateCalls<O extends Enum<O>> {

    private final Map<O, Integer> ordered;
    private final Function<String, RuntimeException> failures;
    private final List<Supplier<? extends CompletionStage<?>>> waiting = new ArrayList<>();
    private final Map<O, Integer> soFar;
    private @Nullable Random random;
    private int oneIn;

    LateCalls(Class<O> operations, Function<String, RuntimeException> failures) {
        this.ordered = new EnumMap<>(operations);
        this.soFar = new EnumMap<>(operations);
        this.failures = failures;
    }

    /**
     * Lets the next calls of an operation be late.
     *
     * @param operation which
     * @param times how many calls, in addition to those ordered before
     */
    public synchronized void next(O operation, int times) {
        ordered.merge(operation, times, Integer::sum);
    }

    /**
     * Lets one call in so many be late, of any operation, until the end.
     *
     * @param source chooses them
     * @param one in how many; at least 1, then each call is late
     */
    public synchronized void atRandom(Random source, int one) {
        random = source;
        oneIn = one;
    }

    <T> CompletionStage<T> of(O operation, Supplier<CompletionStage<T>> call) {
        synchronized (this) {
            if (isLate(operation)) {
                waiting.add(call);
                soFar.merge(operation, 1, Integer::sum);
                return CompletableFuture.failedFuture(failures.apply("no answer to " + operation + " in time"));
            }
        }
        return call.get();
    }

    private boolean isLate(O operation) {
        int left = ordered.getOrDefault(operation, 0);
        if (left > 0) {
            ordered.put(operation, left - 1);
            return true;
        }
        return random != null && random.nextInt(oneIn) == 0;
    }

    /**
     * Counts the calls of an operation that were late, carried out by now or not.
     *
     * @param operation which
     * @return how many
     */
    public synchronized int soFar(O operation) {
        return soFar.getOrDefault(operation, 0);
    }

    /**
     * Counts the calls that were not carried out yet.
     *
     * @return how many
     */
    public synchronized int waiting() {
        return waiting.size();
    }

    /**
     * Carries one of the calls out.
     *
     * @param which from 0, in the order in which they were called
     */
    public void carryOut(int which) {
        var unused = remove(which).get();
    }

    /** Likewise, and waits for its end: a server carries it out on a thread of its own, and what follows is to come after it. */
    void carryOutAndWait(int which) {
        var unused = remove(which)
                .get()
                .handle((answer, failure) -> which)
                .toCompletableFuture()
                .join();
    }

    /** Carries out all calls that were not carried out yet, in order, each one after the end of the one before. */
    void carryOutAllAndWait() {
        while (waiting() > 0) {
            carryOutAndWait(0);
        }
    }

    private synchronized Supplier<? extends CompletionStage<?>> remove(int which) {
        return waiting.remove(which);
    }

    /** Carries out all calls that were not carried out yet, in order. */
    public void carryOutAll() {
        while (waiting() > 0) {
            carryOut(0);
        }
    }
}
