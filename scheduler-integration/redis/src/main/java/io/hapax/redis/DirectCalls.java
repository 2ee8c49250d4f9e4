package io.hapax.redis;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Carries requests out on the threads of callers that wait anyway: a lone one sends and reads for itself, and nobody has
 * to wake anybody. When all lines are in use, callers queue up; whoever comes back from Redis lends its line to the first
 * of them, which carries out everything that has queued up meanwhile, for all. If a line fails, its requests go by
 * Redisson, which knows how to find the server again, and no line is used for a while. Thread-safe.
 */
final class DirectCalls {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** Measured by {@code benchmarks/}: with one, Redis idles while the next sender wakes up. */
    private static final int LINES = 2;

    private static final Duration REST = Duration.ofSeconds(1);

    private final Namespace namespace;
    private final Ticker ticker;
    private final Consumer<Request<?>> instead;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Seat> queue = new ArrayDeque<>();
    private final Deque<DirectLine> idle = new ArrayDeque<>();
    private volatile NanoTime restUntil;
    private volatile boolean closed;

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
        /** Given when it is this caller's turn to send. */
        volatile @Nullable DirectLine line;
        /** Set when the request goes by other means, or nobody waits for it any more. */
        volatile boolean excused;
        /** Whether it has left the queue; guarded by the lock. */
        boolean taken;

        Seat(Request<?> request) {
            this.request = request;
        }

        boolean mustWait() {
            return !excused && !request.answer().isDone();
        }
    }

    /** Returns when the request is answered, or on its way by other means. */
    void carryOut(Request<?> request) {
        if (closed || ticker.now().isBefore(restUntil)) {
            instead.accept(request);
            return;
        }
        Seat seat = new Seat(request);
        lock.lock();
        try {
            queue.add(seat);
            seat.line = idle.poll();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (true) {
            DirectLine line = seat.line;
            if (line != null) {
                seat.line = null;
                lead(line, seat);
            } else if (seat.mustWait()) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            } else {
                break;
            }
        }
        leave(seat);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A line that was lent meanwhile to a caller that no longer needs it must not get lost. */
    private void leave(Seat seat) {
        DirectLine line;
        lock.lock();
        try {
            if (!seat.taken) {
                queue.remove(seat);
            }
            line = seat.line;
            seat.line = null;
        } finally {
            lock.unlock();
        }
        if (line != null) {
            passOn(line);
        }
    }

    /** Sends what waits, for all, and lends the line to the next caller while the answers are given out. */
    private void lead(DirectLine line, Seat own) {
        List<Seat> seats = take();
        if (seats.isEmpty()) {
            // Another line was faster.
            passOn(line);
            return;
        }
        Batch batch = new Batch(namespace, requests(seats));
        boolean answered = false;
        try {
            List<?> answers = line.carryOut(batch);
            passOn(line);
            answered = true;
            batch.answered(answers);
        } catch (JedisException failure) {
            LOG.debug("a direct connection to Redis failed: {}", failure.toString());
        } finally {
            if (!answered) {
                fallBack(line, seats);
            }
            wake(seats, own);
        }
    }

    private static List<Request<?>> requests(List<Seat> seats) {
        List<Request<?>> requests = new ArrayList<>(seats.size());
        seats.forEach(seat -> requests.add(seat.request));
        return requests;
    }

    private List<Seat> take() {
        lock.lock();
        try {
            List<Seat> taken = new ArrayList<>(Math.min(queue.size(), Batch.LARGEST));
            while (taken.size() < Batch.LARGEST && !queue.isEmpty()) {
                Seat seat = queue.remove();
                seat.taken = true;
                if (seat.mustWait()) {
                    taken.add(seat);
                } else {
                    seat.excused = true;
                    LockSupport.unpark(seat.caller);
                }
            }
            return taken;
        } finally {
            lock.unlock();
        }
    }

    private void passOn(DirectLine line) {
        Seat next;
        lock.lock();
        try {
            next = queue.peek();
            if (next == null || next.line != null) {
                next = null;
                if (closed) {
                    line.close();
                } else {
                    idle.push(line);
                }
            } else {
                next.line = line;
            }
        } finally {
            lock.unlock();
        }
        if (next != null) {
            LockSupport.unpark(next.caller);
        }
    }

    private void fallBack(DirectLine line, List<Seat> seats) {
        restUntil = ticker.now().plus(REST);
        line.close();
        List<Seat> all = new ArrayList<>(seats);
        lock.lock();
        try {
            all.addAll(queue);
            queue.forEach(seat -> seat.taken = true);
            queue.clear();
            idle.add(line);
        } finally {
            lock.unlock();
        }
        for (Seat seat : all) {
            if (seat.mustWait()) {
                instead.accept(seat.request);
            }
            seat.excused = true;
            LockSupport.unpark(seat.caller);
        }
    }

    private static void wake(List<Seat> seats, Seat own) {
        for (Seat seat : seats) {
            if (seat != own) {
                LockSupport.unpark(seat.caller);
            }
        }
    }

    /** Later requests go by other means; lines in use are closed when their senders come back. */
    void close() {
        closed = true;
        lock.lock();
        try {
            idle.forEach(DirectLine::close);
            idle.clear();
        } finally {
            lock.unlock();
        }
    }
}
