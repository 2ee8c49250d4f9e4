package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One random history of a lease store of which one call in five is carried out late, judged by what its callers know. Each of
 * them does what a guard does: what it did not hear of it takes back, and asks again as somebody else.
 */
final class LateLeaseHistory {

    /** How many may have a place at once, unless the store says otherwise. */
    static final int PLACES = 2;

    private static final int CALLERS = 4;
    private static final int STEPS = 30;
    private static final int ONE_LATE_IN = 5;
    private static final int NEVER = Integer.MAX_VALUE;
    private static final Duration SHORT_TTL = Duration.ofSeconds(30);
    /** Outlives a history in which no time passes. */
    private static final Duration LONG_TTL = Duration.ofMinutes(5);

    private static final Ending DONE = Ending.done(Duration.ofHours(1));

    private final Random random;
    private final Predicate<Duration> clock;
    private final Duration ttl;
    private final LeaseHistoryJudge judge;
    private final List<JobIdentity> identities;
    private final String placeName;
    private final List<Caller> callers = new ArrayList<>();
    private final List<String> happened = new ArrayList<>();
    private Duration now = Duration.ZERO;
    private int granted;
    private int reserved;

    /**
     * @param clients of one memory
     * @param clock lets time pass, and tells whether it does
     * @param mostWithAPlace how many may have one of {@link #PLACES} places
     */
    LateLeaseHistory(long seed, List<? extends LeaseStore> clients, Predicate<Duration> clock, int mostWithAPlace) {
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.clock = clock;
        this.ttl = clock.test(Duration.ZERO) ? SHORT_TTL : LONG_TTL;
        this.judge = new LeaseHistoryJudge(mostWithAPlace);
        String fresh = OwnerId.random().value();
        LockKey lock = new LockKey("lock-" + fresh);
        this.identities = List.of(
                new JobIdentity(lock, new RunKey("one-" + fresh)),
                new JobIdentity(lock, new RunKey("two-" + fresh)),
                new JobIdentity(null, new RunKey("three-" + fresh)),
                new JobIdentity(new LockKey("other-" + fresh), null));
        this.placeName = "places-" + fresh;
        for (int n = 0; n < CALLERS; n++) {
            callers.add(new Caller("c" + n, clients.get(n % clients.size()), ONE_LATE_IN));
        }
    }

    int granted() {
        return granted;
    }

    /** Returns what is wrong, and the steps that led to it; null if nothing is. */
    @Nullable
    String happen() {
        for (int n = 0; n < STEPS && judge.wrong() == null; n++) {
            step();
        }
        if (judge.wrong() == null) {
            finish();
        }
        return judge.wrong() == null ? null : judge.wrong() + " after " + happened;
    }

    private void step() {
        Caller caller = callers.get(random.nextInt(callers.size()));
        int what = random.nextInt(12);
        if (what == 0) {
            pass(ttl.multipliedBy(1 + random.nextInt(12)).dividedBy(10));
        } else if (what <= 2 && caller.late().waiting() > 0) {
            happened.add(caller.name + " has a late call carried out");
            caller.late().carryOutAndWait(random.nextInt(caller.late().waiting()));
        } else {
            caller.act();
        }
        judge.places(callers.stream().filter(Caller::hasPlace).count());
    }

    private void pass(Duration time) {
        if (clock.test(time)) {
            happened.add(time.toSeconds() + " s pass");
            now = now.plus(time);
        }
    }

    /** A caller that believes that it holds a lease has it; and when all is carried out and a ttl has passed, every key is free. */
    private void finish() {
        callers.forEach(caller -> caller.late().atRandom(random, NEVER));
        for (Caller caller : callers) {
            if (caller.isValid()) {
                caller.renew(Objects.requireNonNull(caller.lease));
            }
            caller.look();
        }
        callers.forEach(caller -> caller.late().carryOutAllAndWait());
        if (clock.test(ttl)) {
            now = now.plus(ttl);
            Caller last = new Caller("last", callers.get(0).store, NEVER);
            for (JobIdentity identity : identities) {
                last.ask(identity);
                judge.isFree(last.lease != null || judge.isDone(identity), identity);
                last.giveBack();
            }
        }
    }

    /** One worker, which has one run at a time. */
    private final class Caller {

        final String name;
        final LateLeaseStore store;
        private @Nullable LeaseRequest unheard;
        private boolean withdraws;
        private @Nullable Lease lease;
        private Duration validUntil = Duration.ZERO;
        private @Nullable Ending ending;
        private @Nullable String place;
        private Duration placeUntil = Duration.ZERO;
        private @Nullable String placeUnheard;

        Caller(String name, LeaseStore store, int oneLateIn) {
            this.name = name;
            this.store = new LateLeaseStore(store);
            late().atRandom(random, oneLateIn);
        }

        LateCalls<LateLeaseStore.Operation> late() {
            return store.calls();
        }

        boolean isProven() {
            return lease != null && now.compareTo(validUntil) < 0;
        }

        /** Whether it may work: it may not once it has started to give back. */
        boolean isValid() {
            return isProven() && ending == null;
        }

        boolean hasPlace() {
            return place != null && now.compareTo(placeUntil) < 0;
        }

        void act() {
            Lease mine = lease;
            if (random.nextInt(4) == 0) {
                actOnPlace();
            } else if (unheard != null) {
                afterSilence(unheard);
            } else if (mine == null) {
                ask(identities.get(random.nextInt(identities.size())));
            } else if (ending != null) {
                if (random.nextInt(5) == 0) {
                    die();
                } else {
                    end(mine, ending);
                }
            } else {
                work(mine);
            }
        }

        void ask(JobIdentity identity) {
            ask(new LeaseRequest(identity, OwnerId.random(), name, ttl, false));
        }

        private void ask(LeaseRequest request) {
            Acquisition answer = heard("asks for " + request.identity(), () -> store.acquire(request));
            unheard = answer == null ? request : null;
            if (answer instanceof Acquisition.Granted given) {
                granted++;
                lease = given.lease();
                validUntil = now.plus(ttl);
                judge.granted(request, given.lease(), othersAtWork(given.lease()));
            } else if (answer instanceof Acquisition.Done done) {
                judge.done(request.identity(), done.by().owner());
            } else if (answer instanceof Acquisition.Held held) {
                judge.held(request, held.holder().owner());
            }
        }

        /** Whether it believes to be alone with this key. */
        private boolean isAtWorkOf(Object key) {
            return lease != null
                    && isValid()
                    && LeaseHistoryJudge.key(lease.identity()).equals(key);
        }

        private boolean othersAtWork(Lease given) {
            Object key = LeaseHistoryJudge.key(given.identity());
            return callers.stream().anyMatch(other -> other != this && other.isAtWorkOf(key));
        }

        /** A caller that gave up a request does not ask again as the same owner. */
        private void afterSilence(LeaseRequest request) {
            if (!withdraws && random.nextInt(4) == 0) {
                die();
            } else {
                withdraws = heard("withdraws", () -> store.withdraw(request).thenApply(done -> true)) == null;
                unheard = withdraws ? request : null;
            }
        }

        private void die() {
            happened.add(name + " dies");
            unheard = null;
            withdraws = false;
            lease = null;
            ending = null;
        }

        private void work(Lease mine) {
            int what = random.nextInt(7);
            if (what <= 1 && isValid()) {
                renew(mine);
            } else if (what <= 4 && mine.identity().runKey() != null) {
                end(mine, DONE);
            } else if (what == 6) {
                die();
            } else {
                end(mine, Ending.NOT_DONE);
            }
        }

        void renew(Lease mine) {
            List<Renewal> answers = heard("renews", () -> store.renew(List.of(mine)));
            if (answers != null && !(answers.get(0) instanceof Renewal.Unknown)) {
                boolean renewed = answers.get(0) instanceof Renewal.Renewed;
                judge.renewed(renewed, mine);
                validUntil = now.plus(ttl);
            }
        }

        void giveBack() {
            if (lease != null) {
                end(lease, Ending.NOT_DONE);
            }
        }

        private void end(Lease mine, Ending how) {
            boolean repeated = ending != null;
            boolean proven = isProven();
            ending = how;
            judge.ends(mine, how);
            Boolean held = heard(
                    (repeated ? "again" : "") + (how.isDone() ? " completes" : " gives back"),
                    () -> store.release(mine, how));
            if (held != null) {
                judge.ended(mine, how, held, proven && !(repeated && !how.isDone()));
                lease = null;
                ending = null;
            }
        }

        private Reservations places() {
            return store.reservations().orElseThrow();
        }

        private void actOnPlace() {
            if (store.reservations().isEmpty()) {
                return;
            }
            String mine = place;
            if (placeUnheard != null) {
                giveUp(placeUnheard);
            } else if (mine == null) {
                reserve();
            } else if (random.nextInt(3) > 0) {
                look();
            } else {
                place = null;
                giveUp(mine);
            }
        }

        private void reserve() {
            String holder = name + " " + reserved++;
            Duration time = ttl.multipliedBy(1 + random.nextInt(20)).dividedBy(10);
            Reservation answer = heard(
                    "reserves for " + time.toSeconds() + " s",
                    () -> places().reserve(new ReservationRequest(placeName, holder, PLACES, time)));
            if (answer == null) {
                placeUnheard = holder;
            } else if (answer instanceof Reservation.Made) {
                place = holder;
                placeUntil = now.plus(time);
            }
        }

        private void giveUp(String holder) {
            boolean told = heard("gives its place up", () -> places().giveUp(placeName, holder)) != null;
            placeUnheard = told ? null : holder;
        }

        void look() {
            if (hasPlace()) {
                List<String> holders = heard("looks", () -> places().holders(placeName));
                judge.keepsPlace(holders == null || holders.contains(place), name);
            }
            place = hasPlace() ? place : null;
        }

        /** The answer; null if there was none. */
        private <T> @Nullable T heard(String what, Supplier<CompletionStage<T>> call) {
            try {
                T answer = call.get().toCompletableFuture().join();
                happened.add(name + " " + what + ": " + answer);
                return answer;
            } catch (CompletionException unanswered) {
                happened.add(name + " " + what + ": no answer");
                return null;
            }
        }
    }
}
