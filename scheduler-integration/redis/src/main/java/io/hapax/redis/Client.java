package io.hapax.redis;

import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import io.netty.util.concurrent.EventExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.RedissonShutdownException;
import org.redisson.api.RScript;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisConnectionException;
import org.redisson.client.RedisException;
import org.redisson.client.RedisNodeNotFoundException;
import org.redisson.client.RedisReconnectedException;
import org.redisson.client.RedisTimeoutException;
import org.redisson.client.codec.StringCodec;
import org.redisson.client.protocol.RedisCommands;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client of a store. One that the store has opened itself is replaced if it is dead while its servers are alive: Netty starts no thread
 * again that has ended with an {@link Error}, as where memory was short, and what that thread was to send is never sent. Thread-safe.
 */
final class Client {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** At least; more than a client of our own has connections to a server, so that each of these carries some. */
    private static final int QUESTIONS = 8;

    private static final Duration SHORTEST_PATIENCE = Duration.ofMillis(500);
    /** Within this, a client connects again by itself where only the server or the network was away. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private static final Duration SHORTEST_REST = Duration.ofSeconds(5);
    private static final Duration LONGEST_REST = Duration.ofMinutes(1);

    /** What a client says where it has received nothing from the server. */
    private static final List<Class<?>> SILENCE = List.of(
            RedisTimeoutException.class,
            RedisConnectionException.class,
            RedisNodeNotFoundException.class,
            RedisReconnectedException.class,
            RedissonShutdownException.class);

    private final @Nullable Supplier<RedissonClient> opening;
    private final List<String> keys;
    private final Duration patience;
    private final String server;
    private final Ticker ticker;
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile NanoTime restUntil;
    private Duration rest = SHORTEST_REST;

    private final ReentrantLock lock = new ReentrantLock();
    /** Written under the lock, as is the next. */
    private volatile Parts parts;

    private volatile boolean closed;
    private volatile Runnable onReplaced = () -> {};

    /** What a client is used through. */
    private record Parts(
            RedissonClient redisson,
            RScript scripts,
            @Nullable Pipeline pipeline) {

        static Parts of(RedissonClient redisson) {
            return new Parts(
                    redisson,
                    redisson.getScript(TextCodec.INSTANCE),
                    redisson instanceof Redisson own ? new Pipeline(own.getCommandExecutor()) : null);
        }
    }

    /**
     * @param opening opens another one like it; null if it is the application's, which then outlives the store
     * @param keys whose servers are asked whether they answer
     */
    Client(
            RedissonClient first,
            @Nullable Supplier<RedissonClient> opening,
            List<String> keys,
            Duration answerTimeout,
            String server,
            Ticker ticker) {
        this.parts = Parts.of(first);
        this.opening = opening;
        this.keys = keys;
        Duration twice = answerTimeout.multipliedBy(2);
        this.patience = twice.compareTo(SHORTEST_PATIENCE) < 0 ? SHORTEST_PATIENCE : twice;
        this.server = server;
        this.ticker = ticker;
        this.restUntil = ticker.now();
    }

    /** One of the application's. */
    static Client given(RedissonClient redisson) {
        return new Client(redisson, null, List.of(), Duration.ZERO, "", Ticker.SYSTEM);
    }

    /** The present one: to be asked for anew each time. */
    RedissonClient redisson() {
        return parts.redisson();
    }

    /** Likewise. */
    RScript scripts() {
        return parts.scripts();
    }

    /** Likewise; null if there is no way to send two commands over one connection. */
    @Nullable
    Pipeline pipeline() {
        return parts.pipeline();
    }

    boolean isOwn() {
        return opening != null;
    }

    /** Sets what is to be done, on any thread, when another client has taken the place of one. */
    void onReplaced(Runnable action) {
        onReplaced = action;
    }

    /** Notes that a call has failed; looks, at times and on another thread, whether the client is why. */
    void failed() {
        if (opening == null || closed || ticker.now().isBefore(restUntil) || !looking.compareAndSet(false, true)) {
            return;
        }
        try {
            RedisThreads.CLIENTS.execute(() -> look(opening));
        } catch (Throwable noThread) {
            // The next call that fails looks: that this one has failed is what its caller is to receive.
            looking.set(false);
        }
    }

    private void look(Supplier<RedissonClient> another) {
        boolean alive = false;
        try {
            alive = isAlive() || (!closed && replace(another));
        } catch (Throwable failure) {
            LOG.debug("no other client of Redis at {} can be opened: {}", server, failure.toString());
        } finally {
            try {
                restFrom(ticker.now(), alive);
            } finally {
                // Also where there is no memory to plan the next look.
                looking.set(false);
            }
        }
    }

    private void restFrom(NanoTime now, boolean alive) {
        Duration twice = rest.multipliedBy(2);
        rest = alive ? SHORTEST_REST : twice.compareTo(LONGEST_REST) > 0 ? LONGEST_REST : twice;
        restUntil = now.plus(rest);
    }

    /** One that was only away is back after a pause. */
    private boolean isAlive() {
        if (hasAllLoops(redisson()) && isAnswered(redisson())) {
            return true;
        }
        LockSupport.parkNanos(PAUSE.toNanos());
        return hasAllLoops(redisson()) && isAnswered(redisson());
    }

    /** Where one has ended, only a part of what is asked may be answered, by the connections of the others. */
    private static boolean hasAllLoops(RedissonClient client) {
        for (EventExecutor loop : ((Redisson) client).getServiceManager().getGroup()) {
            if (loop.isShuttingDown()) {
                return false;
            }
        }
        return true;
    }

    private boolean replace(Supplier<RedissonClient> another) {
        RedissonClient before = redisson();
        RedissonClient other = another.get();
        boolean isTaken = false;
        try {
            // The server may be back by now, for the one before as well.
            isTaken =
                    isAnswered(other) && !(hasAllLoops(before) && isAnswered(before)) && take(before, Parts.of(other));
        } finally {
            RedissonClient over = isTaken ? before : other;
            // By a task of its own: it waits for threads of the client, of which one may never say that it has ended.
            GuardThreads.inTurn(
                    isTaken ? this::tellReplaced : () -> {},
                    () -> RedisThreads.CLIENTS.execute(() -> over.shutdown(0, 2, TimeUnit.SECONDS)));
        }
        return isTaken;
    }

    private void tellReplaced() {
        GuardThreads.inTurn(
                onReplaced,
                () -> LOG.warn(
                        "Redis at {} answers, but not through the client that the store had opened; it has opened another one. Look in the log"
                                + " for an OutOfMemoryError or another Error: a thread of a client that ends with one is not started again",
                        server));
    }

    private boolean take(RedissonClient before, Parts other) {
        GuardThreads.lock(lock);
        try {
            boolean takes = !closed && redisson() == before;
            if (takes) {
                parts = other;
            }
            return takes;
        } finally {
            lock.unlock();
        }
    }

    /** Whether all that is asked comes back in time, be it a refusal. */
    private boolean isAnswered(RedissonClient asked) {
        int questions = Math.max(QUESTIONS, keys.size());
        List<CompletableFuture<?>> answers = new ArrayList<>(questions);
        try {
            for (int n = 0; n < questions; n++) {
                answers.add(((Redisson) asked)
                        .getCommandExecutor()
                        .writeAsync(keys.get(n % keys.size()), StringCodec.INSTANCE, RedisCommands.PING)
                        .toCompletableFuture()
                        .exceptionally(Client::refusal));
            }
            CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                    .get(patience.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (InterruptedException | ExecutionException | TimeoutException | RuntimeException silent) {
            LOG.debug("Redis at {} does not answer a client: {}", server, silent.toString());
            return false;
        }
    }

    private static String refusal(Throwable failure) {
        Throwable cause = RedisTrouble.unwrapped(failure);
        if (cause instanceof RedisException refusal && SILENCE.stream().noneMatch(kind -> kind.isInstance(refusal))) {
            return String.valueOf(refusal.getMessage());
        }
        throw new IllegalStateException(cause);
    }

    /** Shuts it down, unless it is the application's. */
    void close() {
        GuardThreads.lock(lock);
        try {
            closed = true;
        } finally {
            lock.unlock();
        }
        if (isOwn()) {
            redisson().shutdown(0, 2, TimeUnit.SECONDS);
        }
    }
}
