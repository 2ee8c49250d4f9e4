package io.hapax.redis;

import io.hapax.ops.FleetBoard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The board of a quorum: whatever one server has can be read. Thread-safe. */
record QuorumBoard(QuorumLeaseStore quorum) implements FleetBoard {

    /**
     * Posts to all servers before it answers, so that a later read finds the newest change on most of them. A few that missed one get no
     * more until the next change number 0: it would be one each time for a server that is slow. A summary that most may have missed is
     * lacking, as those that were away would keep the one before.
     */
    @Override
    public CompletionStage<Answer> post(Posting posting) {
        return Votes.decided(quorum.ask(at(server -> server.post(posting))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireOne(votes);
            int keeping = votes.of(Answer::isKept).size();
            boolean hasArrived = 2 * votes.all().size() > quorum.servers().size();
            return new Answer(
                    votes.all().stream().anyMatch(Answer::isRead),
                    // One that has missed changes may be asked for those of long ago.
                    votes.all().stream().anyMatch(answer -> answer.isKept() && answer.isAskedForAll()),
                    2 * keeping > votes.all().size(),
                    votes.all().stream().allMatch(Answer::hasSummary) && (hasArrived || posting.summary() == null));
        });
    }

    /** Of each worker the one that most servers have; one that was away may have an older one. */
    @Override
    public CompletionStage<Map<String, String>> summaries() {
        return asked(FleetBoard::summaries, (worker, all) -> mostFrequent(all));
    }

    /** Of each worker the edition that most servers have, and of that whatever any of them has. */
    @Override
    public CompletionStage<Map<String, News>> news(Map<String, Position> known, Duration readingFor) {
        return asked(server -> server.news(known, readingFor), (worker, all) -> merged(known.get(worker), all));
    }

    private <T> CompletionStage<Map<String, T>> asked(
            Function<FleetBoard, CompletionStage<Map<String, T>>> question, BiFunction<String, List<T>, T> merging) {
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(question)), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireOne(votes);
            Map<String, List<T>> all = new LinkedHashMap<>();
            votes.all()
                    .forEach(answer ->
                            answer.forEach((worker, each) -> all.computeIfAbsent(worker, first -> new ArrayList<>())
                                    .add(each)));
            Map<String, T> merged = new LinkedHashMap<>();
            all.forEach((worker, answers) -> merged.put(worker, merging.apply(worker, answers)));
            return merged;
        }));
    }

    private static <T> T mostFrequent(List<T> all) {
        return Collections.max(all, Comparator.comparingInt(each -> Collections.frequency(all, each)));
    }

    private static News merged(@Nullable Position known, List<News> all) {
        String edition = mostFrequent(all.stream().map(News::edition).toList());
        List<News> same =
                all.stream().filter(news -> news.edition().equals(edition)).toList();
        // What follows what is known is right, however far it goes.
        boolean follows = known != null && known.edition().equals(edition);
        long newest = same.stream().mapToLong(QuorumBoard::end).max().orElse(0);
        // What is read from the start is shown as all that there is: of a server that is behind, it would be lines of
        // long ago.
        News best = Collections.max(
                same.stream().filter(news -> follows || end(news) == newest).toList(),
                Comparator.comparing((News news) -> !news.changes().isEmpty()).thenComparing(QuorumBoard::end));
        long clock = same.stream().mapToLong(News::clock).max().orElse(0);
        return new News(edition, best.first(), best.changes(), best.summary() == null ? null : summary(same), clock);
    }

    /** The number of the change that comes next. */
    private static long end(News news) {
        return news.first() + news.changes().size();
    }

    private static String summary(List<News> all) {
        return mostFrequent(
                all.stream().map(News::summary).filter(Objects::nonNull).toList());
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
