package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Findings;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What Hapax promises on each level, see the table in the README: whatever is found beyond it is a bug.
 *
 * <p>A fault that pauses a worker may cause a late write to a resource without a fence. A clock of Redis that jumps violates an
 * assumption of a lease, in a quorum until the lease is renewed for the first time. Apart from that, nothing may happen twice, nothing may be
 * lost, and what is fenced never happens twice. Two runs are active at once only if the older one has been notified and its job has not
 * yet reacted.
 *
 * <p>A firing that is tried again waits in the memory of its worker, and is lost with it ({@code docs/spring-boot.md}).
 *
 * <p>While several faults strike at once, what each of them allows is allowed, and nothing more. The exception is time: the worker
 * that has to take over may be unable to do so until all faults are healed, and where Redis may have forgotten leases, until the end
 * of its quarantine.
 */
final class Promise {

    static final double TAKEOVER_MILLIS = 5_000;
    private static final double AFTER_QUARANTINE_MILLIS = 2_000;
    static final double TOLD_AFTER_THAW_MILLIS = 250;

    private Promise() {}

    /** What was found during a strike, or before all of them (null), that ought not to be there; empty if all is as promised. */
    static List<String> broken(Contender contender, @Nullable Strike strike, Findings found) {
        List<String> broken = new ArrayList<>();
        boolean ledger = contender.hasLedger();
        boolean assumptionBroken = strike != null && strike.movesRedisClock();
        boolean lateWrites = assumptionBroken || (strike != null && strike.pausesWorkers());
        check(broken, found.lost() - found.lostWithWorker(), "lost");
        check(broken, found.twice("store"), "twice in the store that checks tokens");
        check(broken, found.tokensOutOfOrder(), "tokens out of order");
        check(broken, found.untold(), "never notified of a loss");
        if (ledger || !lateWrites) {
            check(broken, found.twice("row"), "twice in PostgreSQL");
        }
        if (!lateWrites) {
            check(broken, found.twice("file"), "twice in the file");
            check(broken, found.overlapsUntold(), "overlapping, the older one not notified");
            check(broken, found.overLimit(), "more at once than the limit");
        }
        if (!assumptionBroken) {
            check(broken, found.toldLate(), "notified late");
        }
        check(
                broken,
                above(found.toldAfterThaw(), TOLD_AFTER_THAW_MILLIS),
                "notified more than 250 ms after they resumed");
        check(
                broken,
                above(found.takeovers(), takeoverMillis(contender, strike)),
                "taken over later than the ttl, or a quarantine, and 2 s");
        return broken;
    }

    private static double takeoverMillis(Contender contender, @Nullable Strike strike) {
        long quarantine = strike == null
                ? 0
                : strike.faults().stream()
                        .mapToLong(
                                fault -> fault.quarantine(contender.patience()).toMillis())
                        .max()
                        .orElse(0);
        return Math.max(TAKEOVER_MILLIS, quarantine + AFTER_QUARANTINE_MILLIS);
    }

    private static int above(List<Double> numbers, double most) {
        return (int) numbers.stream().filter(number -> number > most).count();
    }

    private static void check(List<String> broken, int count, String what) {
        if (count > 0) {
            broken.add(count + " " + what);
        }
    }
}
