package io.hapax.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.JobGuard;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.PausedKey;
import io.hapax.thread.GuardThreads;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The page, what it shows, and what it can do. Thread-safe. */
final class ConsoleServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.console");
    private static final int MOST_STREAMS = 50;
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; the console goes on", what, failure));
    private static final int LARGEST_BODY = 10_000;
    private static final int KNOWN_SECONDS = (int) Duration.ofDays(90).toSeconds();
    private static final int MOST_FOUND = 1000;
    private static final int MOST_SEARCHED = 100_000;
    private static final int SEARCH_ANSWERS = 5;
    private static final Duration KEEP_ALIVE = Duration.ofSeconds(10);
    /** Then the page asks again, as browsers do by themselves. */
    private static final Duration LONGEST_STREAM = Duration.ofMinutes(15);

    private static final Map<String, String> PAGES = Map.of(
            "/", "text/html; charset=utf-8",
            "/console.css", "text/css; charset=utf-8",
            "/console.js", "text/javascript; charset=utf-8");

    private final transient JobGuard guard;
    private final transient AdministeredStore store;
    private final transient @Nullable RunLedger ledger;
    private final transient Access access;
    private final transient Watcher watcher;
    private final transient JsonMapper json;
    private final transient ExecutorService streams;
    /** Who finds none free is refused instead of waiting. */
    private final transient Semaphore freeStreams = new Semaphore(MOST_STREAMS);

    private final transient Semaphore searching = new Semaphore(1);

    ConsoleServlet(
            JobGuard guard,
            AdministeredStore store,
            @Nullable RunLedger ledger,
            Access access,
            Watcher watcher,
            JsonMapper json) {
        this.guard = guard;
        this.store = store;
        this.ledger = ledger;
        this.access = access;
        this.watcher = watcher;
        this.json = json;
        this.streams = THREADS.pool("hapax-console-stream", MOST_STREAMS);
    }

    /** Ends the streams. */
    void close() {
        streams.shutdownNow();
    }

    /** A request that cannot be carried out, and why. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final int status;

        Refused(int status, String message) {
            super(message);
            this.status = status;
        }

        static void unless(Access.@Nullable Denial denial) throws Refused {
            if (denial != null) {
                throw new Refused(denial.status(), denial.message());
            }
        }
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        secure(response);
        try {
            switch (request.getMethod()) {
                // A HEAD would leave a stream behind that nothing ends.
                case "GET" -> get(request, response);
                case "POST" -> post(request, response);
                default -> throw new Refused(405, "use GET or POST");
            }
        } catch (Refused e) {
            send(response, e.status, Map.of("error", String.valueOf(e.getMessage())));
        } catch (IllegalArgumentException e) {
            send(response, 400, Map.of("error", String.valueOf(e.getMessage())));
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String why = cause.getMessage() == null ? cause.toString() : cause.getMessage();
            send(
                    response,
                    503,
                    Map.of("error", cause instanceof TimeoutException ? "there was no answer in time" : why));
        }
    }

    private static void secure(HttpServletResponse response) {
        response.setHeader(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
                        + " base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("Referrer-Policy", "no-referrer");
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
    }

    private void get(HttpServletRequest request, HttpServletResponse response) throws IOException, Refused {
        String path = request.getPathInfo();
        if (path == null && !request.getRequestURI().endsWith("/")) {
            // So that what the page refers to is found beside it. Servlet 6.1 has another sendRedirect than 6.0.
            response.setStatus(HttpServletResponse.SC_FOUND);
            response.setHeader("Location", request.getContextPath() + request.getServletPath() + "/");
            return;
        }
        String wanted = path == null ? "/" : path;
        String type = PAGES.get(wanted);
        if (type != null) {
            page(wanted, type, response);
            return;
        }
        if (wanted.equals("/api/session")) {
            send(response, 200, session(request));
            return;
        }
        Refused.unless(access.mayRead(request));
        switch (wanted) {
            case "/api/fleet" -> send(response, 200, fleet());
            case "/api/job" -> send(response, 200, job(request));
            case "/api/stream" -> stream(request);
            case "/api/leases" -> send(response, 200, alone(() -> leases(text(request, "text"))));
            case "/api/pauses" -> send(response, 200, alone(() -> pauses(text(request, "text"))));
            case "/api/runs" -> send(response, 200, alone(() -> runs(request)));
            case "/api/audit" -> send(response, 200, audit());
            default -> throw new Refused(404, "there is no " + wanted);
        }
    }

    private static void page(String path, String type, HttpServletResponse response) throws IOException {
        String file = path.equals("/") ? "console.html" : path.substring(1);
        try (InputStream content = ConsoleServlet.class.getResourceAsStream(file)) {
            if (content == null) {
                throw new IllegalStateException("the resource io/hapax/console/" + file + " is missing from the jar");
            }
            response.setContentType(type);
            response.setHeader("Cache-Control", "no-cache");
            OutputStream out = response.getOutputStream();
            content.transferTo(out);
        }
    }

    private Map<String, Object> session(HttpServletRequest request) {
        Access.Session session = access.session(request);
        Map<String, Object> all = new LinkedHashMap<>();
        boolean mayRead = access.mayRead(request) == null;
        all.put("worker", mayRead ? guard.worker() : "");
        all.put("mayRead", mayRead);
        all.put("needsLogin", access.hasCredential());
        all.put("mayChange", session != null);
        all.put("ledger", mayRead && ledger != null);
        all.put("csrf", session == null ? "" : session.csrf());
        return all;
    }

    private Map<String, Object> fleet() throws Refused {
        Watcher.Seen seen = seen(watcher.number());
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("fleet", seen.snapshot().view());
        all.put("runs", seen.snapshot().runs().values());
        return all;
    }

    private JobView job(HttpServletRequest request) throws Refused {
        String name = request.getParameter("name");
        if (name == null || name.isEmpty()) {
            throw new Refused(400, "name the job: api/job?name=…");
        }
        // What was seen a second ago will do.
        return seen(watcher.number() - 1).snapshot().job(name);
    }

    private Watcher.Seen seen(long known) throws Refused {
        try {
            Watcher.Seen seen = watcher.newerThan(known, KEEP_ALIVE);
            if (seen == null) {
                throw new Refused(
                        503, "the fleet could not be looked at in time; see the log of worker " + guard.worker());
            }
            return seen;
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
            throw new Refused(503, "this worker is closing");
        }
    }

    private void stream(HttpServletRequest request) throws Refused {
        if (!freeStreams.tryAcquire()) {
            throw tooMany();
        }
        boolean begun = false;
        try {
            AsyncContext context = request.startAsync();
            context.setTimeout(0);
            begun = begun(context);
        } finally {
            if (!begun) {
                freeStreams.release();
            }
        }
        if (!begun) {
            throw tooMany();
        }
    }

    private static Refused tooMany() {
        return new Refused(503, "too many pages are watching, or this worker is closing");
    }

    private boolean begun(AsyncContext context) {
        try {
            streams.execute(() -> {
                try {
                    stream(context);
                } finally {
                    freeStreams.release();
                }
            });
            return true;
        } catch (RejectedExecutionException closing) {
            context.complete();
            return false;
        }
    }

    /** What has changed, each second, until the client is gone. */
    private void stream(AsyncContext context) {
        try {
            HttpServletResponse response = (HttpServletResponse) context.getResponse();
            response.setContentType("text/event-stream; charset=utf-8");
            response.setHeader("X-Accel-Buffering", "no");
            OutputStream out = response.getOutputStream();
            Map<String, Map<String, Object>> sent = new HashMap<>();
            long number = 0;
            long until = System.nanoTime() + LONGEST_STREAM.toNanos();
            while (!streams.isShutdown()
                    && System.nanoTime() - until < 0
                    && access.mayRead((HttpServletRequest) context.getRequest()) == null) {
                Watcher.Seen seen = watcher.newerThan(number, KEEP_ALIVE);
                if (seen == null) {
                    out.write(":\n\n".getBytes(StandardCharsets.UTF_8));
                } else {
                    Map<String, Object> changes = changes(seen.snapshot(), sent, number == 0);
                    number = seen.number();
                    out.write("data: ".getBytes(StandardCharsets.UTF_8));
                    out.write(json.writeValueAsBytes(changes));
                    out.write("\n\n".getBytes(StandardCharsets.UTF_8));
                }
                out.flush();
            }
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        } catch (Throwable gone) {
            // Servers that have ended answer in ways of their own.
            LOG.debug("somebody has stopped watching: {}", gone.toString());
        } finally {
            complete(context);
        }
    }

    private static void complete(AsyncContext context) {
        try {
            context.complete();
        } catch (Throwable gone) {
            LOG.debug("the stream was over: {}", gone.toString());
        }
    }

    private static Map<String, Object> changes(
            Fleet.Snapshot snapshot, Map<String, Map<String, Object>> sent, boolean first) {
        List<Map<String, Object>> changed = new ArrayList<>();
        snapshot.runs().forEach((owner, run) -> {
            if (!run.equals(sent.put(owner, run))) {
                changed.add(run);
            }
        });
        List<String> gone = sent.keySet().stream()
                .filter(owner -> !snapshot.runs().containsKey(owner))
                .toList();
        gone.forEach(sent::remove);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("fleet", snapshot.view());
        all.put("first", first);
        all.put("changed", changed);
        all.put("gone", gone);
        return all;
    }

    /** A search costs Redis or the ledger more than everything else here. */
    private Object alone(Search search) throws Refused {
        if (!searching.tryAcquire()) {
            throw new Refused(429, "somebody else is searching; try again in a moment");
        }
        try {
            return search.result();
        } finally {
            searching.release();
        }
    }

    private interface Search {
        Object result() throws Refused;
    }

    /** Looks through the store itself, which also knows leases of workers that do not report. */
    private Map<String, Object> leases(String text) {
        Map<String, HeldLease> found = new LinkedHashMap<>();
        if (!text.isEmpty()) {
            // The store may keep a digest of it only, which no search for a part of it finds.
            for (boolean onRunKey : new boolean[] {false, true}) {
                named(text, onRunKey).ifPresent(lease -> found.put(lease.onRunKey() + lease.name(), lease));
            }
        }
        Duration timeout = store.answerTimeout().multipliedBy(SEARCH_ANSWERS);
        List<HeldLease> all = asked(() -> store.admin().leases(MOST_SEARCHED), timeout);
        String wanted = text.toLowerCase(Locale.ROOT);
        all.stream()
                .filter(lease -> Stream.of(
                                lease.name(),
                                lease.holder().worker(),
                                lease.holder().run())
                        .anyMatch(part -> part.toLowerCase(Locale.ROOT).contains(wanted)))
                .forEach(lease -> found.put(lease.onRunKey() + lease.name(), lease));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put(
                "leases",
                found.values().stream()
                        .sorted(Comparator.comparing(lease -> lease.holder().since()))
                        .limit(MOST_FOUND)
                        .map(ConsoleServlet::shown)
                        .toList());
        answer.put("found", found.size());
        answer.put("looked", all.size());
        answer.put("complete", all.size() < MOST_SEARCHED);
        return answer;
    }

    /** Keys that nobody is granted for now, also those that nobody has asked for since. */
    private Map<String, Object> pauses(String text) {
        Duration timeout = store.answerTimeout().multipliedBy(SEARCH_ANSWERS);
        String wanted = text.toLowerCase(Locale.ROOT);
        List<PausedKey> found = asked(() -> store.admin().pauses(MOST_SEARCHED), timeout).stream()
                .filter(key -> key.name().toLowerCase(Locale.ROOT).contains(wanted))
                .sorted(Comparator.comparing(key -> key.pause().since()))
                .toList();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put(
                "pauses",
                found.stream().limit(MOST_FOUND).map(ConsoleServlet::shown).toList());
        answer.put("found", found.size());
        return answer;
    }

    private static Map<String, Object> shown(PausedKey key) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("lock", key.onRunKey() ? "" : key.name());
        all.put("run", key.onRunKey() ? key.name() : "");
        all.put("actor", key.pause().why().actor());
        all.put("reason", key.pause().why().reason());
        all.put("since", key.pause().since().toEpochMilli());
        all.put("left", key.pause().left().toMillis());
        return all;
    }

    private Optional<HeldLease> named(String text, boolean onRunKey) {
        try {
            JobIdentity kept = guard.kept(
                    onRunKey ? new JobIdentity(null, new RunKey(text)) : new JobIdentity(new LockKey(text), null));
            return asked(() -> store.admin().lease(kept.leaseName(), onRunKey), store.answerTimeout());
        } catch (IllegalArgumentException noKey) {
            return Optional.empty();
        }
    }

    private static Map<String, Object> shown(HeldLease lease) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put(lease.onRunKey() ? "run" : "lock", lease.name());
        all.put(
                lease.onRunKey() ? "lock" : "run",
                lease.onRunKey() ? "" : lease.holder().run());
        HeldLease.SlotName slot = lease.slot() == null ? null : HeldLease.SlotName.of(lease.name());
        if (slot != null) {
            all.put("family", slot.key());
        }
        all.put("owner", lease.holder().owner().value());
        all.put("token", lease.holder().token().toString());
        all.put("worker", lease.holder().worker());
        all.put("since", lease.holder().since().toEpochMilli());
        all.put("left", lease.left().toMillis());
        all.put("awaited", lease.awaited());
        return all;
    }

    private List<Map<String, Object>> runs(HttpServletRequest request) throws Refused {
        RunLedger runs = ledger();
        String state = text(request, "state");
        Set<RunState> states =
                state.isEmpty() ? Set.of(RunState.values()) : Set.of(RunState.valueOf(state.toUpperCase(Locale.ROOT)));
        LedgerQuery query = new LedgerQuery(states, text(request, "text"), Duration.ZERO, 200);
        return asked(() -> runs.entries(query), runs.answerTimeout()).stream()
                .map(Fleet::shown)
                .toList();
    }

    private RunLedger ledger() throws Refused {
        RunLedger runs = ledger;
        if (runs == null) {
            throw new Refused(404, "this worker has no ledger");
        }
        return runs;
    }

    private List<Map<String, Object>> audit() {
        List<AuditEntry> entries = new ArrayList<>(asked(() -> store.admin().audit(200), store.answerTimeout()));
        RunLedger runs = ledger;
        if (runs != null) {
            entries.addAll(asked(() -> runs.audit(200), runs.answerTimeout()));
        }
        return entries.stream()
                .sorted(Comparator.comparing(AuditEntry::at).reversed())
                .limit(200)
                .map(entry -> {
                    Map<String, Object> all = new LinkedHashMap<>();
                    all.put("at", entry.at().toEpochMilli());
                    all.put("action", entry.action());
                    all.put("subject", entry.subject());
                    all.put("actor", entry.why().actor());
                    all.put("reason", entry.why().reason());
                    all.put("holder", entry.holder());
                    return all;
                })
                .toList();
    }

    /** What is thrown instead of an answer is trouble like an answer that fails; only our own mistakes are not. */
    private static <T> T asked(Supplier<? extends @Nullable CompletionStage<T>> question, Duration timeout) {
        try {
            return answered(GuardThreads.ask(question), timeout);
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof IllegalArgumentException mistake) {
                throw mistake;
            }
            throw failed;
        }
    }

    private static <T> T answered(CompletionStage<T> stage, Duration timeout) {
        try {
            T answer = stage.toCompletableFuture().get(timeout.toMillis() + 500, TimeUnit.MILLISECONDS);
            if (answer == null) {
                throw new CompletionException(new NullPointerException("null is no answer"));
            }
            return answer;
        } catch (ExecutionException e) {
            throw new CompletionException(e.getCause());
        } catch (CancellationException | TimeoutException e) {
            throw new CompletionException(e);
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
            throw new CompletionException("this worker is closing", closing);
        }
    }

    private static String text(HttpServletRequest request, String name) {
        String value = request.getParameter(name);
        return value == null ? "" : value.strip();
    }

    private void post(HttpServletRequest request, HttpServletResponse response) throws IOException, Refused {
        String path = String.valueOf(request.getPathInfo());
        switch (path) {
            case "/api/login" -> login(request, response);
            case "/api/logout" -> {
                Refused.unless(access.mayPost(request));
                access.logout(request);
                send(response, 200, Map.of());
            }
            case "/api/release" -> {
                Refused.unless(access.mayChange(request));
                send(response, 200, release(body(request)));
            }
            case "/api/pause" -> {
                Refused.unless(access.mayChange(request));
                send(response, 200, pause(body(request)));
            }
            case "/api/resume" -> {
                Refused.unless(access.mayChange(request));
                send(response, 200, resume(body(request)));
            }
            case "/api/resolve" -> {
                Refused.unless(access.mayChange(request));
                send(response, 200, resolve(body(request)));
            }
            default -> throw new Refused(404, "there is no " + path);
        }
    }

    private void login(HttpServletRequest request, HttpServletResponse response) throws IOException, Refused {
        Refused.unless(access.mayPost(request));
        if (!access.hasCredential()) {
            throw new Refused(403, "no credential is configured, so nobody can log in");
        }
        if (access.isLockedOut(request)) {
            throw new Refused(429, "too many wrong credentials; wait a minute");
        }
        Access.Session session =
                access.login(request, body(request).path("credential").asText());
        if (session == null) {
            throw new Refused(401, "that is not the credential");
        }
        response.addCookie(cookie(request, access.cookie(), session.id()));
        Cookie known = cookie(request, access.knownCookie(), access.remember());
        known.setMaxAge(KNOWN_SECONDS);
        response.addCookie(known);
        send(response, 200, Map.of("csrf", session.csrf()));
    }

    private Cookie cookie(HttpServletRequest request, String name, String value) {
        Cookie cookie = new Cookie(name, value);
        cookie.setHttpOnly(true);
        cookie.setSecure(access.isSecure(request));
        String mount = request.getContextPath() + request.getServletPath();
        cookie.setPath(mount.isEmpty() ? "/" : mount);
        cookie.setAttribute("SameSite", "Strict");
        return cookie;
    }

    private JsonNode body(HttpServletRequest request) throws IOException, Refused {
        if (request.getContentLengthLong() > LARGEST_BODY) {
            throw new Refused(413, "at most " + LARGEST_BODY + " bytes");
        }
        byte[] bytes = request.getInputStream().readNBytes(LARGEST_BODY + 1);
        if (bytes.length > LARGEST_BODY) {
            throw new Refused(413, "at most " + LARGEST_BODY + " bytes");
        }
        try {
            JsonNode node = json.readTree(bytes);
            if (node != null && node.isObject()) {
                return node;
            }
        } catch (JsonProcessingException e) {
            throw new Refused(400, "that is no JSON: " + e.getOriginalMessage());
        }
        throw new Refused(400, "send a JSON object");
    }

    private Map<String, Object> release(JsonNode body) throws Refused {
        boolean onRunKey = needed(body, "lock").isEmpty();
        String name = needed(body, onRunKey ? "run" : "lock");
        confirmed(body, name);
        Holder seen = new Holder(
                new OwnerId(needed(body, "owner")),
                new FencingToken(Math.max(1, body.path("token").asLong())),
                "",
                "",
                Instant.EPOCH);
        HeldLease lease = new HeldLease(name, onRunKey, seen, Duration.ZERO, false);
        Optional<Holder> taken =
                answered(guard.admin().forceRelease(lease, actor(body), needed(body, "reason")), store.answerTimeout());
        if (taken.isEmpty()) {
            throw new Refused(409, "nothing was changed: that run does not hold " + name + " any more");
        }
        return Map.of("released", name, "holder", taken.get().toString());
    }

    private Map<String, Object> pause(JsonNode body) throws Refused {
        PausedKey key = named(body);
        PausedKey.requireWhole(key.name());
        asked(() -> guard.admin()
                .pause(key.identity(), actor(body), needed(body, "reason"))
                .thenApply(paused -> true));
        return Map.of("paused", key.name());
    }

    private Map<String, Object> resume(JsonNode body) throws Refused {
        PausedKey key = named(body);
        // What somebody has typed, or else what the store keeps of it.
        boolean resumed = asked(() -> guard.admin().resume(key.identity(), actor(body), needed(body, "reason")))
                || asked(() -> guard.admin().resume(key, actor(body), needed(body, "reason")));
        if (!resumed) {
            throw new Refused(409, "nothing was changed: " + key.name() + " is not paused");
        }
        return Map.of("resumed", key.name());
    }

    /** Asks for a change, of which the body of the request may be wrong. */
    private <T> T asked(Change<T> change) throws Refused {
        return answered(change.begin(), store.answerTimeout());
    }

    private interface Change<T> {
        CompletionStage<T> begin() throws Refused;
    }

    private static PausedKey named(JsonNode body) throws Refused {
        boolean onRunKey = needed(body, "lock").isEmpty();
        String name = needed(body, onRunKey ? "run" : "lock");
        confirmed(body, name);
        return new PausedKey(name, onRunKey, new KeyPause(Intervention.UNNAMED, Instant.EPOCH, Duration.ZERO));
    }

    private Map<String, Object> resolve(JsonNode body) throws Refused {
        RunLedger runs = ledger();
        String lock = needed(body, "lock");
        String run = needed(body, "run");
        confirmed(body, run.isEmpty() ? lock : run);
        RunState state = RunState.valueOf(needed(body, "state").toUpperCase(Locale.ROOT));
        JobIdentity identity =
                new JobIdentity(lock.isEmpty() ? null : new LockKey(lock), run.isEmpty() ? null : new RunKey(run));
        boolean resolved = answered(
                guard.admin().resolve(identity, seen(body), state, actor(body), needed(body, "reason")),
                runs.answerTimeout());
        if (!resolved) {
            throw new Refused(
                    409, "nothing was changed: " + identity + " is not abandoned any more, or by another run");
        }
        return Map.of("resolved", identity.toString(), "state", state.name());
    }

    private static FencingToken seen(JsonNode body) throws Refused {
        try {
            return new FencingToken(Long.parseLong(needed(body, "token")));
        } catch (NumberFormatException e) {
            throw new Refused(400, "the field token must be a fencing token");
        }
    }

    private static String actor(JsonNode body) throws Refused {
        String actor = needed(body, "actor");
        return actor.isBlank() ? actor : actor + " (console)";
    }

    /** A change has to name its subject once more. */
    private static void confirmed(JsonNode body, String name) throws Refused {
        if (!needed(body, "confirm").equals(name)) {
            throw new Refused(400, "to confirm, give the key once more: " + name);
        }
    }

    private static String needed(JsonNode body, String field) throws Refused {
        JsonNode value = body.path(field);
        if (!value.isTextual()) {
            throw new Refused(400, "the field " + field + " is missing; it must be a text");
        }
        return value.asText();
    }

    private void send(HttpServletResponse response, int status, Object body) throws IOException {
        byte[] bytes = json.writeValueAsBytes(body);
        response.setStatus(status);
        response.setContentType("application/json");
        response.setContentLength(bytes.length);
        response.getOutputStream().write(bytes);
    }
}
