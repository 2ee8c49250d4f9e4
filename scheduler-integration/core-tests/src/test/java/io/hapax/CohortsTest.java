package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.ledger.RunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.time.NanoTime;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is renewed together has to be looked at in time one by one, whatever happens to the others. */
class CohortsTest {

    private static final List<Duration> TTLS =
            List.of(Duration.ofSeconds(6), Duration.ofSeconds(30), Duration.ofSeconds(90));
    /** For what is due at once, in calls of at most 128, and for passes that fail and are repeated. */
    private static final Duration SLACK = Duration.ofMillis(300);

    private final ManualTicker ticker = new ManualTicker();
    private final List<String> tooLate = new CopyOnWriteArrayList<>();
    private final List<Asked> open = new ArrayList<>();
    private final Watchdog watchdog = new Watchdog(
            asked(LeaseStore.class, false), asked(RunLedger.class, true), ticker, Notifier.threads(), () -> {});
    private Random random = new Random(0);
    private boolean hangs;
    private boolean fails = true;
    private int calls;

    /** A call that is not answered yet. */
    private record Asked(CompletableFuture<List<Renewal>> answer, int leases, boolean claims) {}

    private <T> T asked(Class<T> port, boolean claims) {
        return port.cast(Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {port}, (proxy, method, args) -> {
                    if (!method.getName().equals("renew")) {
                        return method.getName().equals("blocking") ? proxy : null;
                    }
                    calls++;
                    int leases = ((List<?>) args[0]).size();
                    if (fails && random.nextInt(20) == 0) {
                        throw new AssertionError("the port is broken");
                    }
                    CompletableFuture<List<Renewal>> answer = new CompletableFuture<>();
                    if (random.nextInt(2) == 0 && !hangs) {
                        answer.complete(answers(leases));
                    } else {
                        synchronized (open) {
                            open.add(new Asked(answer, leases, claims));
                        }
                    }
                    return (CompletionStage<?>) answer;
                }));
    }

    private List<Renewal> answers(int leases) {
        List<Renewal> answers = new ArrayList<>();
        int given = fails && random.nextInt(20) == 0 ? random.nextInt(leases + 1) : leases;
        for (int n = 0; n < given; n++) {
            boolean unknown = fails && random.nextInt(40) == 0;
            answers.add(
                    unknown ? new Renewal.Unknown(new LeaseStoreException("no answer")) : new Renewal.Renewed(false));
        }
        return answers;
    }

    /** Notes when it has to be looked at, as whoever moves it says. */
    private final class Watched extends Charge {
        private final Duration ttl;
        private final boolean claim;
        private final Lease lease;
        private NanoTime latest;
        private int renewals;
        private boolean over;

        Watched(Lease lease, Duration ttl, boolean claim, NanoTime due) {
            this.lease = lease;
            this.ttl = ttl;
            this.claim = claim;
            this.latest = due;
        }

        private synchronized void movedTo(NanoTime due) {
            latest = latest.isBefore(due) ? due : latest;
        }

        synchronized void noLaterThan(NanoTime due) {
            latest = due.isBefore(latest) ? due : latest;
            watchdog.lookNoLaterThan(this, due);
        }

        synchronized void isInTime(NanoTime now) {
            if (!over && latest.plus(SLACK).isBefore(now)) {
                tooLate.add("due at " + latest + ", now it is " + now);
            }
        }

        @Override
        synchronized Action act(NanoTime now) {
            isInTime(now);
            int chance = random.nextInt(100);
            if (fails && chance == 0) {
                latest = now.plus(Duration.ofMillis(100));
                throw new AssertionError("a charge fails");
            }
            if (fails && chance == 1) {
                over = true;
                return Action.FORGET;
            }
            boolean renews = !fails || chance > 5;
            latest = now.plus(renews ? Duration.ofSeconds(1) : ttl.dividedBy(2));
            return new Action(renews, latest);
        }

        @Override
        synchronized @Nullable NanoTime renewed(Renewal answer, NanoTime sent, NanoTime now, NanoTime regular) {
            renewals++;
            if (fails && random.nextInt(100) == 0) {
                throw new AssertionError("an answer cannot be taken");
            }
            if (fails && random.nextInt(100) == 0) {
                return null;
            }
            boolean soon = answer instanceof Renewal.Unknown || (fails && random.nextInt(50) == 0);
            NanoTime next = soon ? now.plus(ttl.dividedBy(30)) : regular;
            movedTo(next);
            return next;
        }

        @Override
        Duration ttl() {
            return ttl;
        }

        @Override
        boolean isClaim() {
            return claim;
        }

        @Override
        Lease lease() {
            return lease;
        }
    }

    private static Lease lease() {
        return new Lease(
                new JobIdentity(new LockKey("k"), null),
                OwnerId.random(),
                new FencingToken(1),
                "w",
                TTLS.get(0),
                Instant.EPOCH);
    }

    private Watched added(Lease lease, Duration ttl, boolean claim) {
        NanoTime due = watchdog.firstLook(ticker.now(), ttl.dividedBy(3));
        Watched charge = new Watched(lease, ttl, claim, due);
        watchdog.add(charge, due);
        return charge;
    }

    @AfterEach
    void end() {
        watchdog.all().forEach(watchdog::remove);
        watchdog.stopWhenEmpty();
    }

    private void answerSome(int oneOf) {
        List<Asked> answered = new ArrayList<>();
        synchronized (open) {
            for (Iterator<Asked> left = open.iterator(); left.hasNext(); ) {
                Asked next = left.next();
                if (random.nextInt(oneOf) == 0) {
                    left.remove();
                    answered.add(next);
                }
            }
        }
        for (Asked next : answered) {
            if (fails && random.nextInt(10) == 0) {
                next.answer().completeExceptionally(new LeaseStoreException("gone"));
            } else {
                next.answer().complete(answers(next.leases()));
            }
        }
    }

    private void disturb(List<Watched> charges, Lease lease) {
        int which = random.nextInt(charges.size());
        Watched charge = charges.get(which);
        NanoTime soon = ticker.now().plus(Duration.ofMillis(random.nextInt(3000)));
        switch (random.nextInt(4)) {
            case 0 -> {
                watchdog.remove(charge);
                charge.over = true;
                charges.set(which, added(lease, TTLS.get(random.nextInt(TTLS.size())), random.nextInt(4) == 0));
            }
            case 1 -> charge.noLaterThan(soon);
            case 2 -> {
                charge.movedTo(soon);
                watchdog.look(charge, soon);
            }
            default -> {
                charge.movedTo(soon);
                watchdog.add(charge, soon);
                charge.over = false;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void each_charge_is_looked_at_when_it_is_due_over_random_histories(long seed) {
        random = new Random(seed);
        Lease lease = lease();
        List<Watched> charges = new ArrayList<>();
        for (int n = 0; n < 400; n++) {
            charges.add(added(lease, TTLS.get(random.nextInt(TTLS.size())), random.nextInt(4) == 0));
        }
        for (int step = 0; step < 1500; step++) {
            ticker.advance(Duration.ofMillis(random.nextInt(100)));
            answerSome(1 + random.nextInt(30));
            disturb(charges, lease);
            NanoTime now = ticker.now();
            charges.forEach(charge -> charge.isInTime(now));
        }
        assertThat(tooLate).as("seed %d", seed).isEmpty();
        assertThat(calls).isGreaterThan(100);
    }

    /** Is bounded while a pass is under way, after it has said what it wants. */
    private final class Bounded extends Charge {
        private final Duration ttl;
        private final boolean renews;
        private final List<NanoTime> looks = new CopyOnWriteArrayList<>();

        Bounded(Duration ttl, boolean renews) {
            this.ttl = ttl;
            this.renews = renews;
        }

        @Override
        Action act(NanoTime now) {
            looks.add(now);
            if (looks.size() > 1) {
                return Action.FORGET;
            }
            watchdog.lookNoLaterThan(this, now.plus(Duration.ofSeconds(1)));
            return new Action(renews, now.plus(Duration.ofSeconds(5)));
        }

        @Override
        Duration ttl() {
            return ttl;
        }

        @Override
        Lease lease() {
            return CohortsTest.lease();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void what_is_bounded_while_it_is_looked_at_is_looked_at_again_in_time_without_an_answer(boolean renews) {
        fails = false;
        hangs = true;
        NanoTime due = ticker.now().plus(Duration.ofSeconds(1));
        // Of two ttls, so that the pass makes two calls.
        List<Bounded> all = TTLS.stream().map(ttl -> new Bounded(ttl, renews)).toList();
        all.forEach(charge -> watchdog.add(charge, due));
        ticker.advance(Duration.ofSeconds(1));
        ticker.advance(Duration.ofSeconds(1));
        assertThat(all).allSatisfy(charge -> assertThat(charge.looks).hasSize(2));
    }

    /** A ledger that does not answer delays no lease, and a lease of one ttl none of another. */
    @Test
    void what_is_not_answered_delays_nothing_else() {
        fails = false;
        Lease lease = lease();
        List<Watched> leases = new ArrayList<>();
        for (int n = 0; n < 300; n++) {
            leases.add(added(lease, TTLS.get(n % TTLS.size()), false));
            var claim = added(lease, TTLS.get(n % TTLS.size()), true);
        }
        hangs = true;
        for (int step = 0; step < 1000; step++) {
            ticker.advance(Duration.ofMillis(100));
            List<Asked> answered;
            synchronized (open) {
                answered = open.stream().filter(asked -> !asked.claims()).toList();
                open.removeAll(answered);
            }
            answered.forEach(asked -> asked.answer().complete(answers(asked.leases())));
        }
        assertThat(tooLate).isEmpty();
        for (Watched charge : leases) {
            // Each third of its ttl, or up to a tenth later; or earlier, with others that are due.
            long regular = Duration.ofSeconds(100).dividedBy(charge.ttl.dividedBy(3));
            assertThat(charge.renewals).isBetween((int) (regular * 0.85) - 2, (int) regular * 3);
        }
    }
}
