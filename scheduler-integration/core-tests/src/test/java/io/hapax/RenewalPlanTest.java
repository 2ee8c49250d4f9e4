package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RenewalPlanTest {

    private static final Duration INTERVAL = Duration.ofSeconds(10);
    private static final NanoTime START = new NanoTime(Long.MAX_VALUE - 1_000_000_000L);

    private static Duration part(Duration of, double part) {
        return Duration.ofNanos((long) (of.toNanos() * part));
    }

    /** Of guards whose leases have several ttls, whose answers come late, and whose clock leaps ahead or, as of another machine, back. */
    @Test
    void no_renewal_is_planned_later_than_a_tenth_of_the_interval_after_it_whatever_was_planned_before() {
        Random random = new Random(42);
        List<Duration> intervals =
                List.of(Duration.ofMillis(170), INTERVAL, Duration.ofMinutes(20), Duration.ofHours(8));
        RenewalPlan plan = new RenewalPlan(START, random::nextDouble);
        NanoTime now = START;
        for (int n = 0; n < 100_000; n++) {
            Duration leap = part(Duration.ofHours(9), random.nextDouble());
            now = now.plus(
                    switch (random.nextInt(50)) {
                        case 0 -> leap;
                        case 1 -> leap.negated();
                        default -> part(leap, 0.00001);
                    });
            Duration interval = intervals.get(random.nextInt(intervals.size()));
            NanoTime sent = now.plus(part(interval, random.nextDouble()).negated());
            int all = 128 + random.nextInt(100_000);
            Duration next =
                    plan.next(sent, interval, 1 + random.nextInt(300), all).since(sent);
            assertThat(next).isBetween(part(interval, 0.8999), part(interval, 1.1001));
            Duration first = plan.first(sent, interval, 128).since(sent);
            assertThat(first).isBetween(part(interval, 0.0499), interval);
        }
    }

    @Test
    void runs_that_begin_together_share_an_instant_and_these_are_spread_over_the_interval() {
        RenewalPlan plan = new RenewalPlan(START, () -> 0.7);
        List<NanoTime> instants = new ArrayList<>();
        for (int cohort = 0; cohort < 50; cohort++) {
            NanoTime first = plan.first(START, INTERVAL, 100);
            for (int n = 1; n < 100; n++) {
                assertThat(plan.first(START, INTERVAL, 100)).isEqualTo(first);
            }
            instants.add(first);
        }
        instants.sort(Comparator.comparing(instant -> instant.since(START)));
        for (int n = 1; n < instants.size(); n++) {
            assertThat(instants.get(n).since(instants.get(n - 1)))
                    .isBetween(Duration.ofMillis(50), INTERVAL.dividedBy(20));
        }
    }

    /** As after a time in which the store did not answer. */
    @Test
    void calls_that_have_come_together_move_apart() {
        RenewalPlan plan = new RenewalPlan(START, () -> 0.3);
        NanoTime[] due = new NanoTime[100];
        Arrays.fill(due, START);
        for (int round = 0; round < 30; round++) {
            // One is renewed after the other, the earliest first.
            Arrays.sort(due, Comparator.comparing(instant -> instant.since(START)));
            for (int n = 0; n < due.length; n++) {
                due[n] = plan.next(due[n], INTERVAL, 128, 128 * due.length);
            }
        }
        Arrays.sort(due, Comparator.comparing(instant -> instant.since(START)));
        int[] inSlice = new int[12];
        for (NanoTime instant : due) {
            inSlice[(int) (instant.since(due[0]).toMillis() / 1000)]++;
        }
        // Ten on average; those of the first slice may be in the last one as well.
        assertThat(Arrays.stream(inSlice).skip(1).limit(9))
                .allSatisfy(calls -> assertThat(calls).isBetween(5, 20));
    }

    @Test
    void the_bursts_of_two_guards_do_not_come_at_the_same_instants() {
        for (double phase : new double[] {0, 0.25, 0.5}) {
            RenewalPlan plan = new RenewalPlan(START, () -> phase);
            for (int n = 0; n < 100; n++) {
                long next = plan.next(START.plus(part(INTERVAL, n / 100.0)), INTERVAL, 128, 128_000)
                        .nanos();
                assertThat(Math.floorMod(next, 1_000_000_000L)).isEqualTo((long) (phase * 1_000_000_000L));
            }
        }
    }
}
