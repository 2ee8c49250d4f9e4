package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Places that a majority of servers keeps. */
record QuorumReservations(QuorumLeaseStore quorum) implements Reservations {

    @Override
    public CompletionStage<Reservation> reserve(ReservationRequest request) {
        return Votes.decided(quorum.ask(at(server -> server.reserve(request))), votes -> decide(request, votes));
    }

    private @Nullable Reservation decide(ReservationRequest request, Votes<Reservation> votes) {
        if (votes.of(Reservation.Made.class).size() >= quorum.majority()) {
            return new Reservation.Made();
        }
        if (votes.pending() > 0) {
            return null;
        }
        List<Reservation.Full> full = votes.of(Reservation.Full.class);
        // What a minority keeps would only be in the way of others.
        var unused = giveUp(request.name(), request.holder()).exceptionally(unreachable -> false);
        requireMajority(votes);
        return full.stream()
                .max((a, b) -> a.left().compareTo(b.left()))
                .orElseGet(() -> new Reservation.Full("several that asked at once", Duration.ofMillis(1)));
    }

    @Override
    public CompletionStage<Boolean> giveUp(String name, String holder) {
        return Votes.decided(quorum.ask(at(server -> server.giveUp(name, holder))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireMajority(votes);
            return votes.all().contains(true);
        });
    }

    @Override
    public CompletionStage<List<String>> holders(String name) {
        return Votes.decided(quorum.ask(at(server -> server.holders(name))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireMajority(votes);
            Set<String> named = new LinkedHashSet<>();
            votes.all().forEach(named::addAll);
            return List.copyOf(named);
        });
    }

    private static <T> Function<RedissonLeaseStore, CompletionStage<T>> at(
            Function<Reservations, CompletionStage<T>> question) {
        return server -> question.apply(server.places());
    }

    private void requireMajority(Votes<?> votes) {
        if (votes.all().size() < quorum.majority()) {
            throw new LeaseStoreException("only " + votes.all().size()
                    + " servers have answered about a reservation, a majority is needed" + votes.trouble());
        }
    }
}
