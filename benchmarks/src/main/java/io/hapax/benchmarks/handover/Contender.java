package io.hapax.benchmarks.handover;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RFencedLock;
import org.redisson.api.RLock;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.integration.redis.util.RedisLockRegistry;
import org.springframework.integration.redis.util.RedisLockRegistry.RedisLockType;

/** Something that takes a key, waiting for it if need be, and gives it back. Used by one thread. */
interface Contender {

    /** Returns when the key is held. */
    void take(String key) throws InterruptedException;

    /** Gives back the key that was taken last. */
    void giveBack();

    /** Takes a free key and gives it back, in a way that leaves nothing behind. */
    default void cycle(String key) throws InterruptedException {
        take(key);
        giveBack();
    }

    static Contender of(String variant, String url) {
        if (variant.equals("hapax")) {
            return new Guard(url);
        }
        if (variant.equals("bare")) {
            return new Bare(url);
        }
        return variant.startsWith("spring") ? new Spring(variant, url) : new Redissons(variant.equals("rfenced"), url);
    }

    /** Hapax with its defaults, waiting. */
    final class Guard implements Contender {

        private final JobGuard guard;
        private GuardedRun.@Nullable Scope scope;
        private @Nullable GuardedRun run;

        Guard(String url) {
            this.guard = JobGuard.builder(RedissonLeaseStore.builder()
                            .namespace("benchmark")
                            .url(url)
                            .firstStart(WallClock.now())
                            .build())
                    .withoutLogging()
                    .build();
        }

        @Override
        public void take(String key) throws InterruptedException {
            Admission admission = guard.admit(RunRequest.lock(key).waitAtMost(Duration.ofSeconds(20)));
            if (!(admission instanceof Admission.Admitted admitted)) {
                throw new IllegalStateException("waited in vain: " + admission);
            }
            run = admitted.run();
            scope = admitted.run().enter();
        }

        @Override
        public void giveBack() {
            GuardedRun taken = Objects.requireNonNull(run);
            if (taken.complete() != RunOutcome.COMPLETED) {
                throw new IllegalStateException("a key that nobody disturbed was lost: " + taken);
            }
            Objects.requireNonNull(scope).close();
            taken.close();
        }
    }

    /** Redisson's locks with their defaults: wake-ups by messages, renewal by the watchdog. */
    final class Redissons implements Contender {

        private final RedissonClient redisson;
        private final boolean fenced;
        private @Nullable RLock lock;

        Redissons(boolean fenced, String url) {
            Config config = new Config();
            config.useSingleServer().setAddress(url);
            this.redisson = Redisson.create(config);
            this.fenced = fenced;
        }

        @Override
        public void take(String key) {
            if (fenced) {
                RFencedLock next = redisson.getFencedLock(key);
                var unused = next.lockAndGetToken();
                lock = next;
            } else {
                RLock next = redisson.getLock(key);
                next.lock();
                lock = next;
            }
        }

        @Override
        public void giveBack() {
            Objects.requireNonNull(lock).unlock();
        }

        /** With a lease time: each hold by the watchdog would leave a timer behind that renews whatever is held. */
        @Override
        public void cycle(String key) {
            lock = fenced ? redisson.getFencedLock(key) : redisson.getLock(key);
            lock.lock(30, TimeUnit.SECONDS);
            giveBack();
        }
    }

    /** Spring Integration's lock registry, which polls by default. */
    final class Spring implements Contender {

        private final RedisLockRegistry registry;
        private @Nullable Lock lock;

        Spring(String variant, String url) {
            URI address = URI.create(url);
            LettuceConnectionFactory connections = new LettuceConnectionFactory(address.getHost(), address.getPort());
            connections.afterPropertiesSet();
            connections.start();
            this.registry = new RedisLockRegistry(connections, "bench", Duration.ofSeconds(30));
            if (variant.equals("spring-pubsub")) {
                registry.setRedisLockType(RedisLockType.PUB_SUB_LOCK);
            }
        }

        @Override
        public void take(String key) {
            Lock next = registry.obtain(key);
            next.lock();
            lock = next;
        }

        @Override
        public void giveBack() {
            Objects.requireNonNull(lock).unlock();
        }
    }
}
