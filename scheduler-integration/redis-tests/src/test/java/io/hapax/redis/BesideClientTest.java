package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.misc.RedisURI;

/** When the name of the server means another one, which Redisson finds out, no connection stays with the old one. */
@Tag("slow")
class BesideClientTest {

    private static final Duration TTL = Duration.ofSeconds(20);

    private final EmbeddedRedis first = EmbeddedRedis.start();
    private final EmbeddedRedis second = EmbeddedRedis.start();
    private final OwnClient.Address address = OwnClient.Address.parse(first.url());
    private final RedissonClient redisson = OwnClient.open(address, Fixture.PATIENCE, false, OwnClient.Use.ALONE);

    @AfterEach
    void stop() {
        redisson.shutdown();
        first.close();
        second.close();
    }

    /** What Redisson does when the name of the server is resolved to another address. */
    private void moveToTheSecond() throws Exception {
        var unused = ((Redisson) redisson)
                .getCommandExecutor()
                .getConnectionManager()
                .getEntry(0)
                .changeMaster(
                        new InetSocketAddress(InetAddress.getByName("127.0.0.1"), second.port()),
                        new RedisURI(first.url()))
                .get();
    }

    private static long scripts(EmbeddedRedis server) {
        return server.commandStats().getOrDefault("evalsha", 0L)
                + server.commandStats().getOrDefault("eval", 0L);
    }

    @Test
    void callers_go_where_redisson_goes() throws Exception {
        Keyspace keyspace = new Keyspace("moved", 1);
        Namespace namespace = Namespace.of(
                keyspace,
                Quarantine.of(TTL, Fixture.PATIENCE, new FirstStart(WallClock.now(), WallClock.REAL), false),
                new MemoryLog("moved", "there", Ticker.SYSTEM),
                new ScriptCalls(
                        Client.given(redisson),
                        new FirstConnection(false),
                        Fixture.PATIENCE,
                        "there",
                        keyspace.meta(0),
                        InstantSource.fixed(Instant.EPOCH)),
                Added.FORMAT);
        DirectCalls direct = new DirectCalls(
                namespace,
                new BesideClient(Client.given(redisson), address, at -> OwnClient.direct(at, Fixture.PATIENCE)),
                Ticker.SYSTEM,
                request -> {
                    throw new AssertionError("it goes by other means");
                });
        get(direct.call(ReleaseRequest.of(namespace, request(lock("nobody's"), TTL))));
        long there = scripts(first);
        assertThat(there).isPositive();
        moveToTheSecond();
        assertThat(scripts(second)).isZero();
        get(direct.call(ReleaseRequest.of(namespace, request(lock("nobody's"), TTL))));
        assertThat(scripts(first)).isEqualTo(there);
        assertThat(scripts(second)).isPositive();
        direct.close();
    }

    @Test
    void messages_come_from_where_redisson_goes() throws Exception {
        MessagesContract.Heard heard = new MessagesContract.Heard();
        Messages messages = new DirectMessages(
                new BesideClient(Client.given(redisson), address, at -> OwnClient.forMessages(at, Fixture.PATIENCE)),
                MessagesContract.CHANNEL,
                new TopicMessages(Client.given(redisson), MessagesContract.CHANNEL),
                Duration.ofMillis(300));
        messages.listen(heard);
        await().until(() -> heard.stood.get() == 1);
        moveToTheSecond();
        await().until(() ->
                second.command("PUBLISH", MessagesContract.CHANNEL, "moved").equals("1"));
        await().until(() -> heard.messages.contains("moved"));
        messages.close();
    }
}
