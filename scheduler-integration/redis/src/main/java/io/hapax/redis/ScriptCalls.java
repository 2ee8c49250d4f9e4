package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.BatchOptions;
import org.redisson.api.RScript;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisNoScriptException;
import org.redisson.client.RedisTimeoutException;

/**
 * Sends scripts: by their digest, and by their text if the server does not know the digest, as after a restart, a
 * failover or SCRIPT FLUSH. Every call ends within the answer timeout. Thread-safe.
 */
final class ScriptCalls {

    /** A client with a script cache of its own sends the text as two commands, and a flush may come between them. */
    private static final int TEXT_ATTEMPTS = 3;

    /** So many answers are waited for until it is known how a server is spoken to, at most. */
    private static final int QUESTIONS = 10;

    private final Client client;
    private final Discovery discovery;
    private final @Nullable PortableCalls portable;
    private final FirstConnection connection;
    private final Duration answerTimeout;
    private final AnswerTimeouts timeouts;
    private final String server;
    private volatile boolean closed;

    /**
     * @param bucket meta of a bucket, whose server is asked what it allows
     */
    ScriptCalls(
            Client client,
            FirstConnection connection,
            Duration answerTimeout,
            String server,
            String bucket,
            InstantSource clock) {
        this.client = client;
        this.portable = client.pipeline() == null ? null : new PortableCalls(client, clock, server);
        this.discovery = new Discovery(
                () -> allowed(bucket), client::pipeline, bucket, server, answerTimeout.multipliedBy(QUESTIONS));
        this.connection = connection;
        this.answerTimeout = answerTimeout;
        this.timeouts = new AnswerTimeouts(answerTimeout, Ticker.SYSTEM, server);
        this.server = server;
    }

    private CompletionStage<List<Object>> allowed(String bucket) {
        CompletableFuture<List<Object>> answer = new CompletableFuture<>();
        send(
                answer,
                1 + TEXT_ATTEMPTS,
                false,
                asText -> eval(asText, Script.ALLOWED, ReturnType.LIST, List.of(bucket)));
        return answer;
    }

    /** How the server is spoken to; finds that out first, if nobody has yet. */
    CompletableFuture<Dialect> dialect() {
        Dialect known = discovery.known();
        return known != null ? CompletableFuture.completedFuture(known) : call(Script.PROBE, discovery::dialect);
    }

    /** Asks in the way of the protocol that is spoken, once that is known. */
    <T> CompletableFuture<T> inDialect(Function<Dialect, CompletableFuture<T>> question) {
        Dialect known = discovery.known();
        return known != null ? question.apply(known) : dialect().thenCompose(question);
    }

    /** How the server is spoken to, as far as is known. */
    @Nullable
    Dialect known() {
        return discovery.known();
    }

    boolean isPortable() {
        Dialect known = discovery.known();
        return known != null && !known.isFull();
    }

    /** What the portable protocol needs; fails where there is no such way. */
    PortableCalls portable() {
        return Objects.requireNonNull(portable);
    }

    /** What the server of a bucket says of itself on a connection, where the portable protocol is spoken. */
    CompletableFuture<String> about(String key) {
        return call(
                Script.PROBE,
                () -> discovery
                        .dialect()
                        .thenCompose(dialect -> portable().about(key, Objects.requireNonNull(dialect.identity()))));
    }

    /** Later calls fail at once, and so does what has not been answered. */
    void close() {
        closed = true;
        timeouts.endAll(closedMessage());
    }

    private String closedMessage() {
        return "this store of Redis at " + server + " is closed; open another one";
    }

    AnswerTimeouts timeouts() {
        return timeouts;
    }

    boolean isClosed() {
        return closed;
    }

    <T> CompletableFuture<T> call(Script script, RScript.ReturnType type, List<Object> keys, Object... args) {
        Dialect known = discovery.known();
        if (script == Script.STATE || (known != null && known.isFull())) {
            return call(script, answer -> sendFull(answer, asText -> eval(asText, script, type, keys, args)));
        }
        return call(
                script,
                answer -> pass(
                        discovery.dialect().thenCompose(dialect -> {
                            if (dialect.isFull()) {
                                CompletableFuture<T> full = new CompletableFuture<>();
                                sendFull(full, asText -> eval(asText, script, type, keys, args));
                                return full;
                            }
                            return this.<T>sendPortable(dialect, script, type, keys, args, BatchOptions.defaults())
                                    .thenApply(Pipeline.Answer::value);
                        }),
                        answer));
    }

    private <T> CompletionStage<T> eval(
            boolean asText, Script script, ReturnType type, List<Object> keys, Object... args) {
        String first = (String) keys.get(0);
        return asText
                ? client.scripts().evalAsync(first, RScript.Mode.READ_WRITE, script.text(), type, keys, args)
                : client.scripts().evalShaAsync(first, RScript.Mode.READ_WRITE, script.sha(), type, keys, args);
    }

    private <T> CompletionStage<Pipeline.Answer<T>> sendPortable(
            Dialect dialect, Script script, ReturnType type, List<Object> keys, Object[] args, BatchOptions options) {
        return portable()
                .send(
                        new PortableCalls.Call(script, type, keys, List.of(args), options),
                        Objects.requireNonNull(dialect.identity()));
    }

    /** Calls, and waits for replicas to confirm what the script wrote. */
    CompletableFuture<Confirmation.Confirmed> callConfirmed(
            Confirmation confirmation, Script script, List<Object> keys, Object... args) {
        return call(
                script,
                answer -> pass(
                        discovery.dialect().thenCompose(dialect -> {
                            if (dialect.isFull()) {
                                CompletableFuture<Confirmation.Confirmed> full = new CompletableFuture<>();
                                sendFull(full, asText -> confirmation.send(script, asText, keys, args));
                                return full;
                            }
                            return this.<List<Object>>sendPortable(
                                            dialect, script, ReturnType.LIST, keys, args, confirmation.options())
                                    .thenApply(answered -> new Confirmation.Confirmed(
                                            Objects.requireNonNull(answered.value()), answered.replicas()));
                        }),
                        answer));
    }

    /** As {@link #about}, by another client; blocks. */
    String aboutOn(RedissonClient other, String key) {
        Pipeline wire = new Pipeline(((Redisson) other).getCommandExecutor());
        Identity identity =
                Objects.requireNonNull(Objects.requireNonNull(known()).identity());
        return wire.info(key, identity).toCompletableFuture().join();
    }

    /** A way to send a script, by its text or by its digest. */
    private interface Sending<T> {
        CompletionStage<T> send(boolean asText);
    }

    private <T> CompletableFuture<T> call(Script script, Supplier<CompletionStage<T>> question) {
        return call(script, (CompletableFuture<T> answer) -> pass(GuardThreads.ask(question), answer));
    }

    private <T> CompletableFuture<T> call(Script script, Consumer<CompletableFuture<T>> sending) {
        if (closed) {
            return CompletableFuture.failedFuture(new LeaseStoreException(closedMessage()));
        }
        CompletableFuture<T> answer = new CompletableFuture<>();
        connection.execute(() -> {
            // What has waited for the connection until its caller gave up must not be carried out after all.
            if (!answer.isDone()) {
                sending.accept(answer);
            }
        });
        return bounded(answer, script);
    }

    private <T> void pass(CompletionStage<T> from, CompletableFuture<T> to) {
        var unused = from.whenComplete((value, failure) -> {
            if (failure == null) {
                answered(to, value);
            } else {
                to.completeExceptionally(RedisTrouble.unwrapped(failure));
            }
        });
    }

    private <T> void sendFull(CompletableFuture<T> answer, Sending<T> sending) {
        send(answer, 1 + TEXT_ATTEMPTS, false, sending);
    }

    private <T> void send(CompletableFuture<T> answer, int attempts, boolean asText, Sending<T> sending) {
        var unused = GuardThreads.ask(() -> sending.send(asText)).whenComplete((value, failure) -> {
            if (failure == null) {
                answered(answer, value);
            } else if (attempts > 1 && RedisTrouble.unwrapped(failure) instanceof RedisNoScriptException) {
                send(answer, attempts - 1, true, sending);
            } else {
                answer.completeExceptionally(RedisTrouble.unwrapped(failure));
            }
        });
    }

    private <T> void answered(CompletableFuture<T> answer, T value) {
        connection.made();
        answer.complete(value);
    }

    private <T> CompletableFuture<T> bounded(CompletableFuture<T> answer, Script script) {
        timeouts.watch(answer);
        return answer.exceptionally(failure -> {
            Throwable cause = RedisTrouble.unwrapped(failure);
            if (!closed) {
                client.failed();
            }
            throw cause instanceof LeaseStoreException known ? known : translated(script, cause);
        });
    }

    /** Notes that the server has refused something to a script. */
    void refused(String message) {
        discovery.refused(message);
    }

    /** Sets what is to be done when the server has to be spoken to in another protocol than before. */
    void onOtherProtocol(Runnable action) {
        discovery.onChange(action);
    }

    private LeaseStoreException translated(Script script, Throwable failure) {
        Throwable cause = RedisTrouble.unwrapped(failure);
        refused(String.valueOf(cause.getMessage()));
        Finding why = cause instanceof RedisTimeoutException && !wasWritten(cause)
                ? Finding.error("it could not be sent in time", "Is this process short of CPU, or paused?")
                : cause instanceof TimeoutException || cause instanceof RedisTimeoutException
                        ? Finding.error("no answer within " + answerTimeout.toMillis() + " ms")
                        : RedisTrouble.of(cause);
        return new LeaseStoreException(
                why.asReasonWhy("Redis at " + server + " did not carry out "
                        + script.name().toLowerCase(Locale.ROOT)),
                cause);
    }

    private static boolean wasWritten(Throwable timeout) {
        return !String.valueOf(timeout.getMessage()).contains("still hasn't been written");
    }
}
