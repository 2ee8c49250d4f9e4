package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class DirectMessagesTest extends MessagesContract {

    private static final Duration LOOK = Duration.ofMillis(500);

    private final AtomicInteger opened = new AtomicInteger();

    @Override
    Messages open() {
        return new DirectMessages(
                () -> {
                    opened.incrementAndGet();
                    return OwnClient.direct(OwnClient.Address.parse(redis.url()), Fixture.PATIENCE);
                },
                CHANNEL,
                LOOK);
    }

    private static Set<Thread> readers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("hapax-redis-messages"))
                .collect(Collectors.toSet());
    }

    @Test
    void a_server_that_is_silent_is_given_up_and_one_that_answers_is_not() {
        Heard heard = new Heard();
        Messages messages = open();
        messages.listen(heard);
        await().until(() -> heard.stood.get() == 1);
        await().until(() -> redis.commandStats().getOrDefault("ping", 0L) > 4);
        // On a busy machine one answer may have come too late.
        assertThat(opened.get()).isLessThan(3);
        int before = opened.get();
        redis.freeze();
        await().until(() -> opened.get() > before);
        int stood = heard.stood.get();
        redis.thaw();
        await().until(() -> heard.stood.get() > stood);
        messages.close();
    }

    @Test
    void a_closed_one_leaves_no_thread() {
        Set<Thread> others = readers();
        Messages messages = open();
        messages.listen(new Heard());
        messages.close();
        await().until(() -> others.containsAll(readers()));
    }
}
