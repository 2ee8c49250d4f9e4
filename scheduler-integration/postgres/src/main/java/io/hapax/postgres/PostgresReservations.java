package io.hapax.postgres;

import static io.hapax.postgres.LeaseExchange.column;

import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Places in {@code hapax_place}: all that a process asks at once with one statement. Thread-safe. */
final class PostgresReservations implements Reservations {

    /** Prolongs a place, and makes none. */
    private static final int ONLY_PROLONG = 0;

    private static final int GIVE_UP = -1;

    private final LeaseStatements statements;
    private final String namespace;
    private final Duration patience;
    private final Batches<Ask, Answer> places;
    private final Batches<String, List<String>> lists;

    PostgresReservations(Database database, LeaseStatements statements, String namespace) {
        this.statements = statements;
        this.namespace = namespace;
        this.patience = database.lockTimeout();
        this.places = new Batches<>("keep a place", database, Ask::name, this::carryOut);
        this.lists = new Batches<>("list places", database, name -> name, this::list);
    }

    private record Ask(String name, String holder, int places, Duration time) {}

    private record Answer(boolean has, @Nullable String first, Duration left) {}

    @Override
    public CompletionStage<Reservation> reserve(ReservationRequest request) {
        return places.submit(new Ask(request.name(), request.holder(), request.places(), request.time()))
                .thenApply(answer -> answer.has()
                        ? new Reservation.Made()
                        : new Reservation.Full(String.valueOf(answer.first()), answer.left()));
    }

    @Override
    public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
        return places.submit(new Ask(name, holder, ONLY_PROLONG, time)).thenApply(Answer::has);
    }

    @Override
    public CompletionStage<Boolean> giveUp(String name, String holder) {
        return places.submit(new Ask(name, holder, GIVE_UP, Duration.ZERO)).thenApply(Answer::has);
    }

    @Override
    public CompletionStage<List<String>> holders(String name) {
        return lists.submit(name);
    }

    /** Names are locked one after the other, by all processes in the same order. */
    private List<@Nullable Answer> carryOut(Connection connection, List<Ask> asks) throws SQLException {
        List<Integer> order = IntStream.range(0, asks.size())
                .boxed()
                .sorted(Comparator.comparing(n -> asks.get(n).name()))
                .toList();
        List<Ask> sorted = order.stream().map(asks::get).toList();
        List<@Nullable Answer> answers = new ArrayList<>();
        asks.forEach(any -> answers.add(null));
        try (PreparedStatement call = connection.prepareStatement(statements.keepPlaces())) {
            Parameters.of(call)
                    .text(namespace)
                    .number(patience.toMillis())
                    .texts(column(sorted, Ask::name))
                    .texts(column(sorted, Ask::holder))
                    .numbers(column(sorted, ask -> (long) ask.places()))
                    .numbers(column(sorted, ask -> ask.time().toMillis()));
            try (ResultSet rows = call.executeQuery()) {
                while (rows.next()) {
                    answers.set(
                            order.get((int) rows.getLong("n") - 1),
                            new Answer(
                                    rows.getBoolean("has"),
                                    rows.getString("first"),
                                    Duration.ofMillis(rows.getLong("left_ms"))));
                }
            }
        }
        return answers;
    }

    private List<@Nullable List<String>> list(Connection connection, List<String> names) throws SQLException {
        List<@Nullable List<String>> lists = new ArrayList<>();
        for (String name : names) {
            try (PreparedStatement query = connection.prepareStatement(statements.holders())) {
                Parameters.of(query).text(name).text(namespace);
                List<String> holders = new ArrayList<>();
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        holders.add(rows.getString(1));
                    }
                }
                lists.add(holders);
            }
        }
        return lists;
    }
}
