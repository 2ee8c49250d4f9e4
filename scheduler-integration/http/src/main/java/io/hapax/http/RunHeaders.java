package io.hapax.http;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The headers that tell a receiver which run a request is of, so that it can recognise repetitions and refuse stale runs.
 *
 * <p>{@value #IDEMPOTENCY_KEY} is the run key: the same in each attempt at an occurrence. {@value #FENCING_TOKEN} is the fencing
 * token, a number that grows with each grant, and {@value #FENCING_KEY} says of which key, after the name of the sender.
 * Outside of a run there are none; a header that the request has already stays. Immutable.
 */
public final class RunHeaders {

    /** Has the run key; sent with all methods that are not safe. */
    public static final String IDEMPOTENCY_KEY = "Idempotency-Key";

    /** Has the fencing token in decimal; sent with all methods, as a read may be the first step of a write. */
    public static final String FENCING_TOKEN = "Fencing-Token";

    /** Names what the fencing token is of. */
    public static final String FENCING_KEY = "Fencing-Key";

    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

    private final String sender;

    private RunHeaders(String sender) {
        this.sender = sender;
    }

    /**
     * Makes headers for the requests of an application.
     *
     * @param sender the namespace of the application's leases, such as {@code billing-production}: receivers tell keys of different
     *     senders apart by it
     * @return the headers
     * @throws IllegalArgumentException if it is blank
     */
    public static RunHeaders of(String sender) {
        if (sender.isBlank()) {
            throw new IllegalArgumentException("the sender must not be blank; use the namespace of the leases");
        }
        return new RunHeaders(sender);
    }

    /**
     * Wraps a client, so that the requests that are sent in a run have its headers. All else is left to the client.
     *
     * @param client whose requests
     * @return a client that sends the headers of {@link CurrentRun}
     */
    public HttpClient client(HttpClient client) {
        return new RunHttpClient(client, this);
    }

    /**
     * Adds the headers to one request.
     *
     * @param request the request
     * @param run the run that it is of
     * @return the request with those headers that it did not have
     * @throws io.hapax.LeaseLostException if the run has lost its lease: the request must not be sent
     */
    public HttpRequest add(HttpRequest request, GuardedRun run) {
        Map<String, String> missing = missing(
                run,
                request.method(),
                name -> request.headers().firstValue(name).isPresent());
        if (missing.isEmpty()) {
            return request;
        }
        HttpRequest.Builder builder = HttpRequest.newBuilder(request, (name, value) -> true);
        missing.forEach(builder::setHeader);
        return builder.build();
    }

    /**
     * Makes an idempotency key for one of several requests of a run, to be set as {@value #IDEMPOTENCY_KEY} by the job itself: by
     * default all of them have the run key alone, and a receiver takes the second one for a repetition of the first.
     *
     * @param run the run
     * @param step names the request, the same in each attempt
     * @return the key; empty if the run has no run key
     */
    public static Optional<String> idempotencyKey(GuardedRun run, String step) {
        return run.identity().run().map(key -> HeaderText.of(key.value(), step));
    }

    /**
     * Works out the headers of a run.
     *
     * @param run the run
     * @param method of the request
     * @param present tells which headers the request has already
     * @return those that are to be added
     * @throws io.hapax.LeaseLostException if the run has lost its lease
     */
    Map<String, String> missing(GuardedRun run, String method, Predicate<String> present) {
        Map<String, String> headers = new LinkedHashMap<>();
        if (!isAtWork(run)) {
            return headers;
        }
        Optional<RunKey> key = run.identity().run();
        if (key.isPresent() && !SAFE.contains(method) && !present.test(IDEMPOTENCY_KEY)) {
            headers.put(IDEMPOTENCY_KEY, HeaderText.of(key.get().value()));
        }
        Optional<Lease> lease = run.lease();
        if (lease.isPresent() && !present.test(FENCING_TOKEN) && !present.test(FENCING_KEY)) {
            headers.put(FENCING_TOKEN, lease.get().token().toString());
            headers.put(FENCING_KEY, fencingKey(lease.get().identity()));
        }
        return headers;
    }

    private String fencingKey(JobIdentity keys) {
        LockKey lock = keys.lockKey();
        Slot slot = keys.slot();
        if (lock == null) {
            // No lock key is empty, so none is taken for a run key.
            return HeaderText.of(sender, "", String.valueOf(keys.runKey()));
        }
        return slot == null
                ? HeaderText.of(sender, lock.value())
                : HeaderText.of(sender, lock.value(), Integer.toString(slot.number()));
    }

    /** False after its end, when what is sent is no work of it. */
    private static boolean isAtWork(GuardedRun run) {
        try {
            run.ensureHeld();
            return true;
        } catch (IllegalStateException hasEnded) {
            return false;
        }
    }
}
