package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunLedger;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What is to run, and how: settled once, before anybody is asked.
 *
 * @param request with its keys as they are kept
 * @param rules how
 */
record RunTerms(RunRequest request, RunRules rules) {

    /** Refuses what the guard could not keep. */
    static RunTerms of(RunRequest kept, RunOptions defaults, Engine engine) {
        RunOptions options = kept.options(defaults);
        options.requireConsistent();
        LeaseTiming timing = timing(options, engine.store(), engine.ledger());
        if (options.afterCrash() == AfterCrash.ABANDON && kept.identity().runKey() == null) {
            throw new IllegalArgumentException(
                    "setting afterCrash: ABANDON needs a run key, which names what must not be" + " repeated, but "
                            + kept + " has none. Add one with once(...), or use RERUN");
        }
        return new RunTerms(kept, engine.admissions().rules(engine, options, timing));
    }

    /** Refuses settings that need a ledger where there is none, and a ttl that is too short for the answers. */
    static LeaseTiming timing(RunOptions options, LeaseStore store, @Nullable RunLedger ledger) {
        if (ledger == null && options.whenUnavailable() == WhenUnavailable.LEDGER_ONLY) {
            throw new IllegalArgumentException(
                    "setting whenUnavailable: LEDGER_ONLY needs a ledger. Give the guard one with ledger(...), in Spring Boot by"
                            + " hapax.ledger.enabled=true, or use"
                            + " FAIL_CLOSED or FAIL_OPEN");
        }
        if (ledger == null && options.afterCrash() == AfterCrash.ABANDON) {
            throw new IllegalArgumentException(
                    "setting afterCrash: ABANDON needs a ledger, which remembers that a run"
                            + " crashed. Give the guard one with ledger(...), in Spring Boot by hapax.ledger.enabled=true, or use RERUN");
        }
        boolean ledgerRenews = options.whenUnavailable() != WhenUnavailable.FAIL_CLOSED;
        Duration answer = ledgerRenews ? Engine.slowerAnswer(store, ledger) : store.answerTimeout();
        return LeaseTiming.checked(options.ttl(), answer);
    }

    /** Refuses also what the store would refuse each time. */
    static void check(RunOptions options, LeaseStore store, @Nullable RunLedger ledger) {
        options.requireConsistent();
        LeaseTiming unusedTiming = timing(options, store, ledger);
        if (options.ttl().compareTo(store.longestTtl()) > 0) {
            throw new IllegalArgumentException(
                    "setting ttl: " + options.ttl() + " is longer than " + store.longestTtl()
                            + ", the longest that the store grants. Use a shorter ttl, or raise longestTtl on every worker (Spring Boot: hapax.redis.longest-ttl)");
        }
    }

    /** The same for a run that was granted so long after its request: until its next occurrence is less time left. */
    RunTerms grantedAfter(Duration wait) {
        Duration next = request.untilNext();
        return next == null || wait.isZero() ? this : new RunTerms(request.nextIn(next.minus(wait)), rules);
    }

    /** The same for a run that is let through all the same. */
    RunTerms although(Refusal wouldBe) {
        return new RunTerms(request, new RunRules(rules.engine(), rules.options(), rules.timing(), wouldBe));
    }

    RunOptions options() {
        return rules.options();
    }

    LeaseTiming timing() {
        return rules.timing();
    }

    String job() {
        return request.job();
    }

    JobIdentity identity() {
        return request.identity();
    }

    /** How to end the lease of a run with this outcome. */
    Ending ending(RunOutcome outcome) {
        return switch (outcome) {
            case COMPLETED -> completion();
            case FAILED -> failure();
            default -> Ending.NOT_DONE;
        };
    }

    /** How to end the lease of a run that failed. */
    Ending failure() {
        return request.isOverWhenItFails() ? Ending.failed(options().retention()) : Ending.NOT_DONE;
    }

    /** How to end the lease of a run that succeeded. */
    Ending completion() {
        return identity().runKey() != null ? Ending.done(options().retention()) : Ending.NOT_DONE;
    }
}
