package io.hapax.console;

import io.hapax.lease.OwnerId;
import io.hapax.lease.VisibleText;
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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who may read, and who may change something. Thread-safe. */
final class Access {

    static final String CSRF_HEADER = "X-Hapax-Csrf";

    private static final Duration SESSION = Duration.ofHours(8);
    private static final int MOST_SESSIONS = 200;
    private static final int MOST_KNOWN = 1000;
    private static final String LOGIN = "login";
    /** Counted apart: what stands before the console may send tokens of its own with each request. */
    private static final String BEARER = "bearer";

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
    /** Browsers that have logged in before, by their cookies: what others guess from the same address does not count for them. */
    private final Map<String, Proxies.Client> known = new ConcurrentHashMap<>();

    private final Proxies proxies;
    private final Attempts attempts;

    Access(@Nullable String credential, Proxies proxies, InstantSource clock) {
        this.credential = credential == null ? null : credential.getBytes(StandardCharsets.UTF_8);
        this.proxies = proxies;
        this.clock = clock;
        this.attempts = new Attempts(clock);
    }

    /** Why a request is refused. */
    record Denial(int status, String message) {}

    /** Somebody who has logged in. */
    record Session(String id, String csrf, long endsAt) {}

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

    /** Whether a client has given so many wrong credentials that it has to wait. */
    boolean isLockedOut(HttpServletRequest request) {
        return attempts.mustWait(client(request), LOGIN);
    }

    /** Who gives a credential: a browser that has given the right one before, or an address. */
    private Proxies.Client client(HttpServletRequest request) {
        for (String secret : cookies(request, knownCookie())) {
            Proxies.Client browser = known.get(secret);
            if (browser != null) {
                return browser;
            }
        }
        return proxies.client(request);
    }

    String knownCookie() {
        return cookie + "-known";
    }

    /** A secret by which a browser that has logged in is known from now on. */
    String remember() {
        if (known.size() >= MOST_KNOWN) {
            known.clear();
        }
        String secret = fresh();
        known.put(secret, new Proxies.Client("known browser " + OwnerId.random(), null));
        return secret;
    }

    /** Checks a credential; null if it is wrong. */
    @Nullable
    Session login(HttpServletRequest request, String given) {
        if (!isCredential(given)) {
            Proxies.Client client = client(request);
            LOG.warn("a wrong credential was given to the console from {}", VisibleText.of(client.toString()));
            attempts.failed(client, LOGIN);
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

    /**
     * Whether the browser may send its cookie over TLS only: it speaks TLS, to this server or to a proxy. A proxy need not
     * say so, as the browser does.
     */
    boolean isSecure(HttpServletRequest request) {
        String origin = request.getHeader("Origin");
        return proxies.isSecure(request) || (origin != null && origin.regionMatches(true, 0, "https:", 0, 6));
    }

    void logout(HttpServletRequest request) {
        Session session = session(request);
        if (session != null) {
            sessions.remove(session.id());
        }
    }

    @Nullable
    Session session(HttpServletRequest request) {
        for (String id : cookies(request, cookie)) {
            Session session = sessions.get(id);
            if (session != null && session.endsAt() >= clock.millis()) {
                return session;
            }
        }
        return null;
    }

    private static List<String> cookies(HttpServletRequest request, String name) {
        Cookie[] cookies = request.getCookies();
        return Stream.of(cookies == null ? new Cookie[0] : cookies)
                .filter(each -> each.getName().equals(name))
                .map(Cookie::getValue)
                .toList();
    }

    private boolean isBearer(HttpServletRequest request) {
        String header = request.getHeader("Authorization");
        if (header == null || !header.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return false;
        }
        Proxies.Client client = proxies.client(request);
        if (attempts.mustWait(client, BEARER)) {
            return false;
        }
        boolean right = isCredential(header.substring(7).trim());
        if (!right) {
            LOG.warn("a wrong token was sent to the console from {}", VisibleText.of(client.toString()));
            attempts.failed(client, BEARER);
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
