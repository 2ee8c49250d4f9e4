package io.hapax.quartz;

import java.time.InstantSource;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.quartz.listeners.SchedulerListenerSupport;

/**
 * Keeps what a misfire takes from a simple trigger: Quartz has it count from the instant at which this replica noticed the
 * misfire, or, in a job store with a database, forgets for when a one-shot was planned once it has to be recovered.
 *
 * <p>Called before Quartz changes the trigger, under the lock of the job store, so it asks nobody. Thread-safe.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class Misfires extends SchedulerListenerSupport {

    /** In the data of a one-shot in a database: for when it was planned, and when that was missed. */
    static final String FIRST_PLANNED = JobSettings.PREFIX + "firstPlanned";

    private static final int MOST = 10_000;
    private static final long AT_ONCE = 10_000;

    private final boolean storeIsPersistent;
    private final InstantSource clock;
    private final Map<TriggerKey, Moved> moved = Collections.synchronizedMap(new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<TriggerKey, Moved> eldest) {
            return size() > MOST;
        }
    });

    /** How a trigger counted when it had missed a time, before its start was moved. */
    private record Moved(Grid grid, long at) {
        /** Whether it is still this trigger, and not another one that somebody has given the same name. */
        boolean is(Grid now) {
            boolean same = grid.interval() == now.interval() || now.isOnce();
            long start = now.start().getTime();
            return same && (grid.start().getTime() == start || isAtOnce(at, start));
        }
    }

    Misfires(boolean storeIsPersistent, InstantSource clock) {
        this.storeIsPersistent = storeIsPersistent;
        this.clock = clock;
    }

    private static boolean isAtOnce(long noticed, long time) {
        return time >= noticed && time - noticed <= AT_ONCE;
    }

    /** Notes a trigger that has missed a time and is about to be changed. */
    void noticed(Trigger trigger) {
        if (!(trigger instanceof SimpleTrigger simple)) {
            return;
        }
        long now = clock.millis();
        if (!storeIsPersistent && movesStart(simple)) {
            moved.put(trigger.getKey(), new Moved(grid(simple), now));
        }
        if (storeIsPersistent && simple.getRepeatCount() == 0 && !movesStart(simple)) {
            String planned = simple.getStartTime().getTime() + "@" + now;
            simple.getJobDataMap().put(FIRST_PLANNED, planned);
        }
    }

    /** Whether Quartz will have it count from now on. */
    private static boolean movesStart(SimpleTrigger trigger) {
        return switch (trigger.getMisfireInstruction()) {
            case Trigger.MISFIRE_INSTRUCTION_SMART_POLICY -> trigger.getRepeatCount() > 0;
            case SimpleTrigger.MISFIRE_INSTRUCTION_FIRE_NOW -> trigger.getRepeatCount() != 0;
            case SimpleTrigger.MISFIRE_INSTRUCTION_RESCHEDULE_NOW_WITH_EXISTING_REPEAT_COUNT,
                    SimpleTrigger.MISFIRE_INSTRUCTION_RESCHEDULE_NOW_WITH_REMAINING_REPEAT_COUNT -> true;
            default -> false;
        };
    }

    /** How a trigger counts, or did before misfires moved its start. */
    Grid grid(SimpleTrigger trigger) {
        Grid now = Grid.of(trigger);
        Moved before = moved.get(trigger.getKey());
        return before != null && before.is(now) ? before.grid() : now;
    }

    /**
     * For when a one-shot was planned that has been deleted since.
     *
     * @param kept what was noted with it
     * @param scheduled the time for which the store had planned it in the end
     */
    static @Nullable Date firstPlanned(@Nullable String kept, Date scheduled) {
        int at = kept == null ? -1 : kept.indexOf('@');
        if (kept == null || at < 0) {
            return null;
        }
        // A trigger that was made out of this one has its data, but another time.
        boolean isThisOne = isAtOnce(Long.parseLong(kept.substring(at + 1)), scheduled.getTime());
        return isThisOne ? new Date(Long.parseLong(kept.substring(0, at))) : null;
    }

    /** Somebody has put another trigger in its place, or the same one once more. */
    @Override
    public void jobScheduled(Trigger trigger) {
        moved.computeIfPresent(
                trigger.getKey(),
                (key, before) ->
                        trigger instanceof SimpleTrigger simple && before.grid().equals(Grid.of(simple))
                                ? before
                                : null);
    }

    @Override
    public void triggerFinalized(Trigger trigger) {
        moved.remove(trigger.getKey());
    }
}
