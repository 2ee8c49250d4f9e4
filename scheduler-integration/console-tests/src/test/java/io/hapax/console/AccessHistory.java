package io.hapax.console;

import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One random history of clients behind one proxy who give right and wrong credentials, beside a model: whoever has guessed little
 * itself gets in with the right one, nobody goes on guessing, and the cookie of whoever speaks TLS goes over TLS only.
 */
final class AccessHistory {

    /** A hole that was there, brought back. */
    enum Mutant {
        NONE,
        /** All clients are the proxy. */
        SEES_THE_PROXY_ALONE,
        /** Only what comes over TLS itself counts as secure. */
        SEES_NO_TLS_BEFORE_THE_PROXY,
        /** Nobody's guesses are counted. */
        COUNTS_NOTHING
    }

    private static final String RIGHT = "the right credential";
    private static final String PROXY = "10.0.0.1";
    private static final int CLIENTS = 5;
    private static final int STEPS = 60;
    private static final long MINUTE = 60_000;
    /** What a client may guess within a minute of another guess. */
    private static final int MOST_GUESSES = 10;
    /** What all clients behind an unknown proxy may guess so. */
    private static final int MOST_BEHIND_A_PROXY = 100;

    private final Mutant mutant;
    private final Random random;
    private final AtomicLong now = new AtomicLong(1);
    private final boolean known;
    private final Access access;
    private final Map<String, Guesses> guesses = new HashMap<>();
    private final List<String> log = new ArrayList<>();

    /** As many in a row as were at most a minute apart. */
    private static final class Guesses {
        private int count;
        private long last;

        int at(long time) {
            return time - last >= MINUTE ? 0 : count;
        }

        void add(long time) {
            count = at(time) + 1;
            last = time;
        }
    }

    AccessHistory(long seed, Mutant mutant) {
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.mutant = mutant;
        this.known = random.nextBoolean();
        InstantSource clock = () -> Instant.ofEpochMilli(now.get());
        this.access = new Access(RIGHT, known ? Proxies.of(List.of("10.0.0.0/8")) : Proxies.NONE, clock);
    }

    /** Returns what is wrong; null if nothing is. */
    @Nullable
    String play() {
        for (int n = 0; n < STEPS; n++) {
            now.addAndGet(random.nextInt(5) == 0 ? random.nextInt(90_000) : random.nextInt(2_000));
            String client = "192.0.2." + (1 + random.nextInt(CLIENTS));
            String wrong = random.nextInt(4) == 0 ? login(client, RIGHT) : guess(client);
            if (wrong != null) {
                return wrong + " " + log;
            }
        }
        return null;
    }

    private Guesses of(String who) {
        return guesses.computeIfAbsent(who, any -> new Guesses());
    }

    private boolean mustWait(String client) {
        return of(client).at(now.get()) >= MOST_GUESSES || (!known && of(PROXY).at(now.get()) >= MOST_BEHIND_A_PROXY);
    }

    /** Somebody tries several in a row. */
    private @Nullable String guess(String client) {
        for (int n = 1 + random.nextInt(6); n > 0; n--) {
            String wrong = login(client, "guess " + random.nextInt());
            if (wrong != null) {
                return wrong;
            }
        }
        return null;
    }

    private @Nullable String login(String client, String credential) {
        boolean tls = random.nextBoolean();
        HttpServletRequest request = request(client, tls);
        boolean right = credential.equals(RIGHT);
        log.add(client + (right ? " logs in" : " guesses"));
        boolean lockedOut = mutant != Mutant.COUNTS_NOTHING && access.isLockedOut(request);
        if (lockedOut != mustWait(client)) {
            return lockedOut ? "locked out by others: " + client : "may go on guessing: " + client;
        }
        if (lockedOut) {
            return null;
        }
        if ((access.login(request, credential) != null) != right) {
            return "a credential was taken for another one: " + credential;
        }
        if (!right) {
            of(client).add(now.get());
            of(PROXY).add(now.get());
        }
        return access.isSecure(request) == tls ? null : "the cookie goes over TLS only, or not, against " + tls;
    }

    /** As it comes from the proxy, which ends TLS; a browser says where it is, else the proxy says how it was spoken to. */
    private HttpServletRequest request(String client, boolean tls) {
        Map<String, String> headers = new HashMap<>();
        if (mutant != Mutant.SEES_THE_PROXY_ALONE) {
            headers.put("X-Forwarded-For", known && random.nextBoolean() ? "203.0.113.9, " + client : client);
        }
        String scheme = tls ? "https" : "http";
        if (mutant != Mutant.SEES_NO_TLS_BEFORE_THE_PROXY) {
            boolean isBrowser = !known || random.nextBoolean();
            headers.put(isBrowser ? "Origin" : "X-Forwarded-Proto", isBrowser ? scheme + "://console" : scheme);
        }
        return (HttpServletRequest) Proxy.newProxyInstance(
                HttpServletRequest.class.getClassLoader(),
                new Class<?>[] {HttpServletRequest.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "getRemoteAddr" -> PROXY;
                    case "isSecure" -> false;
                    case "getCookies" -> new Cookie[0];
                    case "getHeader" -> headers.get((String) arguments[0]);
                    case "getHeaders" -> {
                        String value = headers.get((String) arguments[0]);
                        yield Collections.enumeration(value == null ? List.of() : List.of(value));
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }
}
