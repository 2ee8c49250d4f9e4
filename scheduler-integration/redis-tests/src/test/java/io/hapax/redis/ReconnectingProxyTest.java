package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.FreePort;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real HAProxy that keeps its address and leads to another server when the first one is gone, as managed services do. */
@Tag("slow")
class ReconnectingProxyTest {

    private static final Path HAPROXY = Path.of("/usr/sbin/haproxy");
    private static final Duration LONG = Duration.ofSeconds(40);
    private static final int ATTEMPTS = 5;
    private static final Duration TTL = Duration.ofSeconds(30);

    /** A proxy that listens. */
    private record Proxy(Process process, int port) implements AutoCloseable {

        /** Somebody else may have taken the port that was free just now. */
        static Proxy start(Path folder, EmbeddedRedis first, EmbeddedRedis second) throws IOException {
            for (int attempt = 1; ; attempt++) {
                int port = FreePort.next();
                Process process = run(folder, port, first, second);
                await().atMost(LONG).until(() -> !process.isAlive() || isOpen(port));
                if (process.isAlive()) {
                    return new Proxy(process, port);
                }
                if (attempt == ATTEMPTS) {
                    throw new IllegalStateException(Files.readString(folder.resolve("haproxy.log")));
                }
            }
        }

        private static boolean isOpen(int port) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return socket.isConnected();
            } catch (IOException notYet) {
                return false;
            }
        }

        @Override
        public void close() throws InterruptedException {
            process.destroyForcibly().waitFor();
        }
    }

    private static Process run(Path folder, int port, EmbeddedRedis first, EmbeddedRedis second) throws IOException {
        Path file = Files.writeString(
                folder.resolve("haproxy.cfg"), String.format(Locale.ROOT, """
                defaults
                  mode tcp
                  timeout connect 1s
                  timeout client 1h
                  timeout server 1h
                listen redis
                  bind 127.0.0.1:%d
                  option redispatch
                  default-server check inter 500 fastinter 50 fall 4 rise 1 on-marked-down shutdown-sessions
                  server first 127.0.0.1:%d
                  server second 127.0.0.1:%d backup
                """, port, first.port(), second.port()));
        return new ProcessBuilder(HAPROXY.toString(), "-db", "-f", file.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("haproxy.log").toFile())
                .start();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void the_change_of_the_server_behind_one_address_is_noticed(boolean portable, @TempDir Path folder)
            throws Exception {
        boolean isThere = Files.isExecutable(HAPROXY);
        assertThat(isThere || System.getenv("HAPAX_TOOLS_REQUIRED") == null)
                .as("haproxy is here, as HAPAX_TOOLS_REQUIRED demands")
                .isTrue();
        assumeTrue(isThere, "skipped: no haproxy here; install the Debian package haproxy");
        try (EmbeddedRedis first = EmbeddedRedis.start("--repl-diskless-sync-delay", "0");
                EmbeddedRedis second = EmbeddedRedis.start("--replicaof", "127.0.0.1 " + first.port())) {
            for (EmbeddedRedis server : List.of(first, second)) {
                server.command("ACL SETUSER narrow on >geheim ~* &* +@all -time -info +info|replication".split(" "));
            }
            await().atMost(LONG)
                    .until(() -> second.command("INFO", "replication").contains("master_link_status:up"));
            try (Proxy proxy = Proxy.start(folder, first, second);
                    RedissonLeaseStore store = open(portable, proxy.port())) {
                assertThat(store.namespaceParts().scripts().isPortable()).isEqualTo(portable);
                failsOver(store, first, second);
            }
        }
    }

    /** The proxy may not know yet that its servers are there. */
    private static RedissonLeaseStore open(boolean portable, int port) {
        String user = portable ? "narrow:geheim@" : "";
        return await().atMost(LONG)
                .ignoreExceptions()
                .until(
                        () -> RedissonLeaseStore.builder()
                                .url("redis://" + user + "127.0.0.1:" + port)
                                .namespace("proxied")
                                .answerTimeout(Fixture.PATIENCE)
                                .firstStart(WallClock.now())
                                .build(),
                        store -> true);
    }

    private static void failsOver(RedissonLeaseStore store, EmbeddedRedis first, EmbeddedRedis second) {
        Lease kept = granted(lasting(store));
        Lease forgotten = granted(lasting(store));
        await().atMost(LONG)
                .until(() -> second.command(
                                "GET",
                                "hapax:{proxied:0}:l:" + forgotten.identity().lockKey())
                        .contains(forgotten.owner().value()));
        first.kill();
        second.command("REPLICAOF", "NO", "ONE");
        second.command("DEL", "hapax:{proxied:0}:l:" + forgotten.identity().lockKey());

        for (LeaseStore way : List.of(store.blocking(), store)) {
            Acquisition answer = await().atMost(LONG)
                    .ignoreExceptions()
                    .until(() -> acquire(way, lock(OwnerId.random().value())), anything -> true);
            assertThat(answer)
                    .isInstanceOfSatisfying(
                            Acquisition.Quarantined.class,
                            quarantined -> assertThat(quarantined.reason()).contains("failed over"));
        }
        assertThat(get(store.renew(List.of(kept, forgotten))))
                .containsExactly(new Renewal.Renewed(false), new Renewal.Renewed(true));
    }

    private static Acquisition lasting(RedissonLeaseStore store) {
        return get(store.acquire(
                new LeaseRequest(lock(OwnerId.random().value()), OwnerId.random(), "tester", TTL, false)));
    }
}
