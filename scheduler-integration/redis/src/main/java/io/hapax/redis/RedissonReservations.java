package io.hapax.redis;

import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.redisson.api.RScript.ReturnType;

/** Places in one Redis, Sentinel or Cluster: a sorted set for each name. */
record RedissonReservations(Namespace namespace) implements Reservations {

    /**
     * What a server said.
     *
     * @param isNew whether the holder had no place before
     */
    record Answer(Reservation reservation, boolean isNew) {}

    @Override
    public CompletionStage<Reservation> reserve(ReservationRequest request) {
        return ask(request).thenApply(Answer::reservation);
    }

    CompletionStage<Answer> ask(ReservationRequest request) {
        return ask(request.name(), request.holder(), request.places(), request.time());
    }

    private CompletionStage<Answer> ask(String name, String holder, int places, Duration time) {
        CompletableFuture<List<Object>> answer = call(
                Script.RESERVE,
                ReturnType.LIST,
                name,
                holder,
                Integer.toString(places),
                Long.toString(time.toMillis()));
        return answer.thenApply(RedissonReservations::read);
    }

    private static Answer read(List<Object> answer) {
        long number = ((Number) answer.get(2)).longValue();
        return answer.get(0).equals("1")
                ? new Answer(new Reservation.Made(), number == 0)
                : new Answer(new Reservation.Full(String.valueOf(answer.get(1)), Duration.ofMillis(number)), false);
    }

    @Override
    public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
        return ask(name, holder, 0, time).thenApply(answer -> answer.reservation() instanceof Reservation.Made);
    }

    @Override
    public CompletionStage<Boolean> giveUp(String name, String holder) {
        CompletableFuture<Long> answer = call(Script.GIVE_UP, ReturnType.LONG, name, holder);
        return answer.thenApply(code -> code == 1);
    }

    @Override
    public CompletionStage<List<String>> holders(String name) {
        CompletableFuture<List<Object>> answer = call(Script.PLACES, ReturnType.LIST, name);
        return answer.thenApply(all -> all.stream().map(String::valueOf).toList());
    }

    private <T> CompletableFuture<T> call(Script script, ReturnType type, String name, Object... args) {
        Keyspace keyspace = namespace.keyspace();
        return namespace
                .scripts()
                .inDialect(dialect -> namespace
                        .scripts()
                        .call(
                                script,
                                type,
                                List.of(dialect.isFull() ? keyspace.places(name) : keyspace.placeNumber(name)),
                                args));
    }
}
