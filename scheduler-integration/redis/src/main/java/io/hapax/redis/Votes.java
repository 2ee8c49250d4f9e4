package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The servers' answers so far. Immutable.
 *
 * @param all the answers
 * @param failures what the servers said that could not answer
 * @param pending how many have not answered yet
 * @param <T> the type of an answer
 */
record Votes<T>(List<T> all, List<Throwable> failures, int pending) {

    /**
     * Looks at the votes after each answer, until the question can be decided.
     *
     * @param answers one a server
     * @param decision what the votes say, or null to wait for more; must decide, or throw, when none is pending
     */
    static <T, R> CompletableFuture<R> decided(
            List<CompletableFuture<T>> answers, Function<Votes<T>, @Nullable R> decision) {
        CompletableFuture<R> result = new CompletableFuture<>();
        List<T> all = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        for (CompletableFuture<T> answer : answers) {
            var unused = answer.whenComplete((value, failure) -> {
                Votes<T> votes;
                synchronized (all) {
                    if (failure == null) {
                        all.add(value);
                    } else {
                        failures.add(RedisTrouble.unwrapped(failure));
                    }
                    votes = new Votes<>(
                            List.copyOf(all), List.copyOf(failures), answers.size() - all.size() - failures.size());
                }
                decide(votes, decision, result);
            });
        }
        return result;
    }

    private static <T, R> void decide(
            Votes<T> votes, Function<Votes<T>, @Nullable R> decision, CompletableFuture<R> result) {
        if (result.isDone()) {
            return;
        }
        try {
            R decided = decision.apply(votes);
            if (decided != null) {
                result.complete(decided);
            }
        } catch (Throwable e) {
            result.completeExceptionally(e);
        }
    }

    <U> Votes<U> map(Function<T, U> change) {
        return new Votes<>(all.stream().map(change).toList(), failures, pending);
    }

    /** As if nobody else answered. */
    Votes<T> withoutPending() {
        return new Votes<>(all, failures, 0);
    }

    List<T> of(Predicate<T> kind) {
        return all.stream().filter(kind).toList();
    }

    <K extends T> List<K> of(Class<K> kind) {
        return all.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    /** A problem with the servers' trouble as its reason, if they had any; each remedy is named once. */
    LeaseStoreException trouble(String problem) {
        return trouble(problem, "");
    }

    /** The same where there is something to be done besides. */
    LeaseStoreException trouble(String problem, String remedy) {
        List<Finding> troubles = failures.stream().map(RedisTrouble::told).toList();
        String all = troubles.stream().map(Finding::problem).collect(Collectors.joining("; "));
        String remedies = Stream.concat(Stream.of(remedy), troubles.stream().map(Finding::remedy))
                .filter(each -> !each.isEmpty())
                .distinct()
                .reduce((first, next) -> first + (first.endsWith("?") ? " " : ". ") + next)
                .orElse("");
        return new LeaseStoreException(Finding.error(problem + (all.isEmpty() ? "" : ". Trouble: " + all), remedies));
    }
}
