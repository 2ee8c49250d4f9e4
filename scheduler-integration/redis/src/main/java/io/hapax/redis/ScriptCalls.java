package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import org.redisson.api.RScript;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisNoScriptException;
import org.redisson.client.RedisTimeoutException;
import org.redisson.client.codec.StringCodec;

/**
 * Sends scripts: by their digest, and by their text if the server does not know the digest, as after a restart, a
 * failover or SCRIPT FLUSH. Every call ends within the answer timeout. Thread-safe.
 */
final class ScriptCalls {

    /** A client with a script cache of its own sends the text as two commands, and a flush may come between them. */
    private static final int TEXT_ATTEMPTS = 3;

    private final RScript scripts;
    private final FirstConnection connection;
    private final Duration answerTimeout;
    private final AnswerTimeouts timeouts;
    private final String server;
    private volatile boolean closed;

    ScriptCalls(RedissonClient redisson, FirstConnection connection, Duration answerTimeout, String server) {
        this.scripts = redisson.getScript(StringCodec.INSTANCE);
        this.connection = connection;
        this.answerTimeout = answerTimeout;
        this.timeouts = new AnswerTimeouts(answerTimeout, Ticker.SYSTEM, server);
        this.server = server;
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
        String first = (String) keys.get(0);
        return call(
                script,
                asText -> asText
                        ? scripts.evalAsync(first, RScript.Mode.READ_WRITE, script.text(), type, keys, args)
                        : scripts.evalShaAsync(first, RScript.Mode.READ_WRITE, script.sha(), type, keys, args));
    }

    /** Calls, and waits for replicas to confirm what the script wrote. */
    CompletableFuture<Confirmation.Confirmed> callConfirmed(
            Confirmation confirmation, Script script, List<Object> keys, Object... args) {
        return call(script, asText -> confirmation.send(script, asText, keys, args));
    }

    /** A way to send a script, by its text or by its digest. */
    private interface Sending<T> {
        CompletionStage<T> send(boolean asText);
    }

    private <T> CompletableFuture<T> call(Script script, Sending<T> sending) {
        if (closed) {
            return CompletableFuture.failedFuture(new LeaseStoreException(closedMessage()));
        }
        CompletableFuture<T> answer = new CompletableFuture<>();
        connection.execute(() -> {
            // What has waited for the connection until its caller gave up must not be carried out after all.
            if (!answer.isDone()) {
                send(answer, 1 + TEXT_ATTEMPTS, false, script, sending);
            }
        });
        return bounded(answer, script);
    }

    private <T> void send(
            CompletableFuture<T> answer, int attempts, boolean asText, Script script, Sending<T> sending) {
        var unused = GuardThreads.ask(() -> sending.send(asText)).whenComplete((value, failure) -> {
            if (failure == null) {
                answered(answer, value);
            } else if (attempts > 1 && RedisTrouble.unwrapped(failure) instanceof RedisNoScriptException) {
                send(answer, attempts - 1, true, script, sending);
            } else {
                answer.completeExceptionally(translated(script, failure));
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
            throw cause instanceof LeaseStoreException known ? known : translated(script, cause);
        });
    }

    private LeaseStoreException translated(Script script, Throwable failure) {
        Throwable cause = RedisTrouble.unwrapped(failure);
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
