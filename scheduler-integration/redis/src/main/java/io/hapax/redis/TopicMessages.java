package io.hapax.redis;

import org.jspecify.annotations.Nullable;
import org.redisson.api.RTopic;
import org.redisson.client.codec.StringCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Messages that Redisson brings, which finds the server, and subscribes again by itself. Thread-safe. */
final class TopicMessages implements Messages {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private final Client client;
    private final String channel;
    /** The subscription that counts, standing or asked for; null if there is none. */
    private volatile @Nullable Object current;

    private volatile @Nullable Integer listener;
    private volatile boolean closed;

    TopicMessages(Client client, String channel) {
        this.client = client;
        this.channel = channel;
    }

    private RTopic topic() {
        return client.redisson().getTopic(channel, StringCodec.INSTANCE);
    }

    @Override
    public void listen(Receiver receiver) {
        Object own = new Object();
        current = own;
        client.onReplaced(() -> listenAgain(receiver));
        boolean asked = false;
        try {
            var unused = topic().addListenerAsync(
                            String.class,
                            (name, message) ->
                                    RedisThreads.THREADS.call("taking a message", () -> receiver.heard(message)))
                    .whenComplete((id, failure) -> {
                        if (current != own) {
                            // Of a client that was replaced: another one counts.
                            return;
                        }
                        if (failure == null) {
                            stands(id, receiver);
                        } else {
                            current = null;
                            receiver.failed(failure);
                        }
                    });
            asked = true;
        } finally {
            if (!asked) {
                current = null;
            }
        }
    }

    /** What one client listened to, or was about to, the next one does not. */
    private void listenAgain(Receiver receiver) {
        if (closed || current == null) {
            return;
        }
        try {
            listen(receiver);
        } catch (Throwable unreachable) {
            receiver.failed(unreachable);
        }
    }

    private void stands(Integer id, Receiver receiver) {
        listener = id;
        if (closed) {
            close();
        } else {
            receiver.stands();
        }
    }

    @Override
    public void close() {
        closed = true;
        Integer own = listener;
        if (own == null || client.isOwn()) {
            return;
        }
        try {
            var unused = topic().removeListenerAsync(own).exceptionally(unreachable -> null);
        } catch (Throwable unreachable) {
            LOG.debug("could not unsubscribe: {}", unreachable.toString());
        }
    }
}
