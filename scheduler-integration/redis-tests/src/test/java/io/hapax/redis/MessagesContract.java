package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.EmbeddedRedis;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What those who wait rely on, however messages arrive. */
@Tag("slow")
abstract class MessagesContract {

    static final String CHANNEL = "hapax:m:wake";

    final EmbeddedRedis redis = EmbeddedRedis.start();
    private final Heard heard = new Heard();

    /** Of the server of this test. */
    abstract Messages open();

    @AfterEach
    void stop() {
        redis.close();
    }

    static final class Heard implements Messages.Receiver {
        final AtomicInteger stood = new AtomicInteger();
        final List<String> messages = new CopyOnWriteArrayList<>();

        @Override
        public void stands() {
            stood.incrementAndGet();
        }

        @Override
        public void heard(String message) {
            messages.add(message);
            if (message.startsWith("fails")) {
                throw new IllegalStateException("planted");
            }
        }

        @Override
        public void failed(Throwable why) {
            throw new AssertionError(why);
        }
    }

    private String subscribers() {
        return redis.command("PUBSUB", "NUMSUB", CHANNEL).lines().reduce("", (a, b) -> b);
    }

    private void publish(String message) {
        assertThat(redis.command("PUBLISH", CHANNEL, message)).isEqualTo("1");
    }

    @Test
    void messages_arrive_in_their_order_whatever_becomes_of_one() {
        Messages messages = open();
        messages.listen(heard);
        await().until(() -> heard.stood.get() > 0);
        publish("one");
        publish("fails");
        publish("ümlaut;two");
        await().untilAsserted(() -> assertThat(heard.messages).containsExactly("one", "fails", "ümlaut;two"));
        messages.close();
        await().until(() -> subscribers().equals("0"));
    }

    @Test
    void a_subscription_that_is_broken_stands_again() {
        Messages messages = open();
        messages.listen(heard);
        await().until(() -> heard.stood.get() > 0);
        redis.restart();
        await().ignoreExceptions().until(() -> subscribers().equals("1"));
        publish("after");
        await().untilAsserted(() -> assertThat(heard.messages).containsExactly("after"));
        messages.close();
    }

    @Test
    void one_that_is_closed_at_once_leaves_no_subscription() {
        Messages messages = open();
        messages.listen(heard);
        messages.close();
        Messages other = open();
        other.listen(heard);
        await().until(() -> heard.stood.get() > 0);
        other.close();
        await().until(() -> subscribers().equals("0"));
    }
}
