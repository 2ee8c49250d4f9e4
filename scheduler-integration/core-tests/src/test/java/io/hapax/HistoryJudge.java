package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Holder;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What the guards have promised, kept as simply as possible, beside what they do: one valid holder, tokens in order, done means
 * done, a lost run leaves nothing, and nobody is kept waiting for a run that never began.
 */
final class HistoryJudge {

    private final List<GuardedRun> open = new ArrayList<>();
    private final Map<LockKey, Long> tokens = new HashMap<>();
    private final Set<RunKey> done = new HashSet<>();
    private final Set<OwnerId> lost = new HashSet<>();
    private final Set<String> begun = new HashSet<>();
    private final Set<OwnerId> taken = new HashSet<>();
    private final Set<GuardedRun> entered = new HashSet<>();
    private final Set<GuardedRun> told = new HashSet<>();
    private final List<String> broken = new ArrayList<>();

    List<String> broken() {
        return broken;
    }

    private void require(boolean kept, String promise, Object of) {
        if (!kept) {
            broken.add(promise + ": " + of);
        }
    }

    void admitted(GuardedRun run) {
        open.add(run);
        RunKey once = run.identity().runKey();
        if (once != null) {
            require(!done.contains(once), "an occurrence that is done is not run again", run);
        }
        LockKey lock = run.identity().lockKey();
        if (lock != null && run.options().concurrency() == 1) {
            long token = run.fencingToken().value();
            Long before = tokens.put(lock, token);
            require(before == null || before < token, "tokens of a key grow, after " + before, run);
        }
    }

    void refused(Refusal refusal) {
        boolean byLost = refusal.verdict() == Verdict.DONE
                && refusal.holder() != null
                && lost.contains(refusal.holder().owner());
        require(!byLost, "a run that was lost leaves no marker", refusal);
        boolean begun = refusal.verdict() != Verdict.ABANDONED
                || refusal.holder() == null
                || this.begun.contains(refusal.holder().owner().value());
        require(begun, "only what has begun is abandoned", refusal);
    }

    /** Its code has begun. */
    void begins(GuardedRun run) {
        begun.add(run.lease().orElseThrow().owner().value());
    }

    /** Its code is at work, and is told by callback if the run is lost. */
    void entered(GuardedRun run) {
        entered.add(run);
        run.onLeaseLost(loss -> told.add(run));
    }

    boolean wasTold(GuardedRun run) {
        return told.contains(run);
    }

    /** A thread has left a run, and is perhaps still in others. */
    void left(boolean interrupted, boolean lostAround, GuardedRun run) {
        entered.remove(run);
        require(
                interrupted == lostAround,
                "a thread is interrupted as long as it is in a run that was lost, and no longer",
                run);
    }

    /** Until it notices, such a run believes what is not so, as the documentation says. */
    void takenAway(Holder holder) {
        taken.add(holder.owner());
    }

    /** Who has a place ends with the owner. */
    void hasPlace(String holder) {
        require(
                begun.contains(holder.substring(holder.lastIndexOf(' ') + 1)),
                "a place is for a run that has begun",
                holder);
    }

    void ended(GuardedRun run, RunOutcome outcome) {
        open.remove(run);
        RunKey once = run.identity().runKey();
        if (outcome == RunOutcome.COMPLETED && once != null) {
            done.add(once);
        } else if (outcome == RunOutcome.LOST) {
            lost.add(run.lease().orElseThrow().owner());
        }
    }

    /** Looks at all runs of workers that are awake, and so can say whether they are valid. */
    void look(Predicate<GuardedRun> awake) {
        Map<Object, Integer> holders = new HashMap<>();
        for (GuardedRun run : open) {
            require(
                    !entered.contains(run) || run.lost().isEmpty() || told.contains(run),
                    "whoever works on a run that is lost is told",
                    run);
            if (awake.test(run)
                    && run.isHeld()
                    && !taken.contains(run.lease().orElseThrow().owner())) {
                LockKey lock = run.identity().lockKey();
                if (lock != null) {
                    int valid = holders.merge(lock, 1, Integer::sum);
                    require(valid <= run.options().concurrency(), "valid holders of a key, now " + valid, run);
                }
                RunKey once = run.identity().runKey();
                if (once != null) {
                    int valid = holders.merge(once, 1, Integer::sum);
                    require(valid == 1, "valid runs of an occurrence, now " + valid, run);
                }
            }
        }
    }

    void isFree(boolean admitted, Object what) {
        require(admitted, "nothing that was carried out late blocks a key for longer than a ttl", what);
    }
}
