package io.hapax.redis;

import io.hapax.ops.FleetBoard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.redisson.api.RScript.ReturnType;

/** The board in one Redis, Sentinel or Cluster. Thread-safe. */
record RedissonBoard(Namespace namespace) implements FleetBoard {

    @Override
    public CompletionStage<Answer> post(Posting posting) {
        Keyspace keyspace = namespace.keyspace();
        String name = keyspace.boardName(posting.worker());
        CompletableFuture<Long> answer = namespace
                .scripts()
                .call(
                        Script.POST,
                        ReturnType.LONG,
                        List.of(keyspace.board(), keyspace.board() + ":" + name, keyspace.readers()),
                        name,
                        Long.toString(posting.lifetime().toMillis()),
                        posting.summary() == null ? "" : posting.summary(),
                        posting.position().edition(),
                        Long.toString(posting.position().number()),
                        posting.change() == null ? "" : posting.change(),
                        Long.toString(posting.clock()));
        return answer.thenApply(bits -> new Answer((bits & 1) != 0, (bits & 2) != 0, (bits & 4) == 0, (bits & 8) == 0));
    }

    @Override
    public CompletionStage<Map<String, String>> summaries() {
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(
                        Script.SUMMARIES,
                        ReturnType.LIST,
                        List.of(namespace.keyspace().board()));
        return answer.thenApply(list -> {
            Map<String, String> summaries = new LinkedHashMap<>();
            for (int n = 0; n + 1 < list.size(); n += 2) {
                summaries.put((String) list.get(n), (String) list.get(n + 1));
            }
            return summaries;
        });
    }

    @Override
    public CompletionStage<Map<String, News>> news(Map<String, Position> known, Duration readingFor) {
        Keyspace keyspace = namespace.keyspace();
        List<Object> arguments = new ArrayList<>();
        arguments.add(Long.toString(readingFor.toMillis()));
        known.forEach((worker, position) -> {
            arguments.add(worker);
            arguments.add(position.edition());
            arguments.add(Long.toString(position.number()));
        });
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(Script.NEWS, ReturnType.LIST, List.of(keyspace.board(), keyspace.readers()), arguments.toArray());
        return answer.thenApply(RedissonBoard::news);
    }

    private static Map<String, News> news(List<Object> list) {
        Map<String, News> all = new LinkedHashMap<>();
        int n = 0;
        while (n + 5 < list.size()) {
            String summary = (String) list.get(n + 3);
            int end = n + 6 + Integer.parseInt((String) list.get(n + 5));
            all.put(
                    (String) list.get(n),
                    new News(
                            (String) list.get(n + 1),
                            Long.parseLong((String) list.get(n + 2)),
                            list.subList(n + 6, end).stream()
                                    .map(String.class::cast)
                                    .toList(),
                            summary.isEmpty() ? null : summary,
                            Long.parseLong((String) list.get(n + 4))));
            n = end;
        }
        return all;
    }
}
