package io.hapax.testkit;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One random history of a ledger of which one call in five is carried out late, judged step by step: one run at a time holds
 * a lock key, tokens are in order, a run that is done stays done, and no run is abandoned that has not started.
 */
final class LateLedgerHistory {

    private static final int WORKERS = 3;
    private static final int STEPS = 30;
    private static final int ONE_LATE_IN = 5;
    private static final Duration SHORT_TTL = Duration.ofSeconds(30);
    /** Outlives a history in which no time passes. */
    private static final Duration LONG_TTL = Duration.ofMinutes(5);

    private static final Duration RETENTION = Duration.ofDays(1);

    private final Random random;
    private final Predicate<Duration> clock;
    private final Duration ttl;
    private final LateRunLedger ledger;
    private final List<JobIdentity> identities;
    private final List<Worker> workers = new ArrayList<>();
    private final List<String> happened = new ArrayList<>();
    // What is known for certain.
    private final Set<OwnerId> begun = new HashSet<>();
    private final Set<OwnerId> neverBegan = new HashSet<>();
    private final Map<JobIdentity, OwnerId> done = new HashMap<>();
    private final Map<JobIdentity, LedgerEntry> seen = new HashMap<>();
    private long newestOfLock;
    private Duration now = Duration.ZERO;
    private int claimed;
    private boolean tokenBelowLease;

    /** @param clock lets time pass, and tells whether it does */
    LateLedgerHistory(long seed, RunLedger ledger, Predicate<Duration> clock) {
        this.random = new Random(seed);
        this.clock = clock;
        this.ttl = clock.test(Duration.ZERO) ? SHORT_TTL : LONG_TTL;
        this.ledger = new LateRunLedger(ledger);
        this.ledger.calls().atRandom(random, ONE_LATE_IN);
        String fresh = OwnerId.random().value();
        LockKey lock = new LockKey("lock-" + fresh);
        this.identities = List.of(
                new JobIdentity(lock, new RunKey("one-" + fresh)),
                new JobIdentity(lock, new RunKey("two-" + fresh)),
                new JobIdentity(null, new RunKey("three-" + fresh)));
        for (int n = 0; n < WORKERS; n++) {
            workers.add(new Worker("w" + n));
        }
    }

    int claimed() {
        return claimed;
    }

    /** Returns what is wrong, or null. */
    @Nullable
    String happen() {
        for (int n = 0; n < STEPS; n++) {
            int what = random.nextInt(10);
            if (what == 0) {
                pass(ttl.multipliedBy(1 + random.nextInt(12)).dividedBy(10));
            } else if (what <= 2 && ledger.calls().waiting() > 0) {
                int which = random.nextInt(ledger.calls().waiting());
                happened.add("carry out " + which);
                ledger.calls().carryOutAndWait(which);
            } else {
                workers.get(random.nextInt(WORKERS)).act();
            }
            String wrong = judged();
            if (wrong != null) {
                return wrong + " after " + happened;
            }
        }
        return null;
    }

    private void pass(Duration time) {
        if (clock.test(time)) {
            happened.add("pass " + time.toSeconds() + "s");
            now = now.plus(time);
        }
    }

    private @Nullable String judged() {
        int running = 0;
        for (JobIdentity identity : identities) {
            LedgerEntry entry =
                    ledger.entry(identity).toCompletableFuture().join().orElse(null);
            if (entry == null) {
                continue;
            }
            running += entry.state() == RunState.RUNNING && identity.lockKey() != null ? 1 : 0;
            LedgerEntry before = seen.put(identity, entry);
            boolean isNew = before == null || !before.owner().equals(entry.owner());
            if (before != null && isNew && entry.token().compareTo(before.token()) <= 0) {
                return "a token went back";
            }
            if (isNew && identity.lockKey() != null) {
                if (entry.token().value() <= newestOfLock) {
                    return "the lock key's token went back";
                }
                newestOfLock = entry.token().value();
            }
            OwnerId completed = done.get(identity);
            if (completed != null
                    && (entry.state() != RunState.DONE || !entry.owner().equals(completed))) {
                return "done, and done no more";
            }
            if (entry.state() == RunState.ABANDONED
                    && (!begun.contains(entry.owner()) || neverBegan.contains(entry.owner()))) {
                return "abandoned, and never started";
            }
        }
        if (tokenBelowLease) {
            return "a claim's token is below its lease's";
        }
        if (workers.stream().anyMatch(Worker::isRobbed)) {
            return "a claim that is not past its deadline was taken away";
        }
        return running > 1 ? "two runs hold the lock key" : null;
    }

    /** Does what the guard does: takes back what was not confirmed, until that is confirmed. */
    private final class Worker {

        private final String name;
        private @Nullable JobIdentity identity;
        private @Nullable ClaimRequest unheard;
        private @Nullable Lease toRelease;
        private @Nullable Lease claim;
        private Duration validUntil = Duration.ZERO;
        private boolean atWork;

        Worker(String name) {
            this.name = name;
        }

        boolean isRobbed() {
            Lease mine = claim;
            if (mine == null || now.compareTo(validUntil) >= 0) {
                return false;
            }
            LedgerEntry entry = seen.get(mine.identity());
            return entry == null
                    || entry.state() != RunState.RUNNING
                    || !entry.owner().equals(mine.owner());
        }

        void act() {
            if (unheard != null) {
                ClaimRequest request = unheard;
                if (heard("withdraw", () -> ledger.withdraw(request)) != null) {
                    unheard = null;
                }
            } else if (toRelease != null) {
                Lease lease = toRelease;
                if (heard("give back", () -> ledger.release(lease, RunState.RELEASED)) != null) {
                    neverBegan.add(lease.owner());
                    toRelease = null;
                }
            } else if (claim == null) {
                ask();
            } else if (!atWork) {
                begin(claim);
            } else {
                work(claim);
            }
        }

        private void ask() {
            JobIdentity wanted = identities.get(random.nextInt(identities.size()));
            AfterCrash afterCrash = random.nextInt(3) == 0 ? AfterCrash.RERUN : AfterCrash.ABANDON;
            ClaimRequest request =
                    withLease(new ClaimRequest(wanted, OwnerId.random(), name, ttl, afterCrash, RETENTION));
            identity = wanted;
            Claim answer = (Claim) heard("claim " + wanted, () -> ledger.claim(request));
            if (answer == null) {
                unheard = request;
            } else if (answer instanceof Claim.Claimed mine) {
                claimed++;
                tokenBelowLease |=
                        request.seen() != null && mine.lease().token().compareTo(request.seen()) < 0;
                claim = mine.lease();
                validUntil = now.plus(ttl);
                atWork = afterCrash == AfterCrash.RERUN;
            }
        }

        /** The lease of some has a larger token than the ledger has ever drawn. */
        private ClaimRequest withLease(ClaimRequest request) {
            return newestOfLock == 0 || random.nextBoolean()
                    ? request
                    : request.withSeen(new FencingToken(newestOfLock + 1 + random.nextInt(1_000)));
        }

        private void begin(Lease mine) {
            begun.add(mine.owner());
            Object answer = heard("begin", () -> ledger.begin(mine));
            if (answer == null) {
                toRelease = mine;
                claim = null;
            } else if (answer == Completion.NOTED) {
                atWork = true;
            } else {
                claim = null;
            }
        }

        private void work(Lease mine) {
            switch (random.nextInt(5)) {
                case 0 -> {
                    if (heard("renew", () -> ledger.renew(List.of(mine))) instanceof List<?> answers
                            && answers.get(0) instanceof Renewal.Renewed) {
                        validUntil = now.plus(ttl);
                    }
                }
                case 1 -> {
                    if (heard("complete", () -> ledger.complete(mine)) == Completion.NOTED) {
                        done.put(Objects.requireNonNull(identity), mine.owner());
                    }
                    claim = null;
                }
                case 2 -> {
                    heard("fail", () -> ledger.release(mine, RunState.FAILED));
                    claim = null;
                }
                case 3 -> {
                    happened.add(name + " dies");
                    claim = null;
                }
                default -> happened.add(name + " works");
            }
            atWork = claim != null;
        }

        /** The answer, or null if there was none; an answer without a value is true. */
        private @Nullable Object heard(String what, Supplier<? extends CompletionStage<?>> call) {
            try {
                Object answer = call.get().toCompletableFuture().join();
                happened.add(name + " " + what);
                return answer == null ? true : answer;
            } catch (CompletionException unanswered) {
                happened.add(name + " " + what + " late");
                return null;
            }
        }
    }
}
