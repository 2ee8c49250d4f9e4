package io.hapax.redis;

import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Places that a majority of servers keeps. A place that only a minority has, because it was late or unreachable, belongs to nobody: a
 * caller that needs the exact state waits for all servers that can answer.
 */
record QuorumReservations(QuorumLeaseStore quorum) implements Reservations {

    @Override
    public CompletionStage<Reservation> reserve(ReservationRequest request) {
        List<CompletableFuture<RedissonReservations.Answer>> answers = quorum.ask(at(places -> places.ask(request)));
        CompletableFuture<Reservation> decided = Votes.decided(answers, this::decide);
        return decided.thenApply(Reservation.Made.class::isInstance)
                .exceptionally(failure -> false)
                .thenCompose(made -> made ? decided : giveBack(request, answers).thenCompose(done -> decided));
    }

    private @Nullable Reservation decide(Votes<RedissonReservations.Answer> answers) {
        Votes<Reservation> votes = answers.map(RedissonReservations.Answer::reservation);
        if (votes.of(Reservation.Made.class).size() >= quorum.majority()) {
            return new Reservation.Made();
        }
        if (votes.pending() > 0) {
            return null;
        }
        quorum.requireMajority(votes, "have answered about a reservation");
        return votes.of(Reservation.Full.class).stream()
                .max(Comparator.comparing(Reservation.Full::left))
                .map(Reservation.class::cast)
                .orElseGet(() -> new Reservation.Full("several that asked at once", Duration.ofMillis(1)));
    }

    /**
     * What a minority keeps would only be in the way of others. It is given up before the answer, as else it might come after
     * the next request of the same holder. A place that was there before stays, and so does what a server keeps that did not
     * answer: it may be such a one.
     */
    private CompletableFuture<Void> giveBack(
            ReservationRequest request, List<CompletableFuture<RedissonReservations.Answer>> answers) {
        List<CompletableFuture<?>> given = new ArrayList<>();
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = quorum.servers().get(n);
            given.add(answers.get(n)
                    .thenCompose(answer -> answer.isNew()
                            ? quorum.send(server, at(places -> places.giveUp(request.name(), request.holder())))
                            : CompletableFuture.completedFuture(false))
                    .exceptionally(unreachable -> false));
        }
        return CompletableFuture.allOf(given.toArray(CompletableFuture<?>[]::new));
    }

    @Override
    public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
        return had(at(places -> places.keep(name, holder, time)));
    }

    @Override
    public CompletionStage<Boolean> giveUp(String name, String holder) {
        return had(at(places -> places.giveUp(name, holder)));
    }

    /** Whether a majority may have had the place that all servers are asked about. */
    private CompletionStage<Boolean> had(Function<RedissonLeaseStore, CompletionStage<Boolean>> question) {
        return Votes.decided(quorum.ask(question), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            quorum.requireMajority(votes, "have answered about a reservation");
            int had = votes.of(answer -> answer).size();
            return had > 0 && quorum.isOfMajority(had, votes);
        });
    }

    @Override
    public CompletionStage<List<String>> holders(String name) {
        return Votes.decided(quorum.ask(at(places -> places.holders(name))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            quorum.requireMajority(votes, "have answered about a reservation");
            // Each list is in order; one that lacks nothing tells where what the others lack belongs.
            Set<String> named = new LinkedHashSet<>();
            votes.all().stream()
                    .sorted(Comparator.comparingInt((List<String> list) -> list.size())
                            .reversed())
                    .forEach(named::addAll);
            return named.stream()
                    .filter(holder -> quorum.isOfMajority(
                            votes.of(list -> list.contains(holder)).size(), votes))
                    .toList();
        });
    }

    private static <T> Function<RedissonLeaseStore, CompletionStage<T>> at(
            Function<RedissonReservations, CompletionStage<T>> question) {
        return server -> question.apply(server.places());
    }
}
