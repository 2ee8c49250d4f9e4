package io.hapax.redis;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out requests on the threads of callers that wait for the answer anyway. A lone caller sends and reads for itself, so that no
 * other thread has to be woken up. While enough requests are in flight, callers queue up. A caller that has read an answer sends everything
 * that was queued meanwhile in one call, and lets one of the callers waiting for it read. If a connection fails, its requests go through
 * Redisson, which finds the server again, and no direct connection is used for a while.
 *
 * <p>If the queue is not empty, some caller is reading, and will send it. Thread-safe.
 */
final class DirectCalls {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** With one, Redis idles while an answer travels to one of few callers; with more, crowds share too little. */
    static final int LINES = 2;

    private static final Duration REST = Duration.ofSeconds(1);

    /** Nobody wakes a caller whose answer timeout is over while a line hangs. */
    private static final Duration LOOK = Duration.ofMillis(100);

    private final Namespace namespace;
    private final Ticker ticker;
    private final Consumer<Request<?>> instead;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private final Deque<Seat> queue = new ArrayDeque<>();
    private final Deque<DirectLine> idle = new ArrayDeque<>();
    private int inFlight;
    private boolean closed;
    private volatile NanoTime restUntil;

    /** Takes the way instead for requests that cannot be carried out directly. */
    DirectCalls(Namespace namespace, DirectLine.Opening opening, Ticker ticker, Consumer<Request<?>> instead) {
        this.namespace = namespace;
        this.ticker = ticker;
        this.instead = instead;
        this.restUntil = ticker.now();
        for (int n = 0; n < LINES; n++) {
            idle.add(new DirectLine(opening));
        }
    }

    /** A caller with its request. */
    private static final class Seat {
        final Request<?> request;
        final Thread caller = Thread.currentThread();
        /** The call whose answer this caller is to read; written under the lock. */
        volatile @Nullable Call toRead;
        /** Set when the request goes by other means. */
        volatile boolean excused;
        /** Whether it has left, or was never let in; written under the lock by its own caller. */
        boolean gone;

        Seat(Request<?> request) {
            this.request = request;
        }

        boolean mustWait() {
            return !excused && !request.answer().isDone();
        }
    }

    /** A call that is on its way. */
    private record Call(DirectLine line, List<Seat> seats, Batch batch) {}

    /** Returns the answer when it is there, or on its way by other means. */
    <T> CompletableFuture<T> call(Request<T> request) {
        namespace.scripts().timeouts().watch(request.answer());
        carryOut(request);
        return request.answer();
    }

    private void carryOut(Request<?> request) {
        if (ticker.now().isBefore(restUntil)) {
            instead.accept(request);
            return;
        }
        Seat seat = new Seat(request);
        boolean isOver = false;
        try {
            carryOut(seat);
            isOver = true;
        } finally {
            if (!isOver) {
                abandon(seat);
            }
        }
    }

    private void carryOut(Seat seat) {
        Call first = enter(seat);
        if (seat.gone) {
            instead.accept(seat.request);
            return;
        }
        if (first != null) {
            if (sent(first)) {
                read(first, seat);
            }
        }
        boolean interrupted = false;
        while (!left(seat)) {
            Call call = seat.toRead;
            if (call != null) {
                seat.toRead = null;
                read(call, seat);
            } else if (seat.mustWait()) {
                LockSupport.parkNanos(this, LOOK.toNanos());
                interrupted |= Thread.interrupted();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Its caller fails, as where there is no memory: nobody may wait for it to read. */
    private void abandon(Seat seat) {
        Call unread;
        lock.lock();
        try {
            seat.gone = true;
            queue.remove(seat);
            unread = seat.toRead;
            seat.toRead = null;
        } finally {
            lock.unlock();
        }
        if (unread != null) {
            fallBack(unread);
        }
    }

    /** Queues up, and returns a call to be sent if this caller may use a line; null if it has to wait for others. */
    private @Nullable Call enter(Seat seat) {
        lock.lock();
        try {
            seat.gone = closed;
            if (closed) {
                return null;
            }
            queue.add(seat);
            DirectLine line = inFlight < SharedCalls.ENOUGH ? idle.poll() : null;
            return line == null ? null : next(line);
        } finally {
            lock.unlock();
        }
    }

    /** Whether nothing is left to do for this caller; nobody lets it read any more if so. */
    private boolean left(Seat seat) {
        if (seat.mustWait()) {
            return false;
        }
        lock.lock();
        try {
            if (seat.toRead != null) {
                return false;
            }
            seat.gone = true;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** A call with the first of the queue, or null, and the line is idle; called under the lock. */
    private @Nullable Call next(DirectLine line) {
        Call call = null;
        try {
            // Those whose answer timeout is over look themselves.
            List<Seat> seats = Batch.take(queue, seat -> seat.request);
            if (!seats.isEmpty()) {
                List<Request<?>> requests = new ArrayList<>(seats.size());
                seats.forEach(seat -> requests.add(seat.request));
                call = new Call(line, seats, new Batch(namespace, requests));
                inFlight += seats.size();
            }
            return call;
        } finally {
            // Also where there is no memory for a call: a line that is not given back is never used again.
            if (call == null) {
                rest(line);
            }
        }
    }

    private void rest(DirectLine line) {
        if (closed) {
            line.close();
        } else {
            idle.push(line);
        }
    }

    private boolean sent(Call call) {
        boolean sent = false;
        try {
            call.line().send(call.batch());
            sent = true;
        } catch (Throwable failure) {
            LOG.debug("a direct connection to Redis failed: {}", failure.toString());
        } finally {
            if (!sent) {
                fallBack(call);
            }
        }
        return sent;
    }

    private void read(Call call, Seat own) {
        List<?> answers = null;
        ServerChanged changed = null;
        try {
            answers = call.line().read(call.batch());
        } catch (ServerChanged other) {
            // A grant of the other server does not count, and a second request there would find it.
            changed = other;
        } catch (Throwable failure) {
            LOG.debug("a direct connection to Redis failed: {}", failure.toString());
        } finally {
            if (answers == null && changed == null) {
                fallBack(call);
            }
        }
        if (answers != null || changed != null) {
            try {
                // Before the answers are given out, so that Redis works meanwhile.
                sendOn(call);
            } finally {
                call.batch().answered(answers, changed);
                for (Seat seat : call.seats()) {
                    if (seat != own) {
                        LockSupport.unpark(seat.caller);
                    }
                }
            }
        }
    }

    /** Sends what has queued up, and lets one of those who wait for it read. */
    private void sendOn(Call over) {
        Call next;
        lock.lock();
        try {
            inFlight -= over.seats().size();
            next = next(over.line());
        } finally {
            lock.unlock();
        }
        if (next != null && sent(next)) {
            Seat reader = readerOf(next);
            if (reader == null) {
                // All have given up meanwhile.
                read(next, next.seats().get(0));
            } else {
                LockSupport.unpark(reader.caller);
            }
        }
    }

    private @Nullable Seat readerOf(Call call) {
        lock.lock();
        try {
            // By number, which needs no memory: a call that nobody reads keeps its line.
            for (int n = 0; n < call.seats().size(); n++) {
                Seat seat = call.seats().get(n);
                if (!seat.gone) {
                    seat.toRead = call;
                    return seat;
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private void fallBack(Call call) {
        // First of all: an answer that is still to come on it would be taken for that of the next call.
        DirectLine.Flushing broken = call.line().takeConnection();
        try {
            restUntil = ticker.now().plus(REST);
        } finally {
            lock.lock();
            try {
                inFlight -= call.seats().size();
                rest(call.line());
            } finally {
                lock.unlock();
            }
            for (int n = 0; n < call.seats().size(); n++) {
                excuse(call.seats().get(n));
            }
            for (Seat seat = firstQueued(); seat != null; seat = firstQueued()) {
                excuse(seat);
            }
            DirectLine.close(broken);
        }
    }

    private @Nullable Seat firstQueued() {
        lock.lock();
        try {
            return queue.poll();
        } finally {
            lock.unlock();
        }
    }

    /** Has its request go by other means. */
    private void excuse(Seat seat) {
        try {
            if (seat.mustWait()) {
                instead.accept(seat.request);
            }
        } catch (Throwable failure) {
            seat.request.failed(failure);
        } finally {
            seat.excused = true;
            LockSupport.unpark(seat.caller);
        }
    }

    /** Later requests go by other means; lines in use are closed when their answers have come. */
    void close() {
        lock.lock();
        try {
            closed = true;
            idle.forEach(DirectLine::close);
            idle.clear();
        } finally {
            lock.unlock();
        }
    }
}
