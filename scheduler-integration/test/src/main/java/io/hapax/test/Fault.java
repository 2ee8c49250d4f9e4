package io.hapax.test;

import io.hapax.lease.LeaseStoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** What goes wrong with one kind of call, how often, and how many calls there were. Thread-safe. */
final class Fault {

    enum Kind {
        NONE,
        FAIL,
        HANG,
        LOSE_ANSWER
    }

    private static final int FOR_EVER = -1;

    private final String operation;
    private final List<Runnable> hanging = new ArrayList<>();
    private Kind kind = Kind.NONE;
    private int left;
    private int calls;

    Fault(String operation) {
        this.operation = operation;
    }

    synchronized void always(Kind next) {
        kind = next;
        left = FOR_EVER;
    }

    synchronized void times(Kind next, int times) {
        if (times < 1) {
            throw new IllegalArgumentException("a fault happens at least once, was asked for " + times + " times");
        }
        kind = next;
        left = times;
    }

    synchronized int calls() {
        return calls;
    }

    <T> CompletionStage<T> apply(Supplier<CompletionStage<T>> call) {
        return switch (next()) {
            case NONE -> call.get();
            case FAIL -> failed("was not sent");
            case HANG -> hang();
            case LOSE_ANSWER -> call.get().thenCompose(answer -> failed("was carried out, but its answer got lost"));
        };
    }

    /** Fails the calls that hang, as their answer timeout would. */
    void timeOut() {
        List<Runnable> ended;
        synchronized (this) {
            ended = List.copyOf(hanging);
            hanging.clear();
        }
        ended.forEach(Runnable::run);
    }

    private synchronized Kind next() {
        calls++;
        Kind now = kind;
        if (left > 0) {
            left--;
            kind = left == 0 ? Kind.NONE : kind;
        }
        return now;
    }

    private synchronized <T> CompletionStage<T> hang() {
        CompletableFuture<T> never = new CompletableFuture<>();
        hanging.add(() -> never.completeExceptionally(exception("was not answered in time")));
        return never;
    }

    private <T> CompletionStage<T> failed(String why) {
        return CompletableFuture.failedFuture(exception(why));
    }

    private LeaseStoreException exception(String why) {
        return new LeaseStoreException("injected fault: " + operation + " " + why);
    }
}
