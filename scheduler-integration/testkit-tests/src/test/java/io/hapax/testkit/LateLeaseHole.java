package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.test.ForwardingLeaseStore;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;

/** A hole that a store once had where answers are late, brought back. */
enum LateLeaseHole {
    /** A run that does not hold its lease any more leaves a marker, on servers that carry its completion out late. */
    MARKS_AFTER_A_LOSS,
    /** The lease goes first, and the marker cannot be written. */
    LOSES_THE_MARKER,
    /** Each place is decided by two of three servers, whichever answer. */
    HAS_SEVERAL_DECIDERS;

    LeaseStore in(LeaseStore store) {
        return new Holed(this, store);
    }

    private static final class Holed extends ForwardingLeaseStore {

        private final LateLeaseHole hole;
        private final Deciders deciders;

        Holed(LateLeaseHole hole, LeaseStore store) {
            super(store);
            this.hole = hole;
            this.deciders = new Deciders(store.reservations().orElseThrow());
        }

        @Override
        public CompletionStage<Boolean> release(Lease lease, Ending ending) {
            if (hole == LOSES_THE_MARKER && lease.token().value() % 4 == 0) {
                return store().release(lease, Ending.NOT_DONE);
            }
            return store().release(lease, ending)
                    .thenCompose(held -> hole == MARKS_AFTER_A_LOSS && !held && ending.isDone()
                            ? marked(lease, ending)
                            : CompletableFuture.completedFuture(held));
        }

        /** With no lease on its lock key. */
        private CompletionStage<Boolean> marked(Lease lease, Ending ending) {
            JobIdentity run = new JobIdentity(null, lease.identity().runKey());
            return store().acquire(new LeaseRequest(run, lease.owner(), lease.worker(), lease.ttl(), false))
                    .thenCompose(answer -> answer instanceof Acquisition.Granted granted
                            ? store().release(granted.lease(), ending).thenApply(marked -> false)
                            : CompletableFuture.completedFuture(false));
        }

        @Override
        public Optional<Reservations> reservations() {
            return hole == HAS_SEVERAL_DECIDERS ? Optional.of(deciders) : store().reservations();
        }
    }

    /** Three servers in one: each has a name of its own there. */
    private static final class Deciders implements Reservations {

        private static final int SERVERS = 3;

        private final Reservations places;
        private int asked;

        Deciders(Reservations places) {
            this.places = places;
        }

        private static String at(int server, String name) {
            return name + " of " + server % SERVERS;
        }

        private CompletionStage<Reservation> reserve(int server, ReservationRequest request) {
            return places.reserve(new ReservationRequest(
                    at(server, request.name()), request.holder(), request.places(), request.time()));
        }

        @Override
        public CompletionStage<Reservation> reserve(ReservationRequest request) {
            int first = asked++;
            return reserve(first, request)
                    .thenCombine(
                            reserve(first + 1, request), (one, other) -> one instanceof Reservation.Made ? other : one);
        }

        @Override
        public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
            CompletionStage<Boolean> had = CompletableFuture.completedFuture(false);
            for (int server = 0; server < SERVERS; server++) {
                had = had.thenCombine(places.keep(at(server, name), holder, time), Boolean::logicalOr);
            }
            return had;
        }

        @Override
        public CompletionStage<Boolean> giveUp(String name, String holder) {
            CompletionStage<Boolean> had = CompletableFuture.completedFuture(false);
            for (int server = 0; server < SERVERS; server++) {
                had = had.thenCombine(places.giveUp(at(server, name), holder), Boolean::logicalOr);
            }
            return had;
        }

        @Override
        public CompletionStage<List<String>> holders(String name) {
            return places.holders(at(0, name))
                    .thenCombine(places.holders(at(1, name)), Deciders::joined)
                    .thenCombine(places.holders(at(2, name)), Deciders::joined);
        }

        private static List<String> joined(List<String> some, List<String> others) {
            return Stream.concat(some.stream(), others.stream()).distinct().toList();
        }
    }
}
