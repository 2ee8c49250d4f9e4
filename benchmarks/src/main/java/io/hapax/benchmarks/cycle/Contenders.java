package io.hapax.benchmarks.cycle;

import java.util.Locale;
import java.util.function.Function;

/** All ways that are compared. */
enum Contenders {
    /** Hapax, as plain code and the adapters use it: {@code JobGuard.admit}, enter, complete. */
    HAPAX(HapaxGuard::new),
    HAPAX_ASYNC(HapaxGuard::new),
    /** The same as a user who may not ask for TIME. */
    HAPAX_PORTABLE(HapaxGuard::portable),
    /** The scripts of Hapax, one operation a call, over plain sockets: what cannot be undercut without sharing calls. */
    SOCKET(servers -> new SocketPeer(servers, Commands.HAPAX)),
    JEDIS(servers -> new JedisPeer(servers, Commands.HAPAX)),
    LETTUCE(servers -> new LettucePeer(servers, Commands.HAPAX)),
    /** SET NX PX and a script that deletes by owner: no token, no done marker, no safety after a restart. */
    JEDIS_SET(servers -> new JedisPeer(servers, Commands.SET)),
    LETTUCE_SET(servers -> new LettucePeer(servers, Commands.SET)),
    LETTUCE_ASYNC(servers -> new LettucePeer(servers, Commands.HAPAX)),
    LETTUCE_SET_ASYNC(servers -> new LettucePeer(servers, Commands.SET)),
    RSCRIPT(RedissonPeer.Script::new),
    RLOCK(servers -> new RedissonPeer.Locks(servers, RedissonPeer.Kind.WATCHDOG)),
    RLOCK_LEASE(servers -> new RedissonPeer.Locks(servers, RedissonPeer.Kind.LEASE)),
    RFENCEDLOCK(servers -> new RedissonPeer.Locks(servers, RedissonPeer.Kind.FENCED)),
    SPRING_REGISTRY(SpringPeer::new),
    /** Hapax without Redis. */
    HAPAX_POSTGRES(HapaxGuard::inPostgres),
    SHEDLOCK_JDBC(ShedLockPeer::new);

    @SuppressWarnings("ImmutableEnumChecker") // a function of this class alone
    private final Function<Servers, Contender> opening;

    Contenders(Function<Servers, Contender> opening) {
        this.opening = opening;
    }

    static Contenders of(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    Contender open(Servers servers) {
        return opening.apply(servers);
    }

    boolean async() {
        return name().endsWith("ASYNC");
    }

    boolean usesDatabase() {
        return this == SHEDLOCK_JDBC || this == HAPAX_POSTGRES;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
