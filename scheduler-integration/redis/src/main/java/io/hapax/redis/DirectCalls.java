package io.hapax.redis;

import io.hapax.thread.GuardThreads;
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

    /** So long after the answer timeout a caller ends its wait itself, if nobody else has. */
    private static final Duration LATE = Duration.ofSeconds(1);

    private final Namespace namespace;
    private final AnswerTimeouts timeouts;
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
        this.timeouts = namespace.scripts().timeouts();
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
        timeouts.watch(request.answer());
        carryOut(request);
        return request.answer();
    }

    private void carryOut(Request<?> request) {
        NanoTime now = ticker.now();
        if (now.isBefore(restUntil)) {
            instead.accept(request);
            return;
        }
        Seat seat = new Seat(request);
        boolean isOver = false;
        try {
            carryOut(seat, now);
            isOver = true;
        } finally {
            if (!isOver) {
                abandon(seat);
            }
        }
    }

    private void carryOut(Seat seat, NanoTime asked) {
        Call first = enter(seat, asked);
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
        @Nullable NanoTime end = null;
        try {
            while (!left(seat)) {
                Call call = seat.toRead;
                if (call != null) {
                    seat.toRead = null;
                    read(call, seat);
                } else if (seat.mustWait()) {
                    LockSupport.parkNanos(this, LOOK.toNanos());
                    interrupted |= Thread.interrupted();
                    end = end == null ? ticker.now().plus(timeouts.timeout()).plus(LATE) : end;
                    look(seat, end);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** What others failed to do for this caller, as where there is no memory, it does itself. */
    private void look(Seat seat, NanoTime end) {
        Call own;
        lock.lock();
        try {
            DirectLine line = inFlight == 0 && !queue.isEmpty() ? idle.poll() : null;
            own = line == null ? null : next(line);
        } finally {
            lock.unlock();
        }
        if (own != null && sent(own)) {
            read(own, seat);
        } else if (!ticker.now().isBefore(end)) {
            timeouts.fail(seat.request.answer());
        }
    }

    /** Its caller fails, as where there is no memory: nobody may wait for it to read. */
    private void abandon(Seat seat) {
        Call unread;
        // Its lease is given back: it must not be asked for any more.
        seat.excused = true;
        GuardThreads.lock(lock);
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
    private @Nullable Call enter(Seat seat, NanoTime asked) {
        lock.lock();
        try {
            seat.gone = closed || asked.isBefore(restUntil);
            if (seat.gone) {
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
            int most = Math.min(queue.size(), Batch.LARGEST);
            List<Seat> seats = new ArrayList<>(most);
            List<Request<?>> requests = new ArrayList<>(most);
            Call prepared = new Call(line, seats, new Batch(namespace, requests));
            // Those whose answer timeout is over look themselves. From here on no memory is needed, so that what is
            // taken is sent.
            Batch.take(queue, seat -> seat.request, seats);
            for (int n = 0; n < seats.size(); n++) {
                requests.add(seats.get(n).request);
            }
            if (!seats.isEmpty()) {
                inFlight += seats.size();
                call = prepared;
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
                try {
                    call.batch().answered(answers, changed);
                } finally {
                    for (int n = 0; n < call.seats().size(); n++) {
                        if (call.seats().get(n) != own) {
                            LockSupport.unpark(call.seats().get(n).caller);
                        }
                    }
                }
            }
        }
    }

    /** Sends what has queued up, and lets one of those who wait for it read. */
    private void sendOn(Call over) {
        Call next;
        GuardThreads.lock(lock);
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
        GuardThreads.lock(lock);
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
            GuardThreads.lock(lock);
            try {
                inFlight -= call.seats().size();
                rest(call.line());
            } finally {
                lock.unlock();
            }
            try {
                for (int n = 0; n < call.seats().size(); n++) {
                    excuse(call.seats().get(n));
                }
                for (Seat seat = firstQueued(); seat != null; seat = firstQueued()) {
                    excuse(seat);
                }
            } finally {
                DirectLine.close(broken);
            }
        }
    }

    private @Nullable Seat firstQueued() {
        GuardThreads.lock(lock);
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
            try {
                seat.request.failed(failure);
            } catch (Throwable noMemory) {
                // Then its caller ends it when the answer timeout is over.
                LOG.debug("a request could not be refused: {}", noMemory.toString());
            }
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
