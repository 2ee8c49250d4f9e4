package io.hapax.redis;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Protocol.Command;

/**
 * Messages that a thread of their own reads from a connection of their own, so that no other thread has to be woken up between the
 * server and a run that waits. Thread-safe.
 */
final class DirectMessages implements Messages {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** A connection that is cut without notice is given up after twice that; until then, those who wait ask from time to time. */
    private static final Duration LOOK = Duration.ofSeconds(10);

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);
    private static final int PARTS = 3;

    private final DirectLine.Opening opening;
    private final String channel;
    private final Duration look;
    private volatile @Nullable Thread reader;
    private volatile @Nullable Subscription current;
    private volatile boolean closed;

    DirectMessages(DirectLine.Opening opening, String channel) {
        this(opening, channel, LOOK);
    }

    DirectMessages(DirectLine.Opening opening, String channel, Duration look) {
        this.opening = opening;
        this.channel = channel;
        this.look = look;
    }

    @Override
    public void listen(Receiver receiver) {
        Thread started = RedisThreads.THREADS.start("hapax-redis-messages", () -> receive(receiver));
        reader = started;
        if (started == null) {
            receiver.failed(new IllegalStateException("no thread could be started"));
        }
    }

    private void receive(Receiver receiver) {
        Duration pause = SHORTEST_PAUSE;
        while (!closed) {
            Subscription subscription = null;
            try {
                subscription = new Subscription(opening.open(), receiver);
                subscription.read();
            } catch (Throwable broken) {
                LOG.debug("no wake-ups for now, waiting runs poll: {}", broken.toString());
            }
            pause = subscription != null && subscription.stood
                    ? SHORTEST_PAUSE
                    : shorter(pause.multipliedBy(2), LONGEST_PAUSE);
            if (!closed) {
                LockSupport.parkNanos(pause.toNanos());
            }
        }
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(reader);
        Subscription open = current;
        if (open != null) {
            open.end();
        }
    }

    /** One connection. Its own thread reads; once the subscription stands, only the timer writes. */
    private final class Subscription {

        private final DirectLine.Flushing connection;
        private final Receiver receiver;
        private boolean stood;
        private volatile boolean silent;
        private volatile boolean ended;

        Subscription(DirectLine.Flushing connection, Receiver receiver) {
            this.connection = connection;
            this.receiver = receiver;
        }

        /** Returns once the messages are closed; an exception says why there are none any more. */
        void read() {
            current = this;
            try {
                connection.sendCommand(Command.SUBSCRIBE, channel);
                connection.flush();
                while (!closed) {
                    Object answer = connection.getUnflushedObject();
                    silent = false;
                    if (answer instanceof List<?> parts && parts.size() == PARTS) {
                        received(text(parts.get(0)), parts);
                    }
                }
            } finally {
                end();
            }
        }

        private void received(String kind, List<?> parts) {
            if (kind.equals("message")) {
                boolean unused =
                        RedisThreads.THREADS.call("taking a message", () -> receiver.heard(text(parts.get(2))));
            } else if (kind.equals("subscribe")) {
                stood = true;
                connection.setTimeoutInfinite();
                lookLater();
                boolean unused = RedisThreads.THREADS.call("looking at keys", receiver::stands);
            }
        }

        private void lookLater() {
            var unused = RedisThreads.THREADS.after(look, RedisThreads.RETRIES, this::look);
        }

        /** Asks whether the server is still there; it was silent since the last time if it has not even answered that. */
        private void look() {
            if (ended) {
                return;
            }
            if (silent) {
                end();
                return;
            }
            silent = true;
            try {
                connection.sendCommand(Command.PING);
                connection.flush();
                lookLater();
            } catch (Throwable broken) {
                end();
            }
        }

        /** What reads it, fails. */
        void end() {
            ended = true;
            DirectLine.close(connection);
        }
    }

    private static String text(@Nullable Object part) {
        return part instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : String.valueOf(part);
    }
}
