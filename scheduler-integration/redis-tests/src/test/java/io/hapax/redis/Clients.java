package io.hapax.redis;

import static org.awaitility.Awaitility.await;

import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedSentinel;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisConnectionException;
import org.redisson.client.RedisException;
import org.redisson.client.RedisTimeoutException;
import org.redisson.config.BaseMasterSlaveServersConfig;
import org.redisson.config.Config;
import org.redisson.config.ConstantDelay;

/** Redisson clients of one test that follow a Sentinel or a Cluster, and the stores on them. */
final class Clients implements AutoCloseable {

    private static final Duration LONGEST = Duration.ofSeconds(40);

    private final String namespace;
    private final Duration longestTtl;
    private final Duration answerTimeout;
    private final List<AutoCloseable> open = new ArrayList<>();
    private String user;
    private String password;

    /** Of clients that give up soon on a server that hangs. */
    Clients(String namespace, Duration longestTtl) {
        this(namespace, longestTtl, Duration.ofMillis(400));
    }

    Clients(String namespace, Duration longestTtl, Duration answerTimeout) {
        this.namespace = namespace;
        this.longestTtl = longestTtl;
        this.answerTimeout = answerTimeout;
    }

    /** As a user that each server knows; sentinels have none. */
    Clients as(String name, String secret) {
        user = name;
        password = secret;
        return this;
    }

    RedissonLeaseStore store(EmbeddedSentinel sentinel) {
        Config config = new Config();
        config.useSentinelServers()
                .setMasterName(EmbeddedSentinel.MASTER_NAME)
                .setScanInterval(200)
                .addSentinelAddress(sentinel.urls().toArray(String[]::new));
        tune(config.useSentinelServers());
        return store(config);
    }

    RedissonLeaseStore store(EmbeddedCluster cluster) {
        Config config = new Config();
        config.useClusterServers()
                .setScanInterval(200)
                .addNodeAddress(cluster.urls().toArray(String[]::new));
        tune(config.useClusterServers());
        return store(config);
    }

    RedissonLeaseStore store(String url) {
        return opened(() -> settings().url(url).build());
    }

    RedissonLeaseStore.Builder settings() {
        return RedissonLeaseStore.builder()
                .namespace(namespace)
                .longestTtl(longestTtl)
                .answerTimeout(answerTimeout)
                .firstStart(WallClock.now());
    }

    private RedissonLeaseStore store(Config config) {
        config.setUsername(user).setPassword(password);
        RedissonClient client = await().atMost(LONGEST)
                .ignoreExceptionsMatching(RedisException.class::isInstance)
                .until(() -> Redisson.create(config), created -> true);
        open.add(0, client::shutdown);
        return opened(() -> settings().client(client).build());
    }

    /** The client is meant to give up on a server soon, which a machine that is busy may need only to connect. */
    private RedissonLeaseStore opened(Callable<RedissonLeaseStore> opening) {
        RedissonLeaseStore store = await().atMost(LONGEST)
                .ignoreExceptionsMatching(Clients::isTooSlow)
                .until(opening, built -> true);
        open.add(0, store);
        return store;
    }

    private static boolean isTooSlow(Throwable failure) {
        return failure instanceof LeaseStoreException
                && (failure.getCause() instanceof RedisTimeoutException
                        || failure.getCause() instanceof RedisConnectionException
                        || failure.getCause() instanceof TimeoutException);
    }

    private void tune(BaseMasterSlaveServersConfig<?> servers) {
        servers.setMasterConnectionMinimumIdleSize(1)
                .setMasterConnectionPoolSize(4)
                .setSlaveConnectionMinimumIdleSize(1)
                .setSlaveConnectionPoolSize(2)
                .setSubscriptionConnectionMinimumIdleSize(0)
                .setConnectTimeout(500);
        servers.setTimeout((int) answerTimeout.toMillis() / 2);
        servers.setRetryAttempts(1);
        // A command that a busy machine has not written within two delays fails (RedisExecutor).
        servers.setRetryDelay(new ConstantDelay(answerTimeout.dividedBy(2)));
        servers.setReconnectionDelay(new ConstantDelay(Duration.ofMillis(100)));
    }

    @Override
    public void close() {
        for (AutoCloseable one : open) {
            try {
                one.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
