package io.hapax.redis;

import io.hapax.thread.GuardThreads;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * Messages that a thread of their own reads from a connection of their own, so that no other thread has to be woken up between the
 * server and a run that waits. Where that does not work, they come the other way. Thread-safe.
 */
final class DirectMessages implements Messages {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private static final Duration LOOK = Duration.ofSeconds(10);
    /** A connection that was silent for so many looks was cut without notice; until then, those who wait ask from time to time. */
    private static final int SILENT_LOOKS = 3;

    /** So many have to fail before the first one stands, until there is no hope for this way. */
    private static final int ATTEMPTS = 3;

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);
    private static final int PARTS = 3;

    private final DirectLine.Opening opening;
    private final String channel;
    private final Messages otherwise;
    private final Duration look;
    private volatile @Nullable Thread reader;
    private volatile @Nullable Subscription current;
    private volatile boolean closed;

    DirectMessages(DirectLine.Opening opening, String channel, Messages otherwise) {
        this(opening, channel, otherwise, LOOK);
    }

    DirectMessages(DirectLine.Opening opening, String channel, Messages otherwise, Duration look) {
        this.opening = opening;
        this.channel = channel;
        this.otherwise = otherwise;
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
        boolean stood = false;
        Duration pause = SHORTEST_PAUSE;
        for (int failed = 0; !closed; failed++) {
            Throwable why = null;
            Subscription subscription = null;
            try {
                subscription = new Subscription(opening.open(), receiver);
                subscription.read();
            } catch (Throwable broken) {
                why = broken;
                LOG.debug("no wake-ups for now, waiting runs poll: {}", broken.toString());
            }
            boolean hasStood = subscription != null && subscription.stood;
            stood |= hasStood;
            if (!stood && failed + 1 >= ATTEMPTS && !closed) {
                LOG.debug("wake-ups come by Redisson, as no connection of their own can be had", why);
                otherwise.listen(receiver);
                return;
            }
            pause = hasStood ? SHORTEST_PAUSE : shorter(pause.multipliedBy(2), LONGEST_PAUSE);
            if (!closed) {
                // An interrupt means nothing here, and would make this spin.
                boolean ignored = Thread.interrupted();
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
        GuardThreads.inTurn(
                () -> {
                    Subscription open = current;
                    if (open != null) {
                        open.end();
                    }
                },
                otherwise::close);
    }

    /** One connection. Its own thread reads; once the subscription stands, only the timer writes. */
    private final class Subscription {

        private final DirectLine.Flushing connection;
        private final Receiver receiver;
        private boolean stood;
        private volatile boolean ended;
        private volatile @Nullable Runnable noMoreLooks;

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
                    readOne();
                }
            } finally {
                end();
            }
        }

        private void readOne() {
            Object answer;
            try {
                answer = connection.getUnflushedObject();
            } catch (JedisDataException refused) {
                if (!stood) {
                    throw refused;
                }
                // A look, by a server that loads its data or knows no such right: it is there.
                return;
            }
            if (answer instanceof List<?> parts && parts.size() == PARTS) {
                received(text(parts.get(0)), parts);
            }
        }

        private void received(String kind, List<?> parts) {
            if (kind.equals("message")) {
                boolean unused =
                        RedisThreads.THREADS.call("taking a message", () -> receiver.heard(text(parts.get(2))));
            } else if (kind.equals("subscribe")) {
                stood = true;
                connection.setSoTimeout((int) look.multipliedBy(SILENT_LOOKS).toMillis());
                lookLater();
                boolean unused = RedisThreads.THREADS.call("looking at keys", receiver::stands);
            }
        }

        private void lookLater() {
            noMoreLooks = RedisThreads.THREADS.after(look, RedisThreads.RETRIES, this::look);
            if (ended) {
                end();
            }
        }

        /** Has the server say something. */
        private void look() {
            if (ended) {
                return;
            }
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
            Runnable planned = noMoreLooks;
            GuardThreads.inTurn(
                    () -> {
                        if (planned != null) {
                            planned.run();
                        }
                    },
                    () -> DirectLine.close(connection));
        }
    }

    private static String text(@Nullable Object part) {
        return part instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : String.valueOf(part);
    }
}
