package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisConnectionException;

class DirectMessagesTest extends MessagesContract {

    private static final Duration LOOK = Duration.ofSeconds(1);

    private final AtomicInteger opened = new AtomicInteger();

    /** Is to be asked only where there is no hope. */
    private final Messages none = new Messages() {
        @Override
        public void listen(Receiver receiver) {
            throw new AssertionError("a connection of its own was given up");
        }

        @Override
        public void close() {}
    };

    @Override
    Messages open() {
        return open(none);
    }

    private Messages open(Messages otherwise) {
        return new DirectMessages(
                () -> {
                    opened.incrementAndGet();
                    return OwnClient.forMessages(OwnClient.Address.parse(redis.url()), Fixture.PATIENCE);
                },
                CHANNEL,
                otherwise,
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
        await().until(() -> heard.stood.get() > 0);
        await().until(() -> redis.commandStats().getOrDefault("ping", 0L) > 3);
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

    @Test
    void a_server_that_refuses_to_say_whether_it_is_there_is_there() {
        Heard heard = new Heard();
        Messages messages = open();
        messages.listen(heard);
        await().until(() -> heard.stood.get() > 0);
        redis.command("ACL", "SETUSER", "default", "-ping");
        long before = redis.commandStats().getOrDefault("ping", 0L);
        await().until(() -> refusedPings() > before + 3);
        redis.command("ACL", "SETUSER", "default", "+ping");
        // Not each time it refuses; on a busy machine one answer may have come too late.
        assertThat(opened).hasValueLessThan(3);
        messages.close();
    }

    private long refusedPings() {
        return redis.command("INFO", "commandstats")
                .lines()
                .filter(line -> line.startsWith("cmdstat_ping:"))
                .map(line -> line.replaceAll(".*rejected_calls=(\\d+).*", "$1"))
                .mapToLong(Long::parseLong)
                .sum();
    }

    @Test
    void where_no_connection_of_its_own_can_be_had_messages_come_another_way() {
        AtomicInteger listening = new AtomicInteger();
        AtomicInteger closed = new AtomicInteger();
        Messages another = new Messages() {
            @Override
            public void listen(Receiver receiver) {
                listening.incrementAndGet();
            }

            @Override
            public void close() {
                closed.incrementAndGet();
            }
        };
        redis.command("ACL", "SETUSER", "default", "-subscribe");
        Messages messages = open(another);
        messages.listen(new Heard());
        await().until(() -> listening.get() == 1);
        assertThat(opened).hasValueGreaterThan(1);
        messages.close();
        assertThat(closed).hasValue(1);
    }

    @Test
    void a_look_at_a_connection_that_was_closed_opens_no_other_one() {
        DirectLine.Flushing connection = OwnClient.forMessages(OwnClient.Address.parse(redis.url()), Fixture.PATIENCE);
        connection.close();
        assertThatThrownBy(() -> connection.sendCommand(Protocol.Command.PING))
                .isInstanceOf(JedisConnectionException.class)
                .hasMessageContaining("was closed");
    }
}
