package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The first connection of a process may take longer than an answer later on: names are resolved, certificates checked, classes loaded. */
@Tag("slow")
class SlowStartTest {

    /** What a ttl of 3 s allows. */
    private static final Duration ANSWER = Duration.ofMillis(500);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final List<Socket> open = new CopyOnWriteArrayList<>();

    @AfterEach
    void stop() {
        open.forEach(SlowStartTest::close);
        redis.close();
    }

    private static void close(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private void daemon(IoWork work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException closed) {
                // The test, or a connection, is over.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private interface IoWork {
        void run() throws IOException;
    }

    /** Says nothing on connections that are opened before a time after the first one; then leads to the server. */
    private void serve(ServerSocket door, Duration silent) throws IOException {
        long first = 0;
        while (true) {
            Socket client = door.accept();
            open.add(client);
            long now = System.nanoTime();
            first = first == 0 ? now : first;
            if (now - first >= silent.toNanos()) {
                Socket server = new Socket(InetAddress.getLoopbackAddress(), redis.port());
                open.add(server);
                daemon(() -> pass(client, server));
                daemon(() -> pass(server, client));
            }
        }
    }

    private static void pass(Socket from, Socket to) throws IOException {
        from.getInputStream().transferTo(to.getOutputStream());
        to.close();
    }

    private RedissonLeaseStore open(ServerSocket door) {
        return RedissonLeaseStore.builder()
                .url("redis://127.0.0.1:" + door.getLocalPort())
                .namespace("slow")
                .longestTtl(Duration.ofSeconds(3))
                .answerTimeout(ANSWER)
                .firstStart(WallClock.now())
                .build();
    }

    @Test
    void a_store_whose_answers_are_waited_for_briefly_is_given_time_to_start() throws Exception {
        try (ServerSocket door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            // More than the tries that any start has, and far less than the patience: a busy machine adds to it.
            daemon(() -> serve(door, ANSWER.multipliedBy(4)));
            try (RedissonLeaseStore store = open(door)) {
                assertThat(store.answerTimeout()).isEqualTo(ANSWER);
            }
        }
    }

    @Test
    void a_server_that_stays_silent_is_told_in_the_end() throws Exception {
        try (ServerSocket door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            daemon(() -> serve(door, Duration.ofHours(1)));
            assertThatThrownBy(() -> open(door))
                    .isInstanceOf(LeaseStoreException.class)
                    .hasMessageContaining("does not answer");
        }
    }
}
