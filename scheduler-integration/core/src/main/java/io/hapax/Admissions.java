package io.hapax;

import io.hapax.lease.OwnerId;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the attempts at an admission have in common: who waits, whether anybody may come, whether the store is away. Thread-safe. */
final class Admissions {

    private static final Duration STORE_PAUSE = Duration.ofSeconds(1);

    private final Set<AdmissionAttempt> waiting = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;
    /** Until when the store is not asked if the ledger can answer alone. */
    private volatile NanoTime storeAwayUntil;

    private volatile @Nullable RunRules lastRules;

    private final Supplier<OwnerId> owners;
    private final Polls polls;

    Admissions(Ticker ticker, Supplier<OwnerId> owners) {
        this.storeAwayUntil = ticker.now();
        this.owners = owners;
        this.polls = new Polls(AdmissionAttempt.LONGEST_POLL, ticker);
    }

    /** Each ask has another one. */
    OwnerId newOwner() {
        return owners.get();
    }

    /** Those of the last run, if they are the same, as those of most are. */
    RunRules rules(Engine engine, RunOptions options, LeaseTiming timing) {
        RunRules known = lastRules;
        if (known == null || !known.options().equals(options)) {
            known = new RunRules(engine, options, timing, null);
            lastRules = known;
        }
        return known;
    }

    /** Those who wait, and take turns. */
    Polls polls() {
        return polls;
    }

    void close(Watchdog watchdog) {
        closed = true;
        polls.close(watchdog);
    }

    boolean isClosed() {
        return closed;
    }

    void waits(AdmissionAttempt attempt, CompletableFuture<Admission> answer) {
        if (waiting.add(attempt)) {
            var unused = answer.whenComplete((admission, failure) -> waiting.remove(attempt));
        }
    }

    void waitsNoMore(AdmissionAttempt attempt) {
        waiting.remove(attempt);
    }

    Collection<AdmissionAttempt> waiting() {
        return Collections.unmodifiableSet(waiting);
    }

    /** The next admissions that may rely on the ledger alone do not wait for the store's answer timeout each. */
    void storeFailed(NanoTime now) {
        storeAwayUntil = now.plus(STORE_PAUSE);
    }

    boolean isStoreAway(NanoTime now) {
        return now.isBefore(storeAwayUntil);
    }
}
