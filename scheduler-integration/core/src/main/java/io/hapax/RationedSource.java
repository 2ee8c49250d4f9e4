package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.Slot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Leases of a key that several runs may hold at once, or of which only a limited number may start in a period.
 *
 * <p>A key with room for n runs has n slots, each with a lease of its own: a slot of a run that dies is free after its ttl like
 * any lease. A run takes the lowest free slot, so that few runs are beyond the limit of other workers that state a smaller one. The
 * run key is leased besides the slot, since two slots must not run the same occurrence. The starts in a period are
 * counted by {@link Reservations}, last of all, so that a run that is refused for another reason does not count.
 */
final class RationedSource implements LeaseSource {

    private static final int LONGEST_NAME = 100;

    private final LeaseStore store;
    private final JobIdentity identity;
    private final RunOptions options;
    private final String worker;
    private final String paceName;
    private final List<JobIdentity> slots;

    RationedSource(Engine engine, RunTerms terms) {
        this.store = engine.store();
        this.identity = terms.identity();
        this.options = terms.options();
        this.worker = engine.worker();
        LockKey lock = identity.lockKey();
        this.paceName = paceName(terms);
        this.slots = lock == null || options.concurrency() == 1 ? List.of() : slots(identity, options.concurrency());
        if (slots.isEmpty() && options.concurrency() > 1) {
            throw new IllegalArgumentException("setting concurrency: " + options.concurrency()
                    + " runs may hold the lock key at once, but " + terms.request() + " has none. Give it a lock key");
        }
    }

    /** The name under which starts of runs are counted. */
    static String paceName(RunTerms terms) {
        LockKey pace = terms.request().pace();
        return "pace:" + (pace == null ? terms.job() : pace.value());
    }

    /** With the run key, so that a refusal can name the occurrence that holds the slot. */
    private static List<JobIdentity> slots(JobIdentity identity, int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(n -> new JobIdentity(identity.lockKey(), identity.runKey(), new Slot(n, count)))
                .toList();
    }

    /** What the lease of the run is on: the run key if it has one, else a slot. */
    private JobIdentity primary() {
        return slots.isEmpty() ? identity : new JobIdentity(null, identity.runKey());
    }

    private boolean slotIsPrimary() {
        return !slots.isEmpty() && identity.runKey() == null;
    }

    @Override
    public CompletionStage<Offer> ask(LeaseStore asked, LeaseRequest request) {
        CompletionStage<Acquisition> first =
                slotIsPrimary() ? slot(request, 1, null) : asked.acquire(on(request, primary()));
        return first.thenCompose(acquisition -> acquisition instanceof Acquisition.Granted granted
                ? thenSlot(request, granted.lease())
                : answer(new Offer.Denied(acquisition)));
    }

    private static CompletionStage<Offer> answer(Offer offer) {
        return CompletableFuture.completedFuture(offer);
    }

    private CompletionStage<Offer> thenSlot(LeaseRequest request, Lease lease) {
        if (slots.isEmpty() || slotIsPrimary()) {
            return thenPlace(new Offer.Given(lease, null, place(request)));
        }
        return slot(request, 1, null).thenCompose(acquisition -> {
            if (acquisition instanceof Acquisition.Granted slot) {
                return thenPlace(new Offer.Given(lease, slot.lease(), place(request)));
            }
            return instead(new Offer.Denied(acquisition), new Offer.Given(lease, null, null));
        });
    }

    private CompletionStage<Offer> thenPlace(Offer.Given given) {
        String holder = given.place();
        if (holder == null) {
            return answer(given);
        }
        Throttle pace = options.throttle();
        return reservations(store)
                .reserve(new ReservationRequest(paceName, holder, pace.runs(), pace.period()))
                .thenCompose(reservation -> reservation instanceof Reservation.Full full
                        ? instead(new Offer.Throttled(throttled(pace, full)), given)
                        : answer(given));
    }

    /** Gives back what was granted, and continues when the store has confirmed it or will not: its owner asks no more. */
    private CompletionStage<Offer> instead(Offer offer, Offer.Given given) {
        return giveBack(given).thenApply(settled -> offer);
    }

    /** Who has a place: another one in each ask, so that whatever is given up late is nobody else's. */
    private @Nullable String place(LeaseRequest request) {
        return options.throttle().isLimited() ? place(worker, request.owner()) : null;
    }

    static String place(String worker, OwnerId owner) {
        return readable(worker) + " " + owner;
    }

    /** A worker may have any name; what is stored has to be readable. */
    static String readable(String name) {
        return name.codePoints()
                .filter(character ->
                        !Character.isISOControl(character) && Character.getType(character) != Character.SURROGATE)
                .limit(LONGEST_NAME)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private Refusal throttled(Throttle pace, Reservation.Full full) {
        String many = pace.runs() == 1 ? "one run" : pace.runs() + " runs";
        return new Refusal(
                Verdict.THROTTLED,
                null,
                full.left(),
                many + " of '" + paceName.substring("pace:".length()) + "' may start in " + pace.period()
                        + ", the next one in " + full.left().toMillis() + "ms (the first was of " + full.first() + ")",
                null);
    }

    static Reservations reservations(LeaseStore store) {
        return store.reservations()
                .orElseThrow(() -> new IllegalArgumentException(
                        "settings throttle, mode and onConflict need a" + " lease store with reservations, which "
                                + store.getClass().getSimpleName() + " has not"));
    }

    /** Asks for a slot, and if it is held, for the next one that the store takes for free. */
    private CompletionStage<Acquisition> slot(LeaseRequest request, int number, Acquisition.@Nullable Held before) {
        return store.acquire(onSlot(request, slots.get(number - 1))).thenCompose(acquisition -> {
            if (!(acquisition instanceof Acquisition.Held held)) {
                return CompletableFuture.completedFuture(acquisition);
            }
            int next = held.slot() == null ? number + 1 : held.nextSlot();
            Acquisition.Held told = moreTelling(held, before);
            return next > number && next <= slots.size()
                    ? slot(request, next, told)
                    : CompletableFuture.completedFuture(told);
        });
    }

    /** Who has this occurrence, else who ends first. */
    private static Acquisition.Held moreTelling(Acquisition.Held held, Acquisition.@Nullable Held other) {
        if (other == null || held.sameRun() != other.sameRun()) {
            return other == null || held.sameRun() ? held : other;
        }
        return held.ttlLeft().compareTo(other.ttlLeft()) < 0 ? held : other;
    }

    /** An owner holds one lease, so a slot beside another lease has an owner of its own. */
    private LeaseRequest onSlot(LeaseRequest request, JobIdentity slot) {
        if (slotIsPrimary()) {
            return on(request, slot);
        }
        OwnerId beside = new OwnerId(request.owner() + "-slot");
        return new LeaseRequest(slot, beside, request.worker(), request.ttl(), request.waiting());
    }

    private static LeaseRequest on(LeaseRequest request, JobIdentity identity) {
        return new LeaseRequest(identity, request.owner(), request.worker(), request.ttl(), request.waiting());
    }

    @Override
    public CompletionStage<?> giveBack(Offer.Given given) {
        List<CompletionStage<?>> all = new ArrayList<>();
        all.add(store.release(given.lease(), Ending.NOT_DONE));
        Lease slot = given.slot();
        if (slot != null) {
            all.add(store.release(slot, Ending.NOT_DONE));
        }
        all.add(giveUp(given.place()));
        return settled(all);
    }

    @Override
    public CompletionStage<?> withdraw(LeaseRequest request) {
        List<CompletionStage<?>> all = new ArrayList<>();
        if (!slotIsPrimary()) {
            all.add(store.withdraw(on(request, primary())));
        }
        slots.forEach(slot -> all.add(store.withdraw(onSlot(request, slot))));
        all.add(giveUp(place(request)));
        return settled(all);
    }

    @Override
    public Runnable ifUnused(Offer.Given given) {
        String place = given.place();
        return place == null
                ? NOTHING
                : () -> {
                    var ignored = giveUp(place).exceptionally(unreachable -> false);
                };
    }

    private CompletionStage<Boolean> giveUp(@Nullable String place) {
        return place == null
                ? CompletableFuture.completedFuture(false)
                : reservations(store).giveUp(paceName, place);
    }

    /** Whatever is not given back runs out by itself. */
    private static CompletableFuture<Void> settled(List<CompletionStage<?>> all) {
        return CompletableFuture.allOf(all.stream()
                .map(stage -> stage.toCompletableFuture().handle((done, unreachable) -> null))
                .toArray(CompletableFuture<?>[]::new));
    }

    @Override
    public CompletionStage<Void> nextChance(Duration atMost) {
        // A run that waits for one slot is notified of releases of all slots.
        return store.nextChance(slots.isEmpty() ? identity : slots.get(0), atMost);
    }
}
