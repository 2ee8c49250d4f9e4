package io.hapax.benchmarks.faults.work;

import org.redisson.Redisson;
import org.redisson.api.RLock;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/**
 * Redisson's {@code RLock} with its watchdog, whose timeout is the ttl of the others. The job asks
 * {@code isHeldByCurrentThread} before its effects; nothing tells it of a loss.
 */
final class RLockGuarding implements Guarding {

    private final Work work;
    private final RedissonClient redisson;
    private final RamTicks ticks;

    RLockGuarding(Settings settings, Work work) throws Exception {
        this.work = work;
        this.redisson = Redisson.create(config(settings));
        this.ticks = new RamTicks(settings.worker(), this::attempt);
    }

    private static Config config(Settings settings) {
        Config config = new Config();
        config.setLockWatchdogTimeout(Settings.TTL.toMillis());
        String master = settings.master();
        if (settings.isCluster()) {
            config.useClusterServers().addNodeAddress(settings.redis().toArray(String[]::new));
        } else if (master == null) {
            config.useSingleServer().setAddress(settings.redis().get(0));
        } else {
            config.useSentinelServers()
                    .setMasterName(master)
                    .addSentinelAddress(settings.redis().toArray(String[]::new));
        }
        return config;
    }

    @Override
    public Answer attempt(Occurrence occurrence) throws Exception {
        RLock lock = redisson.getLock(occurrence.key());
        if (!lock.tryLock()) {
            return Answer.LATER;
        }
        try {
            work.perform(occurrence, new Held() {
                @Override
                public void checkThoroughly() {
                    if (!lock.isHeldByCurrentThread()) {
                        throw new IllegalStateException("the lock is lost");
                    }
                }
            });
            return Answer.SETTLED;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void start() throws Exception {
        ticks.start();
    }

    @Override
    public void close() throws Exception {
        ticks.close();
        redisson.shutdown();
    }
}
