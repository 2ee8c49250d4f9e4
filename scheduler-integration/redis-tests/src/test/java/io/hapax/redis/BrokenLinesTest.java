package io.hapax.redis;

import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseRequest;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.redisson.api.RedissonClient;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** However a direct connection fails, every caller has its answer by other means, and none is left parked. */
class BrokenLinesTest {

    private static final Duration TTL = Duration.ofSeconds(20);
    private static final Duration ANSWER = Duration.ofSeconds(15);
    /** Where a test waits until it is over. */
    private static final Duration SHORT_ANSWER = Duration.ofSeconds(3);

    private static final int CALLERS = 16;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final OwnClient.Address address = OwnClient.Address.parse(redis.url());
    private final RedissonClient redisson = OwnClient.open(address, ANSWER, false, OwnClient.Use.ALONE);
    private final Namespace namespace = namespace(ANSWER);
    private final ExecutorService callers = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });

    private Namespace namespace(Duration answerTimeout) {
        return Namespace.of(
                new Keyspace("broken", 1),
                Quarantine.of(TTL, answerTimeout, new FirstStart(WallClock.now(), WallClock.REAL), false),
                new MemoryLog("broken", "there", Ticker.SYSTEM),
                new ScriptCalls(
                        Client.given(redisson),
                        new FirstConnection(false),
                        answerTimeout,
                        "there",
                        "hapax:{broken:0}:m",
                        InstantSource.fixed(Instant.EPOCH)),
                Added.FORMAT);
    }

    @AfterEach
    void stop() {
        callers.shutdownNow();
        redisson.shutdown();
        redis.close();
    }

    private Acquisition acquire(Exchange exchange, LeaseRequest request) {
        return Objects.requireNonNull(exchange.direct())
                .call(new AcquireRequest(namespace, request))
                .join();
    }

    private void everybodyIsAnswered(Exchange exchange) throws Exception {
        List<Future<Acquisition>> answers = new ArrayList<>();
        for (int n = 0; n < CALLERS; n++) {
            String key = "k" + n;
            answers.add(callers.submit(() -> acquire(exchange, request(lock(key), TTL))));
        }
        for (Future<Acquisition> answer : answers) {
            assertThat(answer.get(5 * ANSWER.toMillis(), TimeUnit.MILLISECONDS))
                    .isInstanceOf(Acquisition.Granted.class);
        }
    }

    @Test
    void a_connection_that_can_neither_be_written_to_nor_closed_in_peace() throws Exception {
        everybodyIsAnswered(new Exchange(namespace, null, () -> {
            // One for each connection: several callers open one at the same time.
            try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
                Future<Socket> relayed = callers.submit(() -> relay(server.accept()));
                DirectLine.Flushing open =
                        OwnClient.direct(OwnClient.Address.parse("redis://127.0.0.1:" + server.getLocalPort()), ANSWER);
                reset(relayed);
                awaitTrouble(open);
                return open;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }));
    }

    /** Lets a client speak to the real server. */
    private Socket relay(Socket client) throws IOException {
        Socket real = new Socket(address.host(), address.port());
        callers.submit(() -> client.getInputStream().transferTo(real.getOutputStream()));
        callers.submit(() -> real.getInputStream().transferTo(client.getOutputStream()));
        return client;
    }

    /** What was not sent stays in the buffer, and would be sent once more when the connection is closed. */
    private static void awaitTrouble(DirectLine.Flushing open) {
        await().until(() -> {
            try {
                open.sendCommand(Command.PING);
                open.flush();
                return false;
            } catch (JedisConnectionException reset) {
                return true;
            }
        });
    }

    private static void reset(Future<Socket> relayed) {
        try (Socket socket = relayed.get()) {
            socket.setSoLinger(true, 0);
        } catch (IOException | InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_connection_that_takes_longer_to_open_than_the_answer_timeout_holds_up_nobody_else() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        CountDownLatch all = new CountDownLatch(DirectCalls.LINES);
        Namespace impatient = namespace(SHORT_ANSWER);
        Exchange exchange = new Exchange(impatient, null, () -> {
            all.countDown();
            try {
                never.await();
            } catch (InterruptedException ended) {
                throw new JedisConnectionException(ended);
            }
            return OwnClient.direct(address, SHORT_ANSWER);
        });
        for (int n = 0; n < DirectCalls.LINES; n++) {
            callers.submit(() -> acquire(exchange, request(lock("opens"), TTL)));
        }
        assertThat(all.await(20, TimeUnit.SECONDS)).isTrue();
        Future<?> waits = callers.submit(() -> acquire(exchange, request(lock("waits"), TTL)));
        assertThat(waits)
                .failsWithin(SHORT_ANSWER.multipliedBy(10))
                .withThrowableOfType(ExecutionException.class)
                .havingRootCause()
                .isInstanceOf(TimeoutException.class)
                .withNoCause();
        never.countDown();
    }
}
