package io.hapax.testkit;

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
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One random history of a ledger of which one call in five is carried out late, judged step by step: one run at a time holds
 * a lock key, tokens are in order, done means done, and nobody is abandoned who has not begun.
 */
final class LateLedgerHistory {

    private static final int WORKERS = 3;
    private static final int STEPS = 30;
    private static final int ONE_LATE_IN = 5;
    private static final Duration TTL = Duration.ofSeconds(30);
    private static final Duration RETENTION = Duration.ofDays(1);
    private static final LockKey LOCK = new LockKey("lock");

    private static final List<JobIdentity> IDENTITIES = List.of(
            new JobIdentity(LOCK, new RunKey("one")),
            new JobIdentity(LOCK, new RunKey("two")),
            new JobIdentity(null, new RunKey("three")));

    private final Random random;
    private final ManualTicker ticker = new ManualTicker();
    private final LateRunLedger ledger;
    private final List<Worker> workers = new ArrayList<>();
    private final List<String> happened = new ArrayList<>();
    // What is known for certain.
    private final Set<OwnerId> begun = new HashSet<>();
    private final Set<OwnerId> neverBegan = new HashSet<>();
    private final Map<JobIdentity, OwnerId> done = new HashMap<>();
    private final Map<JobIdentity, LedgerEntry> seen = new HashMap<>();
    private long newestOfLock;

    /** @param flawed stands between the ledger in memory and its late double */
    LateLedgerHistory(long seed, UnaryOperator<RunLedger> flawed) {
        this.random = new Random(seed);
        this.ledger = new LateRunLedger(flawed.apply(new InMemoryRunLedger(ticker)));
        this.ledger.calls().atRandom(random, ONE_LATE_IN);
        for (int n = 0; n < WORKERS; n++) {
            workers.add(new Worker("w" + n));
        }
    }

    /** Returns what is wrong, or null. */
    @Nullable
    String happen() {
        for (int n = 0; n < STEPS; n++) {
            int what = random.nextInt(10);
            if (what == 0) {
                Duration time = TTL.multipliedBy(1 + random.nextInt(12)).dividedBy(10);
                happened.add("pass " + time.toSeconds() + "s");
                ticker.advance(time);
            } else if (what <= 2 && ledger.calls().waiting() > 0) {
                int which = random.nextInt(ledger.calls().waiting());
                happened.add("carry out " + which);
                ledger.calls().carryOut(which);
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

    private @Nullable String judged() {
        int running = 0;
        for (JobIdentity identity : IDENTITIES) {
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
                return "abandoned, and never begun";
            }
        }
        if (workers.stream().anyMatch(Worker::isRobbed)) {
            return "a claim that is not past its deadline was taken away";
        }
        return running > 1 ? "two runs hold the lock key" : null;
    }

    /** Does what the guard does: what it did not hear of it takes back, until it is heard. */
    private final class Worker {

        private final String name;
        private @Nullable JobIdentity identity;
        private @Nullable ClaimRequest unheard;
        private @Nullable Lease toRelease;
        private @Nullable Lease claim;
        private NanoTime validUntil = ticker.now();
        private boolean atWork;

        Worker(String name) {
            this.name = name;
        }

        boolean isRobbed() {
            Lease mine = claim;
            return mine != null
                    && ticker.now().isBefore(validUntil)
                    && ledger.entry(mine.identity())
                            .toCompletableFuture()
                            .join()
                            .filter(entry -> entry.state() == RunState.RUNNING
                                    && entry.owner().equals(mine.owner()))
                            .isEmpty();
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
            JobIdentity wanted = IDENTITIES.get(random.nextInt(IDENTITIES.size()));
            AfterCrash afterCrash = random.nextInt(3) == 0 ? AfterCrash.RERUN : AfterCrash.ABANDON;
            ClaimRequest request = new ClaimRequest(wanted, OwnerId.random(), name, TTL, afterCrash, RETENTION);
            identity = wanted;
            Claim answer = (Claim) heard("claim " + wanted, () -> ledger.claim(request));
            if (answer == null) {
                unheard = request;
            } else if (answer instanceof Claim.Claimed mine) {
                claim = mine.lease();
                validUntil = ticker.now().plus(TTL);
                atWork = afterCrash == AfterCrash.RERUN;
            }
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
                        validUntil = ticker.now().plus(TTL);
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

        /** The answer, or null if there was none; nothing but done is told as true. */
        private @Nullable Object heard(String what, Supplier<? extends CompletionStage<?>> call) {
            var stage = call.get().toCompletableFuture();
            boolean late = stage.isCompletedExceptionally();
            happened.add(name + " " + what + (late ? " late" : ""));
            if (late) {
                return null;
            }
            Object answer = stage.join();
            return answer == null ? Boolean.TRUE : answer;
        }
    }
}
