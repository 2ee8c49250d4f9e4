package io.hapax.postgres;

import io.hapax.lease.Finding;
import io.hapax.thread.GuardThreads;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Group commit for one kind of request: while a batch is with the database, the next requests gather, and go together. A
 * lone request goes at once. Thread-safe.
 *
 * @param <Q> the request
 * @param <A> its answer
 */
final class Batches<Q, A> {

    private static final int LARGEST_BATCH = 128;
    private static final int LONGEST_QUEUE = 20_000;
    /** How soon a request is tried again whose row somebody else has locked. */
    private static final Duration LOCKED_RETRY = Duration.ofMillis(20);

    /** What the database is asked; one answer a request, null if its row is locked and it has to be tried again. */
    interface Work<Q, A> {
        List<@Nullable A> answer(Connection connection, List<Q> requests) throws SQLException;
    }

    private final class Pending {
        private final Q request;
        private final CompletableFuture<A> answer = new CompletableFuture<>();

        Pending(Q request) {
            this.request = request;
        }
    }

    private final String name;
    private final Database database;
    private final Function<Q, Object> apart;
    private final Work<Q, A> work;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock.
    private final Queue<Pending> waiting = new ArrayDeque<>();
    private boolean busy;

    /**
     * @param name of the requests, for messages
     * @param database where they go
     * @param apart requests with equal values must not go in one batch
     * @param work what carries out a batch
     */
    Batches(String name, Database database, Function<Q, Object> apart, Work<Q, A> work) {
        this.name = name;
        this.database = database;
        this.apart = apart;
        this.work = work;
    }

    CompletableFuture<A> submit(Q request) {
        Pending pending = new Pending(request);
        lock.lock();
        try {
            if (waiting.size() >= LONGEST_QUEUE) {
                return CompletableFuture.failedFuture(service()
                        .failure(Finding.error(
                                service() + " is overloaded: " + waiting.size() + " requests to " + name + " wait",
                                "Give it more connections, or start fewer jobs at once")));
            }
            waiting.add(pending);
        } finally {
            lock.unlock();
        }
        database.bound(pending.answer);
        next();
        return pending.answer.exceptionally(failure -> {
            throw translated(failure);
        });
    }

    private Service service() {
        return database.service();
    }

    private RuntimeException translated(Throwable failure) {
        if (failure instanceof RuntimeException known && service().isOwn(failure)) {
            return known;
        }
        return failure instanceof TimeoutException
                ? service()
                        .failure(
                                Finding.error(
                                        service() + " did not " + name + " within "
                                                + database.answerTimeout().toMillis() + " ms",
                                        DatabaseTrouble.SLOW),
                                failure)
                : failure(failure);
    }

    /** Sends the next batch unless one is on its way. */
    private void next() {
        List<Pending> batch;
        lock.lock();
        try {
            if (busy) {
                return;
            }
            batch = take();
            busy = !batch.isEmpty();
        } finally {
            lock.unlock();
        }
        if (!batch.isEmpty()) {
            boolean isSent = false;
            try {
                database.execute(() -> run(batch));
                isSent = true;
            } catch (RejectedExecutionException closed) {
                fail(batch, service().failure("this " + service().noun() + " is closed; open another one", closed));
            } catch (Throwable noThread) {
                fail(batch, failure(noThread));
            } finally {
                // Also where there is no memory for a message: nothing is sent any more while this is busy.
                if (!isSent) {
                    idle();
                }
            }
        }
    }

    private void idle() {
        GuardThreads.lock(lock);
        try {
            busy = false;
        } finally {
            lock.unlock();
        }
        next();
    }

    /** Those whose callers have given up are not sent. */
    private List<Pending> take() {
        List<Pending> batch = new ArrayList<>();
        Set<Object> taken = new HashSet<>();
        for (Iterator<Pending> all = waiting.iterator(); all.hasNext() && batch.size() < LARGEST_BATCH; ) {
            Pending pending = all.next();
            if (pending.answer.isDone()) {
                all.remove();
            } else if (taken.add(apart.apply(pending.request))) {
                batch.add(pending);
                all.remove();
            }
        }
        return batch;
    }

    private void run(List<Pending> batch) {
        try {
            List<Pending> alive = alive(batch);
            if (!alive.isEmpty()) {
                answer(alive);
            }
        } finally {
            idle();
        }
    }

    private List<Pending> alive(List<Pending> batch) {
        return batch.stream().filter(pending -> !pending.answer.isDone()).toList();
    }

    private void answer(List<Pending> batch) {
        List<Pending> sent = new ArrayList<>();
        @Nullable List<@Nullable A> answers;
        try {
            answers = database.call(connection -> {
                // It may have taken long to get a connection; a claim that nobody waits for would be held in vain.
                sent.addAll(alive(batch));
                return sent.isEmpty()
                        ? List.of()
                        : work.answer(
                                connection,
                                sent.stream().map(pending -> pending.request).toList());
            });
        } catch (SQLException e) {
            if (batch.size() > 1 && DatabaseTrouble.concernsStatement(e)) {
                // One request must not spoil the others.
                batch.forEach(pending -> answer(List.of(pending)));
            } else {
                fail(batch, service().failure(DatabaseTrouble.of(e).asReasonWhy(service() + " did not " + name), e));
            }
            return;
        } catch (Throwable bug) {
            fail(batch, failure(bug));
            return;
        }
        if (answers == null || answers.size() != sent.size()) {
            fail(batch, failure(new IllegalStateException("not every request has an answer")));
            return;
        }
        for (int n = 0; n < sent.size(); n++) {
            Pending pending = sent.get(n);
            A answer = answers.get(n);
            if (answer != null) {
                pending.answer.complete(answer);
            } else {
                database.after(LOCKED_RETRY, () -> again(pending));
            }
        }
    }

    private RuntimeException failure(Throwable why) {
        return service().failure(service() + " did not " + name + ": " + why, why);
    }

    private void fail(List<Pending> batch, RuntimeException failure) {
        batch.forEach(pending -> pending.answer.completeExceptionally(failure));
    }

    private void again(Pending pending) {
        lock.lock();
        try {
            waiting.add(pending);
        } finally {
            lock.unlock();
        }
        next();
    }
}
