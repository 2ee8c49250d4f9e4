package io.hapax.benchmarks.cycle;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RFencedLock;
import org.redisson.api.RLock;
import org.redisson.api.RScript;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/** Redisson as it comes. */
abstract class RedissonPeer implements Contender {

    final RedissonClient redisson;

    RedissonPeer(Servers servers) {
        Config config = new Config();
        config.useSingleServer().setAddress(servers.redis());
        this.redisson = Redisson.create(config);
    }

    @Override
    public void close() {
        redisson.shutdown();
    }

    /** Which lock of Redisson, and how it is used. */
    enum Kind {
        WATCHDOG,
        LEASE,
        FENCED
    }

    static final class Locks extends RedissonPeer {

        private final Kind kind;

        Locks(Servers servers, Kind kind) {
            super(servers);
            this.kind = kind;
        }

        @Override
        public void cycle(String key) throws InterruptedException {
            RLock lock = kind == Kind.FENCED ? redisson.getFencedLock(key) : redisson.getLock(key);
            if (!taken(lock)) {
                throw new IllegalStateException("not granted: " + key);
            }
            lock.unlock();
        }

        private boolean taken(RLock lock) throws InterruptedException {
            return switch (kind) {
                case WATCHDOG -> lock.tryLock();
                case LEASE -> lock.tryLock(0, 30, TimeUnit.SECONDS);
                case FENCED -> ((RFencedLock) lock).tryLockAndGetToken() != null;
            };
        }
    }

    /** The scripts of Hapax through {@code RScript}. */
    static final class Script extends RedissonPeer {

        private final RScript scripts = redisson.getScript(StringCodec.INSTANCE);
        private final List<String> shas = new ArrayList<>();

        Script(Servers servers) {
            super(servers);
            Commands.HAPAX.scripts().forEach(script -> shas.add(scripts.scriptLoad(script)));
        }

        @Override
        public void cycle(String key) {
            String owner = Commands.owner();
            Commands.HAPAX.granted(call(Commands.HAPAX.take(key, owner)));
            Commands.HAPAX.givenBack(call(Commands.HAPAX.giveBack(key, owner)));
        }

        private Object call(Commands.Call call) {
            return scripts.evalSha(
                    RScript.Mode.READ_WRITE,
                    shas.get(call.script()),
                    RScript.ReturnType.LIST,
                    new ArrayList<Object>(call.keys()),
                    call.args().toArray());
        }
    }
}
