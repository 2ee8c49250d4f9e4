package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The queue, with workers that are no more than a socket. */
class BrokerTest {

    private Broker broker;

    @BeforeEach
    void start() throws IOException {
        broker = Broker.start();
    }

    @AfterEach
    void stop() throws IOException {
        broker.close();
    }

    private final class Worker implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader orders;

        Worker(String name) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), broker.port());
            socket.setSoTimeout(20_000);
            orders = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            say(name);
            say("up");
            await().until(() -> broker.isUp(name));
        }

        void say(String words) throws IOException {
            socket.getOutputStream().write((words + "\n").getBytes(StandardCharsets.UTF_8));
        }

        String hears() throws IOException {
            return orders.readLine();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Test
    void an_item_goes_to_two_workers_at_once() throws IOException {
        try (Worker alice = new Worker("alice");
                Worker bob = new Worker("bob")) {
            broker.offer("item-1", "k");
            assertThat(alice.hears()).isEqualTo("deliver item-1 k");
            assertThat(bob.hears()).isEqualTo("deliver item-1 k");
        }
    }

    @Test
    void an_item_that_was_put_off_comes_again_and_a_settled_one_only_once_more() throws IOException {
        try (Worker alice = new Worker("alice")) {
            // Of those that are not delivered again because nobody has answered for two seconds.
            broker.offer("long-1", "k");
            assertThat(alice.hears()).isEqualTo("deliver long-1 k");
            assertThat(alice.hears()).isEqualTo("deliver long-1 k");
            alice.say("later long-1");
            assertThat(alice.hears()).isEqualTo("deliver long-1 k");
            alice.say("settled long-1");
            assertThat(alice.hears()).as("the first of five comes late").isEqualTo("deliver long-1 k");
            alice.say("settled long-1");
            broker.offer("item-2", "k");
            assertThat(alice.hears()).isEqualTo("deliver item-2 k");
        }
    }

    @Test
    void what_a_dead_worker_had_goes_to_the_others() throws IOException {
        Worker alice = new Worker("alice");
        broker.offer("item-1", "k");
        assertThat(alice.hears()).isEqualTo("deliver item-1 k");
        try (Worker bob = new Worker("bob")) {
            alice.close();
            assertThat(bob.hears()).isEqualTo("deliver item-1 k");
            assertThat(bob.hears()).isEqualTo("deliver item-1 k");
            // On a busy machine it came again since nobody had answered, and not yet since she is gone.
            await().until(() -> !broker.isUp("alice"));
        }
    }

    @Test
    void a_worker_gets_orders_and_tells_when_it_has_come_to_a_place() throws IOException {
        try (Worker alice = new Worker("alice")) {
            broker.order("alice", "arm before-effect");
            assertThat(alice.hears()).isEqualTo("arm before-effect");
            assertThat(broker.hasReached("alice", "before-effect")).isFalse();
            alice.say("reached before-effect");
            await().until(() -> broker.hasReached("alice", "before-effect"));
        }
    }
}
