package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a look at servers that are configured wrongly finds. */
class CheckupTest {

    private static List<Finding> findings(EmbeddedRedis redis, boolean first) {
        try (RedissonLeaseStore store = Fixture.store(redis.url())
                .firstStart(first ? WallClock.now() : null)
                .build()) {
            return get(store.findings());
        }
    }

    private static void assertOnly(List<Finding> findings, Severity severity, String... words) {
        assertThat(findings).singleElement().satisfies(finding -> {
            assertThat(finding.severity()).isEqualTo(severity);
            assertThat(finding.toString()).contains(words);
        });
    }

    @Test
    void a_server_that_keeps_its_log_on_disk_is_fine() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--appendonly", "yes")) {
            assertThat(findings(redis, false)).isEmpty();
        }
    }

    @Test
    void a_server_that_keeps_nothing_is_warned_of_but_where_nothing_runs_yet() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertOnly(findings(redis, false), Severity.WARNING, "done markers", "appendonly yes");
            assertOnly(findings(redis, true), Severity.NOTE, "done markers");
            redis.command("CONFIG", "SET", "save", "60 1");
            assertThat(findings(redis, false)).isEmpty();
        }
    }

    @Test
    void a_log_that_is_never_forced_to_disk_is_warned_of() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--appendonly", "yes", "--appendfsync", "no")) {
            assertOnly(findings(redis, true), Severity.WARNING, "appendfsync no", "everysec");
        }
    }

    @Test
    void replicas_without_a_minimum_are_noted_and_too_few_for_waiting_are_warned_of() {
        try (EmbeddedRedis master = EmbeddedRedis.start("--appendonly", "yes", "--repl-diskless-sync-delay", "0");
                EmbeddedRedis replica = EmbeddedRedis.start("--replicaof", "127.0.0.1 " + master.port())) {
            await().until(() -> replica.command("INFO", "replication").contains("master_link_status:up"));
            assertOnly(findings(master, false), Severity.NOTE, "min-replicas-to-write");
            master.command("CONFIG", "SET", "min-replicas-to-write", "1");
            assertThat(findings(master, false)).isEmpty();
            try (RedissonLeaseStore store =
                    Fixture.store(master.url()).waitForReplicas(2).build()) {
                assertOnly(get(store.findings()), Severity.WARNING, "1 replicas", "waitForReplicas is 2");
            }
        }
    }

    @Test
    void a_replica_is_refused_as_a_master() {
        try (EmbeddedRedis master = EmbeddedRedis.start();
                EmbeddedRedis replica = EmbeddedRedis.start("--replicaof", "127.0.0.1 " + master.port())) {
            assertThatThrownBy(() -> Fixture.store(replica.url()).build())
                    .isInstanceOf(LeaseStoreException.class)
                    .hasMessageContainingAll("read-only replica", "Connect to the master");
        }
    }

    @Test
    void one_server_of_a_cluster_is_refused_as_a_single_one() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--cluster-enabled", "yes")) {
            redis.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
            await().until(() -> redis.command("CLUSTER", "INFO").contains("cluster_state:ok"));
            assertThatThrownBy(() -> Fixture.store(redis.url()).build())
                    .isInstanceOf(LeaseStoreException.class)
                    .hasMessageContainingAll("Cluster", "clusterServersConfig");
        }
    }

    @Test
    void a_lazy_store_looks_at_its_first_request() {
        try (EmbeddedRedis master = EmbeddedRedis.start();
                EmbeddedRedis replica = EmbeddedRedis.start("--replicaof", "127.0.0.1 " + master.port());
                RedissonLeaseStore lazy =
                        Fixture.store(replica.url()).lazy(true).build()) {
            assertThatThrownBy(() -> Fixture.acquire(lazy, Fixture.lock("k")))
                    .hasCauseInstanceOf(LeaseStoreException.class)
                    .hasMessageContaining("read-only replica");
        }
    }

    @Test
    void two_servers_behind_one_address_are_refused() throws IOException {
        try (EmbeddedRedis one = EmbeddedRedis.start();
                EmbeddedRedis two = EmbeddedRedis.start();
                ServerSocket balancer = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            daemon(() -> balance(balancer, one.port(), two.port()));
            assertThatThrownBy(() -> Fixture.store("redis://127.0.0.1:" + balancer.getLocalPort())
                            .build())
                    .isInstanceOf(LeaseStoreException.class)
                    .hasMessageContainingAll("not one server", "load balancer", "Connect to the master itself");
        }
    }

    private static void balance(ServerSocket balancer, int... ports) {
        AtomicInteger turn = new AtomicInteger();
        try {
            while (true) {
                Socket client = balancer.accept();
                Socket server =
                        new Socket(InetAddress.getLoopbackAddress(), ports[turn.getAndIncrement() % ports.length]);
                daemon(() -> copy(client, server));
                daemon(() -> copy(server, client));
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    private static void copy(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException ended) {
            throw new UncheckedIOException(ended);
        }
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "balancer");
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((ended, failure) -> {});
        thread.start();
    }
}
