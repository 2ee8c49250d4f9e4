package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.test.ForwardingLeaseStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A store with one planted flaw, for the contract to find. */
final class BrokenLeaseStore extends ForwardingLeaseStore {

    enum Flaw {
        RELEASE_WITHOUT_OWNER_CHECK,
        NAMES_NO_GRANT,
        SHORTENS_PLACES,
        SHORTENS_ITS_OWN_PLACE,
        MAKES_PLACES_ANEW,
        TOKEN_DOES_NOT_GROW,
        FORGETS_COMPLETIONS,
        TELLS_NO_OUTCOME,
        RENEWS_WHAT_IS_LOST,
        RENEWS_IN_WRONG_ORDER,
        WITHDRAWS_ANYBODY,
        NEVER_WAKES,
        NEVER_WAITS_TO_AN_END,
        MIXES_LOCK_AND_RUN_KEYS,
        CUTS_LONG_KEYS,
        NAMES_SLOTS_BY_TEXT,
        KNOWS_NO_SLOTS,
        LEASE_LIVES_FOR_EVER,
        SAME_RUN_IS_NEVER_TOLD,
        LISTS_ONLY_THE_FIRST,
        TAKES_AWAY_FROM_ANYBODY,
        NOTES_NO_AUDIT,
        PAUSES_NOTHING,
        LISTS_NO_PAUSES,
        HAS_NO_HISTORY,
        KEEPS_OLD_REPORTS,
        NOBODY_EVER_READS,
        KEEPS_ANY_CHANGE,
        ASKS_FOR_NOTHING,
        HANDS_OUT_EVERYTHING,
        AGREES_TO_ANYTHING
    }

    private final Flaw flaw;

    BrokenLeaseStore(LeaseStore store, Flaw flaw) {
        super(store);
        this.flaw = flaw;
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        JobIdentity identity = bent(request.identity());
        Duration ttl = flaw == Flaw.LEASE_LIVES_FOR_EVER ? Duration.ofDays(1) : request.ttl();
        LeaseRequest bent = new LeaseRequest(identity, request.owner(), request.worker(), ttl, request.waiting());
        return store().acquire(bent).thenApply(answer -> bent(answer, request));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return store().renew(leases.stream().map(this::bent).toList()).thenApply(answers -> switch (flaw) {
            case RENEWS_WHAT_IS_LOST -> Collections.nCopies(answers.size(), new Renewal.Renewed(false));
            case RENEWS_IN_WRONG_ORDER -> {
                List<Renewal> reversed = new ArrayList<>(answers);
                Collections.swap(reversed, 0, reversed.size() / 2);
                yield reversed;
            }
            default -> answers;
        });
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        if (flaw == Flaw.RELEASE_WITHOUT_OWNER_CHECK) {
            return super.admin().forceRelease(lease.identity()).thenApply(holder -> true);
        }
        return store().release(
                        bent(lease),
                        switch (flaw) {
                            case FORGETS_COMPLETIONS -> Ending.NOT_DONE;
                            case TELLS_NO_OUTCOME ->
                                ending.isOver()
                                        ? new Ending(
                                                OccurrenceOutcome.DONE,
                                                ending.retention(),
                                                ending.job(),
                                                ending.again())
                                        : ending;
                            default -> ending;
                        });
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        if (flaw == Flaw.WITHDRAWS_ANYBODY) {
            return super.admin().forceRelease(request.identity()).thenAccept(holder -> {});
        }
        return store().withdraw(request);
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return switch (flaw) {
            case NEVER_WAKES -> store().nextChance(new JobIdentity(new LockKey("nobody's"), null), atMost);
            case NEVER_WAITS_TO_AN_END -> new CompletableFuture<>();
            default -> store().nextChance(bent(identity), atMost);
        };
    }

    @Override
    public LeaseAdmin admin() {
        return new BrokenLeaseAdmin(super.admin(), this, flaw);
    }

    @Override
    public FleetBoard board() {
        return new BrokenFleetBoard(super.board(), flaw);
    }

    @Override
    public Optional<Reservations> reservations() {
        return store().reservations().map(places -> new BrokenReservations(places, flaw));
    }

    private record BrokenReservations(Reservations places, Flaw flaw) implements Reservations {

        /** Whoever asks in vain for a shorter time makes the first place as short. */
        @Override
        public CompletionStage<Reservation> reserve(ReservationRequest request) {
            return places.reserve(request)
                    .thenCompose(answer -> flaw == Flaw.SHORTENS_PLACES
                                    && answer instanceof Reservation.Full full
                                    && full.left().compareTo(request.time()) > 0
                            ? anew(request.name(), full.first(), request.time()).thenApply(unused -> answer)
                            : CompletableFuture.completedFuture(answer));
        }

        @Override
        public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
            if (flaw == Flaw.MAKES_PLACES_ANEW) {
                return places.reserve(new ReservationRequest(name, holder, 1, time))
                        .thenApply(Reservation.Made.class::isInstance);
            }
            return places.keep(name, holder, time)
                    .thenCompose(has -> has && flaw == Flaw.SHORTENS_ITS_OWN_PLACE
                            ? anew(name, holder, time).thenApply(unused -> true)
                            : CompletableFuture.completedFuture(has));
        }

        private CompletionStage<Reservation> anew(String name, String holder, Duration time) {
            return places.giveUp(name, holder)
                    .thenCompose(had -> places.reserve(new ReservationRequest(name, holder, 10, time)));
        }

        @Override
        public CompletionStage<Boolean> giveUp(String name, String holder) {
            return places.giveUp(name, holder);
        }

        @Override
        public CompletionStage<List<String>> holders(String name) {
            return places.holders(name);
        }
    }

    @Override
    public void agree(String settings) {
        if (flaw != Flaw.AGREES_TO_ANYTHING) {
            store().agree(settings);
        }
    }

    private Acquisition bent(Acquisition answer, LeaseRequest request) {
        if (answer instanceof Acquisition.Granted granted) {
            Lease lease = granted.lease();
            FencingToken token = flaw == Flaw.TOKEN_DOES_NOT_GROW ? new FencingToken(7) : lease.token();
            return new Acquisition.Granted(
                    new Lease(request.identity(), lease.owner(), token, lease.worker(), request.ttl(), lease.since()));
        }
        if (answer instanceof Acquisition.Held held && flaw == Flaw.SAME_RUN_IS_NEVER_TOLD) {
            return new Acquisition.Held(held.holder(), false, held.ttlLeft());
        }
        return answer;
    }

    private Lease bent(Lease lease) {
        JobIdentity identity = bent(lease.identity());
        boolean looksUp = flaw == Flaw.NAMES_NO_GRANT || flaw == Flaw.TOKEN_DOES_NOT_GROW;
        FencingToken token = looksUp ? newestOf(identity, lease) : lease.token();
        return new Lease(identity, lease.owner(), token, lease.worker(), lease.ttl(), lease.since());
    }

    private FencingToken newestOf(JobIdentity identity, Lease lease) {
        return super.admin()
                .holder(identity)
                .toCompletableFuture()
                .join()
                .filter(holder -> holder.owner().equals(lease.owner()))
                .map(Holder::token)
                .orElse(lease.token());
    }

    JobIdentity bent(JobIdentity identity) {
        LockKey lock = identity.lockKey();
        if (flaw == Flaw.MIXES_LOCK_AND_RUN_KEYS && lock == null) {
            return new JobIdentity(new LockKey(identity.leaseName()), identity.runKey());
        }
        if (flaw == Flaw.CUTS_LONG_KEYS && lock != null && lock.value().length() > 200) {
            return new JobIdentity(new LockKey(lock.value().substring(0, 200)), identity.runKey());
        }
        if (flaw == Flaw.NAMES_SLOTS_BY_TEXT && identity.slot() != null) {
            return new JobIdentity(new LockKey(identity.leaseName()), identity.runKey());
        }
        return flaw == Flaw.KNOWS_NO_SLOTS ? new JobIdentity(lock, identity.runKey()) : identity;
    }
}
