package io.hapax.redis;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.redisson.RedissonScript;
import org.redisson.api.BatchOptions;
import org.redisson.api.RScript;
import org.redisson.api.RScript.Mode;
import org.redisson.api.RScript.ReturnType;
import org.redisson.client.codec.StringCodec;
import org.redisson.client.protocol.RedisCommand;
import org.redisson.client.protocol.RedisStrictCommand;
import org.redisson.command.CommandAsyncExecutor;
import org.redisson.command.CommandBatchService;

/** Sends a script, and then the question who the server is, over the same connection at once. */
final class Pipeline {

    private static final RedisCommand<String> INFO = new RedisStrictCommand<>("INFO");

    private final CommandAsyncExecutor commands;

    Pipeline(CommandAsyncExecutor commands) {
        this.commands = commands;
    }

    /**
     * What came back.
     *
     * @param failure why the script has no value
     * @param info what the server said of itself afterwards
     * @param replicas how many have confirmed what the script wrote, where that was asked for
     */
    record Answer<T>(@Nullable T value, @Nullable Throwable failure, String info, int replicas) {}

    /** Asks the server of a key. */
    CompletionStage<String> info(String key, Identity identity) {
        return commands.writeAsync(
                key, StringCodec.INSTANCE, INFO, identity.sections().toArray());
    }

    /**
     * @param text the script's text, or its digest
     */
    <T> CompletableFuture<Answer<T>> send(
            BatchOptions options,
            boolean asText,
            String text,
            ReturnType type,
            List<Object> keys,
            Object[] args,
            Identity identity) {
        CommandBatchService batch = commands.createCommandBatchService(options);
        RScript scripts = new RedissonScript(batch, TextCodec.INSTANCE);
        String key = (String) keys.get(0);
        CompletionStage<T> value = asText
                ? scripts.evalAsync(key, Mode.READ_WRITE, text, type, keys, args)
                : scripts.evalShaAsync(key, Mode.READ_WRITE, text, type, keys, args);
        CompletionStage<String> info = batch.writeAsync(
                key, StringCodec.INSTANCE, INFO, identity.sections().toArray());
        CompletableFuture<Answer<T>> answer = new CompletableFuture<>();
        var unused = batch.executeAsync().whenComplete((result, broken) -> {
            CompletableFuture<T> script = value.toCompletableFuture();
            CompletableFuture<String> said = info.toCompletableFuture();
            if (broken != null && !(isOver(script) && said.isDone() && !said.isCompletedExceptionally())) {
                answer.completeExceptionally(broken);
                return;
            }
            int replicas = result == null ? 0 : result.getSyncedSlaves();
            var ignored = said.thenCombine(
                            script.handle((got, failure) -> new Answer<>(got, failure, "", replicas)),
                            (text2, part) -> new Answer<>(part.value(), part.failure(), text2, replicas))
                    .whenComplete((all, failure) -> {
                        if (failure == null) {
                            answer.complete(all);
                        } else {
                            answer.completeExceptionally(failure);
                        }
                    });
        });
        return answer;
    }

    private static boolean isOver(CompletableFuture<?> stage) {
        return stage.isDone();
    }
}
