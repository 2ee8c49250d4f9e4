package io.hapax.redis;

import io.hapax.ops.FleetBoard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** The board of a quorum: whatever one server has can be read. Thread-safe. */
record QuorumBoard(QuorumLeaseStore quorum) implements FleetBoard {

    /** Posts to all servers before it answers, so that a later read finds the newest report on most of them. */
    @Override
    public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
        return Votes.decided(quorum.ask(at(server -> server.post(worker, report, lifetime))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireOne(votes);
            return votes.all().contains(true);
        });
    }

    /** Of each worker the report that most servers have; one that was away may have an older one. */
    @Override
    public CompletionStage<Map<String, String>> reports(Duration readingFor) {
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(server -> server.reports(readingFor))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireOne(votes);
            Map<String, List<String>> all = new LinkedHashMap<>();
            votes.all()
                    .forEach(reports ->
                            reports.forEach((worker, report) -> all.computeIfAbsent(worker, first -> new ArrayList<>())
                                    .add(report)));
            Map<String, String> merged = new LinkedHashMap<>();
            all.forEach((worker, reports) -> merged.put(
                    worker,
                    Collections.max(
                            reports, Comparator.comparingInt(report -> Collections.frequency(reports, report)))));
            return merged;
        }));
    }

    private static <T> Function<RedissonLeaseStore, CompletionStage<T>> at(
            Function<FleetBoard, CompletionStage<T>> question) {
        return server -> question.apply(server.board());
    }

    private void requireOne(Votes<?> votes) {
        if (votes.all().isEmpty()) {
            throw votes.trouble("none of " + quorum.servers().size() + " servers has answered, one is needed");
        }
    }
}
