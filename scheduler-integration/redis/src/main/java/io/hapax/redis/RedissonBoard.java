package io.hapax.redis;

import io.hapax.ops.FleetBoard;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.redisson.api.RScript.ReturnType;

/** The board in one Redis, Sentinel or Cluster. Thread-safe. */
record RedissonBoard(Namespace namespace) implements FleetBoard {

    @Override
    public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
        Keyspace keyspace = namespace.keyspace();
        String name = keyspace.boardName(worker);
        CompletableFuture<Long> answer = namespace
                .scripts()
                .call(
                        Script.POST,
                        ReturnType.LONG,
                        List.of(keyspace.board(), keyspace.board() + ":" + name, keyspace.readers()),
                        name,
                        report,
                        Long.toString(lifetime.toMillis()));
        return answer.thenApply(code -> code == 1);
    }

    @Override
    public CompletionStage<Map<String, String>> reports(Duration readingFor) {
        Keyspace keyspace = namespace.keyspace();
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(
                        Script.REPORTS,
                        ReturnType.LIST,
                        List.of(keyspace.board(), keyspace.readers()),
                        Long.toString(readingFor.toMillis()));
        return answer.thenApply(list -> {
            Map<String, String> reports = new LinkedHashMap<>();
            for (int n = 0; n + 1 < list.size(); n += 2) {
                reports.put((String) list.get(n), (String) list.get(n + 1));
            }
            return reports;
        });
    }
}
