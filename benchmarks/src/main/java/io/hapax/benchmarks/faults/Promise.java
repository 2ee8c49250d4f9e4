package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Findings;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What Hapax promises on each level, see the table in the README: what is found beyond it is a bug.
 *
 * <p>Whatever pauses a worker may let it write late to what has no fence; a clock of Redis that jumps breaks an assumption of
 * a lease, in a quorum until it is renewed for the first time. Nothing else may happen twice, nothing at all may be lost, and what is fenced never happens twice.
 * Two runs are at work at once only if the older one has been told and its job has not yet reacted.
 *
 * <p>While several faults strike at once, what each of them allows is allowed, and nothing more, but for time: whoever is to
 * take over may be unable to until all are healed.
 */
final class Promise {

    static final double TAKEOVER_MILLIS = 5_000;
    static final double TOLD_AFTER_THAW_MILLIS = 250;

    private Promise() {}

    /** What was found during a strike, or before all of them (null), that ought not to be there; empty if all is as promised. */
    static List<String> broken(Contender contender, @Nullable Strike strike, Findings found) {
        List<String> broken = new ArrayList<>();
        boolean ledger = contender.hasLedger();
        boolean assumptionBroken = strike != null && strike.movesRedisClock();
        boolean lateWrites = assumptionBroken || (strike != null && strike.pausesWorkers());
        check(broken, found.lost(), "lost");
        check(broken, found.twice("store"), "twice in the store that checks tokens");
        check(broken, found.tokensOutOfOrder(), "tokens out of order");
        check(broken, found.untold(), "never told of a loss");
        if (ledger || !lateWrites) {
            check(broken, found.twice("row"), "twice in PostgreSQL");
        }
        if (!lateWrites) {
            check(broken, found.twice("file"), "twice in the file");
            check(broken, found.overlapsUntold(), "overlapping, the older one not told");
            check(broken, found.overLimit(), "more at once than the limit");
        }
        if (!assumptionBroken) {
            check(broken, found.toldLate(), "told late");
        }
        check(broken, above(found.toldAfterThaw(), TOLD_AFTER_THAW_MILLIS), "told more than 250 ms after they went on");
        check(broken, above(found.takeovers(), TAKEOVER_MILLIS), "taken over later than the ttl and 2 s");
        return broken;
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
