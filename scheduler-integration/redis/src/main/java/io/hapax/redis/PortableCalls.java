package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.redisson.api.BatchOptions;
import org.redisson.api.RScript.Mode;
import org.redisson.api.RScript.ReturnType;
import org.redisson.client.RedisNoScriptException;

/**
 * Sends scripts in the portable protocol: with who the server is, the caller's clock, and all keys.
 *
 * <p>A script that compares who the server is, is followed by the question who it is, over the same connection: if another one
 * answers than was meant, nothing that the script said counts. Only where the script has done nothing, because the bucket knew
 * another server than the caller, it is sent again. Thread-safe.
 */
final class PortableCalls {

    private static final String OTHER_SERVER = "OTHERSERVER ";
    private static final int ATTEMPTS = 8;

    private final Client client;
    private final InstantSource clock;
    private final String server;
    private final DeclaredKeys declared = new DeclaredKeys();
    /** Who the server of each bucket is, by the tag of the bucket. */
    private final Map<String, String> identities = new ConcurrentHashMap<>();

    PortableCalls(Client client, InstantSource clock, String server) {
        this.client = client;
        this.clock = clock;
        this.server = server;
    }

    private Pipeline pipeline() {
        return Objects.requireNonNull(client.pipeline());
    }

    /** A script with what it is given; {@code options} say whether replicas have to confirm what it writes. */
    record Call(Script script, ReturnType type, List<Object> keys, List<Object> arguments, BatchOptions options) {

        String tag() {
            return DeclaredKeys.tag((String) keys.get(0));
        }

        String firstKey() {
            return (String) keys.get(0);
        }
    }

    /** One way to send it. */
    private record Attempt(boolean asText, boolean certain, List<String> further, int left) {

        static final Attempt FIRST = new Attempt(false, false, List.of(), ATTEMPTS);

        Attempt withText() {
            return new Attempt(true, certain, further, left - 1);
        }

        Attempt certainly() {
            return new Attempt(asText, true, further, left - 1);
        }

        Attempt with(List<String> keys) {
            List<String> all = new ArrayList<>(further);
            all.addAll(keys);
            return new Attempt(asText, certain, all, left - 1);
        }
    }

    /** What goes over the wire. */
    record Words(List<Object> keys, List<Object> arguments) {}

    DeclaredKeys declared() {
        return declared;
    }

    /** Who the server of a bucket is, as far as is known; empty if it was not asked yet. */
    String identity(String tag) {
        return identities.getOrDefault(tag, "");
    }

    /** Notes what a server has said; fails if that is another one than was meant. */
    void heard(String tag, String meant, String info) {
        String said = Identity.of(info);
        identities.put(tag, said);
        if (!said.equals(meant)) {
            throw new ServerChanged(server);
        }
    }

    /** The keys and arguments of a script, and behind them what the portable protocol adds. */
    Words words(Script script, List<Object> keys, List<Object> arguments, String identity) {
        return words(script, keys, arguments, identity, Attempt.FIRST);
    }

    private Words words(Script script, List<Object> keys, List<Object> arguments, String identity, Attempt attempt) {
        List<String> names = declared.of(script, keys, attempt.further());
        List<Object> allKeys = new ArrayList<>(keys);
        allKeys.addAll(names);
        List<Object> all = new ArrayList<>(arguments);
        all.add(identity);
        all.add(attempt.certain() ? "1" : "0");
        all.add(Long.toString(ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant())));
        all.add(Integer.toString(names.size()));
        return new Words(allKeys, all);
    }

    <T> CompletionStage<Pipeline.Answer<T>> send(Call call, Identity identity) {
        if (!call.script().looks()) {
            return this.<T>plainly(call, Attempt.FIRST).thenApply(value -> new Pipeline.Answer<>(value, null, "", 0));
        }
        String known = identity(call.tag());
        return known.isEmpty()
                ? pipeline()
                        .info(call.firstKey(), identity)
                        .thenCompose(info -> this.<T>comparing(call, identity, noted(call.tag(), info), Attempt.FIRST))
                : comparing(call, identity, known, Attempt.FIRST);
    }

    /** What the server of a key says of itself: everything, or as much as it is known to answer. */
    CompletionStage<String> about(String key, Identity identity) {
        return pipeline()
                .info(key, Identity.EVERYTHING)
                .exceptionallyCompose(refused -> pipeline().info(key, identity))
                .thenApply(info -> {
                    noted(DeclaredKeys.tag(key), info);
                    return info;
                });
    }

    private String noted(String tag, String info) {
        String said = Identity.of(info);
        identities.put(tag, said);
        return said;
    }

    private <T> CompletionStage<T> plainly(Call call, Attempt attempt) {
        Script script = call.script();
        Words words = words(script, call.keys(), call.arguments(), "", attempt);
        Object[] args = words.arguments().toArray();
        CompletionStage<T> answer = attempt.asText()
                ? client.scripts()
                        .evalAsync(
                                call.firstKey(),
                                Mode.READ_WRITE,
                                script.text(Protocol.PORTABLE),
                                call.type(),
                                words.keys(),
                                args)
                : client.scripts()
                        .evalShaAsync(
                                call.firstKey(),
                                Mode.READ_WRITE,
                                script.sha(Protocol.PORTABLE),
                                call.type(),
                                words.keys(),
                                args);
        return answer.exceptionallyCompose(failure -> {
            Attempt next = next(call, attempt, RedisTrouble.unwrapped(failure));
            return next == null ? CompletableFuture.failedFuture(failure) : plainly(call, next);
        });
    }

    /** Sends it as somebody who knows the server by this identity. */
    private <T> CompletionStage<Pipeline.Answer<T>> comparing(
            Call call, Identity identity, String meant, Attempt attempt) {
        if (meant.isEmpty()) {
            return CompletableFuture.failedFuture(new LeaseStoreException(Finding.error(
                    "Redis at " + server + " does not say any more who it is (INFO has no run_id and no master_replid)",
                    "Connect to the server itself, and allow INFO to its user (+info)")));
        }
        Script script = call.script();
        Words words = words(script, call.keys(), call.arguments(), meant, attempt);
        String text = attempt.asText() ? script.text(Protocol.PORTABLE) : script.sha(Protocol.PORTABLE);
        return pipeline()
                .<T>send(
                        call.options(),
                        attempt.asText(),
                        text,
                        call.type(),
                        words.keys(),
                        words.arguments().toArray(),
                        identity)
                .thenCompose(answer -> judged(call, identity, meant, attempt, answer));
    }

    private <T> CompletionStage<Pipeline.Answer<T>> judged(
            Call call, Identity identity, String meant, Attempt attempt, Pipeline.Answer<T> answer) {
        String said = noted(call.tag(), answer.info());
        Throwable failure = answer.failure() == null ? null : RedisTrouble.unwrapped(answer.failure());
        boolean other = failure != null && String.valueOf(failure.getMessage()).contains(OTHER_SERVER);
        if (other && attempt.left() > 0) {
            return comparing(call, identity, said, attempt.certainly());
        }
        Attempt next = failure == null ? null : next(call, attempt, failure);
        if (next != null) {
            return comparing(call, identity, meant, next);
        }
        if (!said.equals(meant)) {
            return CompletableFuture.failedFuture(new ServerChanged(server));
        }
        return failure == null ? CompletableFuture.completedFuture(answer) : CompletableFuture.failedFuture(failure);
    }

    /** How to send it again after a failure; null if that is no use. Nothing was done by what fails in these ways. */
    private @Nullable Attempt next(Call call, Attempt attempt, Throwable failure) {
        if (attempt.left() == 0) {
            return null;
        }
        if (failure instanceof RedisNoScriptException) {
            return attempt.withText();
        }
        List<String> missing = DeclaredKeys.missing(String.valueOf(failure.getMessage()));
        if (missing.isEmpty()) {
            return null;
        }
        Object subject = call.script() == Script.LEASE ? call.keys().get(1) : call.firstKey();
        return attempt.with(declared.learn((String) Objects.requireNonNull(subject), missing));
    }

    /** Has a request say that it declared too few slots of its key. */
    static final class TooFewDeclared extends LeaseStoreException {

        private static final long serialVersionUID = 1L;

        TooFewDeclared(String message) {
            super(message);
        }
    }
}
