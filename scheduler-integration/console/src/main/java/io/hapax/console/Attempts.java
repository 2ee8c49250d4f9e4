package io.hapax.console;

import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Counts wrong credentials by whom they are from, so that nobody can go on guessing, and nobody waits for what somebody else
 * has guessed.
 *
 * <p>Who a client is, a proxy that is not configured only claims; such claims cost nothing, so all of them together have a
 * limit as well. Thread-safe.
 */
final class Attempts {

    private static final int MOST_OF_A_CLIENT = 10;
    private static final int MOST_BEHIND_AN_ADDRESS = 100;
    private static final long COUNT_MILLIS = 60_000;
    private static final int MOST_REMEMBERED = 2000;

    private final InstantSource clock;
    private final Object lock = new Object();
    private final Map<String, Failures> failures = new LinkedHashMap<>();

    Attempts(InstantSource clock) {
        this.clock = clock;
    }

    private record Failures(int count, long since) {}

    /** Whether a client has given so many wrong credentials of a kind that it has to wait. */
    boolean mustWait(Proxies.Client client, String kind) {
        synchronized (lock) {
            return recent(own(client, kind)) >= MOST_OF_A_CLIENT
                    || (client.shared() != null && recent(all(client, kind)) >= MOST_BEHIND_AN_ADDRESS);
        }
    }

    void failed(Proxies.Client client, String kind) {
        synchronized (lock) {
            count(own(client, kind));
            if (client.shared() != null) {
                count(all(client, kind));
            }
        }
    }

    private static String own(Proxies.Client client, String kind) {
        return kind + " " + client.name() + " by " + client.shared();
    }

    private static String all(Proxies.Client client, String kind) {
        return kind + " all by " + client.shared();
    }

    /** Held: the lock. */
    private int recent(String who) {
        Failures before = failures.get(who);
        return before == null || clock.millis() - before.since >= COUNT_MILLIS ? 0 : before.count;
    }

    /** Held: the lock. */
    private void count(String who) {
        int before = recent(who);
        failures.remove(who);
        failures.put(who, new Failures(before + 1, clock.millis()));
        if (failures.size() > MOST_REMEMBERED) {
            failures.remove(failures.keySet().iterator().next());
        }
    }
}
