package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
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

    private final RScript scripts;
    private final Duration answerTimeout;
    private final String server;

    ScriptCalls(RedissonClient redisson, Duration answerTimeout, String server) {
        this.scripts = redisson.getScript(StringCodec.INSTANCE);
        this.answerTimeout = answerTimeout;
        this.server = server;
    }

    <T> CompletableFuture<T> call(Script script, RScript.ReturnType type, List<Object> keys, Object... args) {
        String route = (String) keys.get(0);
        CompletionStage<T> sent;
        try {
            sent = scripts.evalShaAsync(route, RScript.Mode.READ_WRITE, script.sha(), type, keys, args);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(translated(script, e));
        }
        CompletableFuture<T> answer = new CompletableFuture<>();
        var unused = sent.whenComplete((value, failure) -> {
            if (failure == null) {
                answer.complete(value);
            } else if (unwrapped(failure) instanceof RedisNoScriptException) {
                sendText(answer, script, route, type, keys, args);
            } else {
                answer.completeExceptionally(translated(script, failure));
            }
        });
        return bounded(answer, script);
    }

    private <T> void sendText(
            CompletableFuture<T> answer,
            Script script,
            String route,
            RScript.ReturnType type,
            List<Object> keys,
            Object... args) {
        CompletionStage<T> sent = scripts.evalAsync(route, RScript.Mode.READ_WRITE, script.text(), type, keys, args);
        var unused = sent.whenComplete((value, failure) -> {
            if (failure == null) {
                answer.complete(value);
            } else {
                answer.completeExceptionally(translated(script, failure));
            }
        });
    }

    private <T> CompletableFuture<T> bounded(CompletableFuture<T> answer, Script script) {
        answer.orTimeout(answerTimeout.toMillis(), TimeUnit.MILLISECONDS);
        return answer.exceptionally(failure -> {
            Throwable cause = unwrapped(failure);
            throw cause instanceof LeaseStoreException known ? known : translated(script, cause);
        });
    }

    private LeaseStoreException translated(Script script, Throwable failure) {
        Throwable cause = unwrapped(failure);
        String what = cause instanceof TimeoutException || cause instanceof RedisTimeoutException
                ? "no answer within " + answerTimeout.toMillis() + " ms"
                : RedisTrouble.explain(cause);
        return new LeaseStoreException(
                "Redis at " + server + " did not carry out " + script.name().toLowerCase(Locale.ROOT) + ": " + what,
                cause);
    }

    private static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }
}
