package io.hapax.benchmarks.held;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;
import java.util.concurrent.CompletableFuture;
import org.redisson.Redisson;
import org.redisson.api.RLock;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** Something that holds keys and renews its hold. Thread-safe. */
interface Holding extends AutoCloseable {

    /** Takes a key until it is given back; the value is what the caller needs to give it back. */
    CompletableFuture<Object> take(String key);

    /** Takes a key and gives it back at once. */
    void shortRun(String key) throws InterruptedException;

    @Override
    void close();

    static Holding of(String variant, String url) {
        return variant.equals("hapax") ? new Guard(url) : new Locks(url);
    }

    /** Hapax, with its defaults but for the declaration that nothing runs yet. */
    final class Guard implements Holding {

        private final JobGuard guard;

        Guard(String url) {
            this.guard = JobGuard.builder(RedissonLeaseStore.builder()
                            .namespace("benchmark")
                            .url(url)
                            .firstStart(WallClock.now())
                            .build())
                    .withoutLogging()
                    .closesStore()
                    .build();
        }

        @Override
        public CompletableFuture<Object> take(String key) {
            return guard.admitAsync(RunRequest.lock(key)).thenApply(Guard::entered);
        }

        @Override
        public void shortRun(String key) throws InterruptedException {
            try (GuardedRun run = admitted(guard.admit(RunRequest.lock(key)));
                    GuardedRun.Scope scope = run.enter()) {
                run.complete();
            }
        }

        /** Renewal starts when a run is entered. */
        private static GuardedRun.Scope entered(Admission admission) {
            return admitted(admission).enter(OnLeaseLost.SIGNAL);
        }

        private static GuardedRun admitted(Admission admission) {
            if (admission instanceof Admission.Admitted admitted) {
                return admitted.run();
            }
            throw new IllegalStateException("a key that nobody holds was refused: " + admission);
        }

        @Override
        public void close() {
            guard.close();
        }
    }

    /** Redisson's lock, with its defaults: the watchdog renews. */
    final class Locks implements Holding {

        private final RedissonClient redisson;

        Locks(String url) {
            Config config = new Config();
            config.useSingleServer().setAddress(url);
            this.redisson = Redisson.create(config);
        }

        @Override
        public CompletableFuture<Object> take(String key) {
            RLock lock = redisson.getLock(key);
            return lock.tryLockAsync(Thread.currentThread().getId())
                    .toCompletableFuture()
                    .thenApply(held -> checked(lock, held));
        }

        @Override
        public void shortRun(String key) {
            RLock lock = redisson.getLock(key);
            checked(lock, lock.tryLock()).unlock();
        }

        private static RLock checked(RLock lock, boolean held) {
            if (!held) {
                throw new IllegalStateException("a key that nobody holds was refused: " + lock.getName());
            }
            return lock;
        }

        @Override
        public void close() {
            redisson.shutdown();
        }
    }
}
