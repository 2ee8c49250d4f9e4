package io.hapax.redis;

import org.jspecify.annotations.Nullable;
import org.redisson.api.RTopic;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Messages that Redisson brings, which finds the server, and subscribes again by itself. Thread-safe. */
final class TopicMessages implements Messages {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private final RTopic topic;
    private final boolean outlivesStore;
    private volatile @Nullable Integer listener;
    private volatile boolean closed;

    /** @param outlivesStore whether the client is the application's, and goes on when the store is closed */
    TopicMessages(RedissonClient redisson, String channel, boolean outlivesStore) {
        this.topic = redisson.getTopic(channel, StringCodec.INSTANCE);
        this.outlivesStore = outlivesStore;
    }

    @Override
    public void listen(Receiver receiver) {
        var unused = topic.addListenerAsync(
                        String.class,
                        (channel, message) ->
                                RedisThreads.THREADS.call("taking a message", () -> receiver.heard(message)))
                .whenComplete((id, failure) -> {
                    if (failure == null) {
                        stands(id, receiver);
                    } else {
                        receiver.failed(failure);
                    }
                });
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
        if (own == null || !outlivesStore) {
            return;
        }
        try {
            var unused = topic.removeListenerAsync(own).exceptionally(unreachable -> null);
        } catch (Throwable unreachable) {
            LOG.debug("could not unsubscribe: {}", unreachable.toString());
        }
    }
}
