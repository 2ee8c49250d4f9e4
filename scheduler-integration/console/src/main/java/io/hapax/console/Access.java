package io.hapax.console;

import io.hapax.lease.OwnerId;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who may read, and who may change something. Thread-safe. */
final class Access {

    static final String CSRF_HEADER = "X-Hapax-Csrf";

    private static final Duration SESSION = Duration.ofHours(8);
    private static final int MOST_SESSIONS = 200;
    private static final int MOST_FAILURES = 10;
    private static final long FAILURES_COUNT_MILLIS = 60_000;
    private static final int MOST_ADDRESSES = 1000;
    private static final Set<String> HERE = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

    /** What Tomcat notes if it has taken the client's address from a header. */
    private static final String FORWARDED = "org.apache.tomcat.request.forwarded";

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.console");

    private final byte @Nullable [] credential;
    /** Of this process: cookies do not tell ports apart, and another worker of the host has sessions of its own. */
    private final String cookie = "hapax-console-" + OwnerId.random().value().substring(0, 8);

    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    private final Object lock = new Object();
    private final Map<String, Failures> failures = new LinkedHashMap<>();

    Access(@Nullable String credential, InstantSource clock) {
        this.credential = credential == null ? null : credential.getBytes(StandardCharsets.UTF_8);
        this.clock = clock;
    }

    /** Why a request is refused. */
    record Denial(int status, String message) {}

    /** Somebody who has logged in. */
    record Session(String id, String csrf, long endsAt) {}

    private record Failures(int count, long since) {}

    String cookie() {
        return cookie;
    }

    boolean hasCredential() {
        return credential != null;
    }

    /** Why this client may not read; null if it may. */
    @Nullable
    Denial mayRead(HttpServletRequest request) {
        if (isForeign(request)) {
            return new Denial(403, "this request comes from another site");
        }
        if (credential != null) {
            return session(request) != null || isBearer(request)
                    ? null
                    : new Denial(401, "log in first, or send the header Authorization: Bearer …");
        }
        if (!isLocal(request)) {
            return new Denial(
                    403,
                    "without a credential the console answers clients on its own machine only. Configure a credential"
                            + " (worker: HAPAX_CONSOLE_TOKEN; Spring: hapax.console.credential)");
        }
        // A page of another site can make its own name point to this machine.
        return HERE.contains(hostName(request.getHeader("Host")))
                ? null
                : new Denial(403, "ask for the console by the name localhost, or configure a credential");
    }

    /**
     * Whether a client on this machine has sent it, and no proxy. Servers and filters may take the address from a header
     * that anybody can send, and hide that header.
     */
    private static boolean isLocal(HttpServletRequest request) {
        ServletRequest each = request;
        while (true) {
            if (each instanceof HttpServletRequest raw
                    && (raw.getHeader("X-Forwarded-For") != null
                            || raw.getHeader("Forwarded") != null
                            || !isLoopback(raw.getRemoteAddr()))) {
                return false;
            }
            if (!(each instanceof ServletRequestWrapper wrapper)) {
                return request.getAttribute(FORWARDED) == null;
            }
            each = wrapper.getRequest();
        }
    }

    /** Browsers say so, and pages cannot make them say something else. */
    private static boolean isForeign(HttpServletRequest request) {
        String site = request.getHeader("Sec-Fetch-Site");
        return site != null && !site.equals("same-origin") && !site.equals("none");
    }

    /** Why this client may not change anything; null if it may. */
    @Nullable
    Denial mayChange(HttpServletRequest request) {
        if (credential == null) {
            return new Denial(
                    403,
                    "nothing can be changed here: no credential is configured (worker: HAPAX_CONSOLE_TOKEN; Spring:"
                            + " hapax.console.credential)");
        }
        Denial foreign = mayPost(request);
        if (foreign != null) {
            return foreign;
        }
        Session session = session(request);
        if (session == null) {
            return isBearer(request)
                    ? null
                    : new Denial(401, "log in first, or send the header Authorization: Bearer …");
        }
        return isEqual(session.csrf(), request.getHeader(CSRF_HEADER))
                ? null
                : new Denial(403, "the header " + CSRF_HEADER + " is missing or wrong; load the page again");
    }

    /** Other sites cannot send JSON without being asked, and browsers say where a request comes from. */
    @Nullable
    Denial mayPost(HttpServletRequest request) {
        String type = String.valueOf(request.getContentType()).toLowerCase(Locale.ROOT);
        if (!type.startsWith("application/json")) {
            return new Denial(415, "send JSON with Content-Type: application/json");
        }
        if (isForeign(request)) {
            return new Denial(403, "this request comes from another site");
        }
        // Proxies may change the host; then a browser's own word has to do.
        boolean own = "same-origin".equals(request.getHeader("Sec-Fetch-Site"));
        String origin = request.getHeader("Origin");
        return own || origin == null || isOwn(origin, request.getHeader("Host"))
                ? null
                : new Denial(403, "this request comes from another site, " + origin);
    }

    private static boolean isOwn(String origin, @Nullable String host) {
        try {
            String authority = URI.create(origin).getRawAuthority();
            return authority != null && authority.equalsIgnoreCase(host);
        } catch (IllegalArgumentException unreadable) {
            return false;
        }
    }

    /** Checks a credential; null if it is wrong. */
    @Nullable
    Session login(String given) {
        if (!isCredential(given)) {
            return null;
        }
        long now = clock.millis();
        sessions.values().removeIf(session -> session.endsAt() < now);
        if (sessions.size() >= MOST_SESSIONS) {
            sessions.clear();
        }
        Session session = new Session(fresh(), fresh(), now + SESSION.toMillis());
        sessions.put(session.id(), session);
        return session;
    }

    void logout(HttpServletRequest request) {
        Session session = session(request);
        if (session != null) {
            sessions.remove(session.id());
        }
    }

    /** Whether a client has given so many wrong credentials that it has to wait. */
    boolean isLockedOut(String address) {
        synchronized (lock) {
            Failures before = failures.get(address);
            return before != null
                    && before.count >= MOST_FAILURES
                    && clock.millis() - before.since < FAILURES_COUNT_MILLIS;
        }
    }

    void failed(String address) {
        synchronized (lock) {
            Failures before = failures.remove(address);
            failures.put(
                    address,
                    before == null || clock.millis() - before.since >= FAILURES_COUNT_MILLIS
                            ? new Failures(1, clock.millis())
                            : new Failures(before.count + 1, clock.millis()));
            if (failures.size() > MOST_ADDRESSES) {
                failures.remove(failures.keySet().iterator().next());
            }
        }
    }

    @Nullable
    Session session(HttpServletRequest request) {
        Cookie[] cookies = request.getCookies();
        if (cookies == null) {
            return null;
        }
        for (Cookie each : cookies) {
            Session session = each.getName().equals(cookie) ? sessions.get(each.getValue()) : null;
            if (session != null && session.endsAt() >= clock.millis()) {
                return session;
            }
        }
        return null;
    }

    private boolean isBearer(HttpServletRequest request) {
        String header = request.getHeader("Authorization");
        return header != null
                && header.regionMatches(true, 0, "Bearer ", 0, 7)
                && !isLockedOut(bearer(request))
                && counted(isCredential(header.substring(7).trim()), request);
    }

    /** Counted apart: what stands before the console may send tokens of its own with each request. */
    private static String bearer(HttpServletRequest request) {
        return request.getRemoteAddr() + " bearer";
    }

    private boolean counted(boolean right, HttpServletRequest request) {
        if (!right) {
            LOG.warn("a wrong token was sent to the console from {}", request.getRemoteAddr());
            failed(bearer(request));
        }
        return right;
    }

    private boolean isCredential(String given) {
        // Takes as long for a wrong text as for the right one.
        return credential != null && MessageDigest.isEqual(credential, given.getBytes(StandardCharsets.UTF_8));
    }

    private static boolean isEqual(String expected, @Nullable String given) {
        return given != null
                && MessageDigest.isEqual(
                        expected.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
    }

    private String fresh() {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static boolean isLoopback(String address) {
        return address.startsWith("127.") || address.equals("::1") || address.equals("0:0:0:0:0:0:0:1");
    }

    private static String hostName(@Nullable String host) {
        if (host == null) {
            return "";
        }
        int colon = host.lastIndexOf(':');
        String name = colon > host.lastIndexOf(']') ? host.substring(0, colon) : host;
        return name.toLowerCase(Locale.ROOT);
    }
}
