package io.hapax.benchmarks.cycle;

import java.util.concurrent.locks.Lock;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.integration.redis.util.RedisLockRegistry;

/** Spring Integration's registry over Lettuce, with its defaults. */
final class SpringPeer implements Contender {

    private final LettuceConnectionFactory factory;
    private final RedisLockRegistry registry;

    SpringPeer(Servers servers) {
        this.factory = new LettuceConnectionFactory(servers.host(), servers.port());
        factory.afterPropertiesSet();
        factory.start();
        this.registry = new RedisLockRegistry(factory, "cycle", 30_000);
    }

    @Override
    public void cycle(String key) {
        Lock lock = taken(key);
        lock.unlock();
    }

    private Lock taken(String key) {
        while (true) {
            Lock lock = registry.obtain(key);
            try {
                if (!lock.tryLock()) {
                    throw new IllegalStateException("not granted: " + key);
                }
                return lock;
            } catch (CannotAcquireLockException evicted) {
                // It looks into a map that grows meanwhile, and now and then takes a lock that is there for one that
                // was evicted.
                if (!String.valueOf(evicted.getCause()).contains("evicted")) {
                    throw evicted;
                }
            }
        }
    }

    @Override
    public void close() {
        registry.destroy();
        factory.destroy();
    }
}
