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
import io.hapax.lease.Slot;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
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
 * One random history of callers that state different limits for one key, and change them, as deploys do; that die, and of whose
 * calls one in five is carried out late. Judged by what they know: no valid holder sees more than its own limit, and nobody waits
 * for ever because others overtake.
 */
final class LimitHistory {

    private static final int CALLERS = 5;
    private static final int STEPS = 40;
    private static final int ONE_LATE_IN = 5;
    private static final int NEVER = Integer.MAX_VALUE;
    private static final int LARGEST = 4;
    private static final Duration SHORT_TTL = Duration.ofSeconds(30);
    /** Outlives a history in which no time passes. */
    private static final Duration LONG_TTL = Duration.ofMinutes(5);
    /** For so long at least others are kept out after a release. */
    private static final Duration ASKS_AGAIN = Duration.ofSeconds(5);

    private final Random random;
    private final Predicate<Duration> clock;
    private final boolean timePasses;
    private final Duration ttl;
    private final LockKey key = new LockKey("limits-" + OwnerId.random());
    private final List<Caller> callers = new ArrayList<>();
    private final List<String> happened = new ArrayList<>();
    private Duration now = Duration.ZERO;
    private int granted;
    private @Nullable String wrong;

    /**
     * @param clients of one memory
     * @param clock lets time pass, and tells whether it does
     */
    LimitHistory(long seed, List<? extends LeaseStore> clients, Predicate<Duration> clock) {
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.clock = clock;
        this.timePasses = clock.test(Duration.ZERO);
        this.ttl = timePasses ? SHORT_TTL : LONG_TTL;
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
        for (int n = 0; n < STEPS && wrong == null; n++) {
            step();
        }
        if (wrong == null) {
            finish();
        }
        return wrong == null ? null : wrong + " after " + happened;
    }

    private void require(boolean kept, String promise, Object of) {
        if (!kept && wrong == null) {
            wrong = promise + ": " + of;
        }
    }

    private void step() {
        Caller caller = callers.get(random.nextInt(callers.size()));
        int what = random.nextInt(12);
        if (what == 0) {
            pass(ttl.multipliedBy(1 + random.nextInt(12)).dividedBy(10));
        } else if (what <= 2 && caller.store.calls().waiting() > 0) {
            happened.add(caller.name + " has a late call carried out");
            caller.store
                    .calls()
                    .carryOutAndWait(random.nextInt(caller.store.calls().waiting()));
            nobodyIsSureToWait();
        } else {
            caller.act();
        }
    }

    private void pass(Duration time) {
        if (timePasses && clock.test(time)) {
            happened.add(time.toSeconds() + " s pass");
            now = now.plus(time);
        }
    }

    /** When the key itself is given back, a waiting run says again that it waits. */
    private void nobodyIsSureToWait() {
        callers.forEach(caller -> caller.waiting = null);
    }

    private void finish() {
        callers.forEach(caller -> caller.store.calls().atRandom(random, NEVER));
        for (Caller caller : callers) {
            if (caller.isValid()) {
                caller.renew(Objects.requireNonNull(caller.lease));
            }
        }
        callers.forEach(caller -> caller.store.calls().carryOutAllAndWait());
        callers.forEach(Caller::end);
        if (timePasses) {
            // A waiting run that has died keeps others out for a little longer.
            pass(ttl.plus(ASKS_AGAIN));
            neverStarves();
        }
    }

    /**
     * One run waits under a small limit while others, as many as the larger limit allows, ask again and again. The waiting run asks
     * first when one of them has ended, as a run that is woken up does. It waits for the runs that held slots before it, and for those that
     * have taken the slots within its own limit since.
     */
    private void neverStarves() {
        int large = 2 + random.nextInt(LARGEST - 1);
        int small = 1 + random.nextInt(large - 1);
        Deque<Caller> holders = new ArrayDeque<>();
        for (int n = 0; n < large; n++) {
            holders.add(newcomer(large));
        }
        require(holders.stream().allMatch(holder -> holder.lease != null), "nothing blocks a key after a ttl", holders);
        Caller waiter = new Caller("waiter", callers.get(0).store, NEVER);
        waiter.limit = small;
        waiter.ask(true, 1);
        for (int ends = 0; ends < large + small && waiter.lease == null && wrong == null; ends++) {
            Caller first = holders.remove();
            first.end();
            waiter.ask(true, 1);
            for (Caller next = newcomer(large); next.lease != null; next = newcomer(large)) {
                holders.add(next);
            }
        }
        require(
                waiter.lease != null,
                "a run that waits under a limit of " + small + " is not overtaken for ever",
                waiter);
        holders.forEach(Caller::end);
        waiter.end();
    }

    private Caller newcomer(int limit) {
        Caller caller = new Caller("n" + happened.size(), callers.get(0).store, NEVER);
        caller.limit = limit;
        callers.add(caller);
        caller.ask(false, 1);
        return caller;
    }

    /** Somebody was refused, and waits: since when, and under which limit. */
    private record Waiting(int limit, Duration since, long nanos) {}

    /** One worker, which has one run at a time. */
    private final class Caller {

        final String name;
        final LateLeaseStore store;
        private int limit = 1 + random.nextInt(LARGEST);
        private @Nullable LeaseRequest unheard;
        private @Nullable Lease lease;
        private Duration validUntil = Duration.ZERO;
        private boolean ends;
        private @Nullable Waiting waiting;

        Caller(String name, LeaseStore store, int oneLateIn) {
            this.name = name;
            this.store = new LateLeaseStore(store);
            this.store.calls().atRandom(random, oneLateIn);
        }

        boolean isValid() {
            return lease != null && !ends && now.compareTo(validUntil) < 0;
        }

        /** Whether the store must know that somebody waits under this limit. */
        boolean isSureToWait() {
            Waiting since = waiting;
            return since != null
                    && (timePasses
                            ? now.minus(since.since).compareTo(ASKS_AGAIN) < 0
                            : System.nanoTime() - since.nanos < ASKS_AGAIN.toNanos());
        }

        void act() {
            Lease mine = lease;
            LeaseRequest asked = unheard;
            if (asked != null) {
                withdraw(asked);
            } else if (mine == null) {
                if (random.nextInt(4) == 0) {
                    limit = 1 + random.nextInt(LARGEST);
                    waiting = null;
                }
                ask(random.nextBoolean(), random.nextInt(3) == 0 ? 1 + random.nextInt(limit) : 1);
            } else if (ends || random.nextInt(3) == 0) {
                end();
            } else if (isValid() && random.nextInt(4) > 0) {
                renew(mine);
            } else {
                happened.add(name + " dies");
                lease = null;
            }
        }

        private JobIdentity identity(int number) {
            return new JobIdentity(key, null, limit == 1 ? null : new Slot(number, limit));
        }

        /** As a guard does: for a slot, and if it is held for the next that is said to be free. */
        void ask(boolean waits, int first) {
            OwnerId owner = OwnerId.random();
            for (int number = first; ; ) {
                long nanos = System.nanoTime();
                LeaseRequest request = new LeaseRequest(identity(number), owner, name, ttl, waits);
                Acquisition answer = heard("asks for " + request.identity(), () -> store.acquire(request));
                waiting = null;
                if (answer == null) {
                    unheard = request;
                    return;
                }
                if (answer instanceof Acquisition.Granted given) {
                    granted(given.lease());
                    return;
                }
                if (!(answer instanceof Acquisition.Held held) || held.nextSlot() <= number) {
                    // Beside somebody with a smaller limit it is not noted, and has to ask again once that one waits no
                    // more.
                    boolean noted = waits && answer instanceof Acquisition.Held known && known.awaited() >= limit;
                    waiting = noted ? new Waiting(limit, now, nanos) : null;
                    return;
                }
                number = held.nextSlot();
            }
        }

        private void granted(Lease given) {
            granted++;
            Slot mine = slot(given);
            boolean othersHold = false;
            for (Caller other : callers) {
                if (other != this && other.isValid()) {
                    othersHold = true;
                    Lease theirs = Objects.requireNonNull(other.lease);
                    require(slot(theirs).goesWith(mine), "the smallest limit is kept, beside " + theirs, given);
                }
            }
            for (Caller other : callers) {
                int awaited = other.isSureToWait() ? Objects.requireNonNull(other.waiting).limit : LARGEST;
                require(
                        !othersHold || mine.number() <= awaited,
                        "nothing is granted beyond the limit of " + other.name + ", who waits",
                        given);
            }
            lease = given;
            ends = false;
            validUntil = now.plus(ttl);
        }

        private Slot slot(Lease any) {
            return Objects.requireNonNullElse(any.identity().slot(), Slot.WHOLE);
        }

        private void withdraw(LeaseRequest request) {
            if (random.nextInt(5) == 0) {
                happened.add(name + " dies");
                unheard = null;
            } else if (heard("withdraws", () -> store.withdraw(request).thenApply(done -> true)) != null) {
                unheard = null;
            }
            nobodyIsSureToWait();
        }

        void renew(Lease mine) {
            List<Renewal> answers = heard("renews", () -> store.renew(List.of(mine)));
            if (answers != null && !(answers.get(0) instanceof Renewal.Unknown)) {
                require(answers.get(0) instanceof Renewal.Renewed, "nobody takes away a valid lease", mine);
                validUntil = now.plus(ttl);
            }
        }

        void end() {
            Lease mine = lease;
            if (mine == null) {
                return;
            }
            boolean proven = isValid();
            ends = true;
            Boolean held = heard("gives back " + mine.identity(), () -> store.release(mine, Ending.NOT_DONE));
            if (held != null) {
                require(held || !proven, "nobody takes away a valid lease", mine);
                lease = null;
            }
            if (mine.identity().slot() == null) {
                nobodyIsSureToWait();
            }
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

        @Override
        public String toString() {
            return name + " has " + lease;
        }
    }
}
