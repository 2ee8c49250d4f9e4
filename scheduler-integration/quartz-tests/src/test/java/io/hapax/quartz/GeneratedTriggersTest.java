package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.quartz.Probe.PlainJob;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Replicas of very many triggers agree on what their firings are, and no two planned firings are one; {@code
 * -Dhapax.test.seed=…} repeats them.
 */
@Tag("slow")
class GeneratedTriggersTest {

    private static final String SEED = "hapax.test.seed";
    private static final long TRIGGERS = 100_000;
    private static final int PLANNED = 3;

    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private final AtomicLong checked = new AtomicLong();

    @Test
    void replicas_agree_on_each_firing_and_no_two_planned_firings_are_one() {
        long seed = Long.getLong(SEED, 18);
        LongStream.range(0, TRIGGERS).parallel().forEach(number -> {
            GeneratedTrigger trigger = new GeneratedTrigger(new SplittableRandom(seed * TRIGGERS + number));
            try {
                check(trigger);
            } catch (RuntimeException e) {
                faults.add(trigger + ": " + e);
            }
        });
        assertThat(faults.stream().limit(20))
                .as("%d faults; repeat them with -D%s=%d", faults.size(), SEED, seed)
                .isEmpty();
        assertThat(checked.get()).isGreaterThan(4 * TRIGGERS);
    }

    private void check(GeneratedTrigger trigger) {
        List<Long> planned = trigger.planned(PLANNED);
        if (planned.isEmpty()) {
            return;
        }
        List<String> keys = new ArrayList<>();
        SimulatedReplica punctual = trigger.replica(planned.get(0));
        for (long time : planned) {
            keys.add(punctual.fire(time));
        }
        checked.addAndGet(planned.size());
        if (new HashSet<>(keys).size() < keys.size()) {
            faults.add(trigger + " plans firings of one key: " + planned + " " + keys);
        }
        long last = planned.get(planned.size() - 1);
        agree(
                trigger,
                "of a restarted replica",
                keys.get(keys.size() - 1),
                trigger.restarted(last).fire(last));
        misfire(trigger, planned, keys);
        recover(trigger, planned, keys);
        for (String fault : trigger.floating(planned, keys)) {
            faults.add(trigger + " " + fault);
        }
    }

    /** Two replicas notice at different instants that they have missed a time, and go on; then they miss another one. */
    private void misfire(GeneratedTrigger trigger, List<Long> planned, List<String> keys) {
        for (long noticed : trigger.noticed(planned)) {
            SimulatedReplica late = trigger.replica(planned.get(0));
            agree(trigger, "misfired at " + noticed, keys.get(0), late.fire(late.misfire(noticed)));
            Long following = late.next();
            String expected =
                    following == null || keys.size() == 1 ? null : trigger.afterMisfire(following, keys.get(1));
            if (following != null && expected != null) {
                agree(trigger, "after a misfire at " + noticed, expected, late.fire(following));
                if (planned.size() > 2) {
                    long again = late.misfire(planned.get(2) - 1);
                    agree(trigger, "misfired again at " + again, keys.get(1), late.fire(again));
                }
            }
        }
    }

    /** In a shared store, another node repeats a misfired firing, perhaps when its trigger is gone. */
    private void recover(GeneratedTrigger trigger, List<Long> planned, List<String> keys) {
        SimulatedReplica shared = trigger.sharing(planned.get(0));
        long scheduled = shared.misfire(trigger.noticed(planned).get(0));
        String first = shared.fire(scheduled);
        agree(trigger, "recovered", first, shared.recover(scheduled, false));
        if (trigger.mayBeGone()) {
            agree(trigger, "recovered and gone", first, shared.recover(scheduled, true));
        }
        if (trigger.keepsItsStart()) {
            agree(trigger, "misfired in a shared store", keys.get(0), first);
        }
    }

    private void agree(GeneratedTrigger trigger, String what, String expected, String key) {
        checked.incrementAndGet();
        if (!key.equals(expected)) {
            faults.add(trigger + " " + what + ": " + key + " instead of " + expected);
        }
    }

    /** The job of all of them. */
    public static class GeneratedJob extends PlainJob {}
}
