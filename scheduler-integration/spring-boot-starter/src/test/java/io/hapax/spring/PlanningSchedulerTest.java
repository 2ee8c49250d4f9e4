package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.TimeZone;
import java.util.concurrent.ScheduledFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.Trigger;
import org.springframework.scheduling.support.CronTrigger;
import org.springframework.scheduling.support.PeriodicTrigger;
import org.springframework.scheduling.support.ScheduledMethodRunnable;
import org.springframework.scheduling.support.SimpleTriggerContext;

class PlanningSchedulerTest {

    private static final Instant START = Instant.parse("2026-11-28T12:00:00.300Z");

    /** One that is fired by the test. */
    public static class Jobs {
        private final List<String> keys = new ArrayList<>();

        /** What is fired. */
        public void tick() throws NoSuchMethodException {
            keys.add(key("tick"));
        }

        /** What fires nothing of its own, but calls what is fired elsewhere. */
        public void other() throws NoSuchMethodException {
            keys.add(key("tick"));
        }

        private static String key(String name) throws NoSuchMethodException {
            BeanMethod method = new BeanMethod("jobs", Jobs.class, Jobs.class.getMethod(name));
            Firing firing = Firing.take(method);
            return firing == null
                    ? "none"
                    : String.valueOf(firing.identity(new JobIdentity(new LockKey("k"), null), method)
                            .runKey());
        }
    }

    /** A replica: a clock, and a scheduler that keeps what it is given. */
    private static final class Replica implements TaskScheduler {
        private final Jobs jobs = new Jobs();
        private final ZoneId zone;
        private final PlanningScheduler planning =
                new PlanningScheduler(this, () -> monotonic(), getClass().getClassLoader(), () -> false);
        private Instant now;
        private Duration stepped = Duration.ZERO;
        private @Nullable Runnable task;
        private @Nullable Trigger trigger;

        Replica(Instant now, ZoneId zone) {
            this.now = now;
            this.zone = zone;
        }

        /** Does not hear of steps of the wall clock, and may overflow. */
        private long monotonic() {
            return Long.MAX_VALUE
                    - Duration.ofMinutes(1).toNanos()
                    + Duration.between(START, now.minus(stepped)).toNanos();
        }

        void step(Duration by) {
            stepped = stepped.plus(by);
            now = now.plus(by);
        }

        Runnable method(String name) {
            try {
                return new ScheduledMethodRunnable(jobs, name);
            } catch (NoSuchMethodException none) {
                throw new IllegalArgumentException(none);
            }
        }

        /** Fires as Spring does: plans the next time when this one has ended. */
        List<String> fire(int times, Duration late) {
            SimpleTriggerContext context = new SimpleTriggerContext(getClock());
            for (int n = 0; n < times; n++) {
                Instant planned = Objects.requireNonNull(trigger).nextExecution(context);
                now = planned.plus(late);
                Objects.requireNonNull(task).run();
                context.update(planned, now, now);
            }
            return jobs.keys;
        }

        void fireAt(Instant time) {
            now = time;
            Objects.requireNonNull(task).run();
        }

        @Override
        public Clock getClock() {
            return new Clock() {
                @Override
                public ZoneId getZone() {
                    return zone;
                }

                @Override
                public Clock withZone(ZoneId other) {
                    throw new UnsupportedOperationException();
                }

                @Override
                public Instant instant() {
                    return now;
                }
            };
        }

        private @Nullable ScheduledFuture<?> keep(Runnable given, @Nullable Trigger when) {
            task = given;
            trigger = when;
            return null;
        }

        @Override
        public @Nullable ScheduledFuture<?> schedule(Runnable given, Trigger when) {
            return keep(given, when);
        }

        @Override
        @SuppressWarnings("NullAway")
        public ScheduledFuture<?> schedule(Runnable given, Instant startTime) {
            return keep(given, null);
        }

        @Override
        @SuppressWarnings("NullAway")
        public ScheduledFuture<?> scheduleAtFixedRate(Runnable given, Instant startTime, Duration period) {
            return keep(given, null);
        }

        @Override
        @SuppressWarnings("NullAway")
        public ScheduledFuture<?> scheduleAtFixedRate(Runnable given, Duration period) {
            return keep(given, null);
        }

        @Override
        @SuppressWarnings("NullAway")
        public ScheduledFuture<?> scheduleWithFixedDelay(Runnable given, Instant startTime, Duration delay) {
            return keep(given, null);
        }

        @Override
        @SuppressWarnings("NullAway")
        public ScheduledFuture<?> scheduleWithFixedDelay(Runnable given, Duration delay) {
            return keep(given, null);
        }
    }

    private static Replica replica() {
        return new Replica(START, ZoneOffset.UTC);
    }

    private static String key(String occurrence) {
        return "jobs/" + Jobs.class.getName() + ".tick()@" + occurrence;
    }

    private static List<String> cron(String expression, Instant from, ZoneId ofReplica, int times, Duration late) {
        Replica replica = new Replica(from, ofReplica);
        replica.planning.schedule(
                replica.method("tick"), new CronTrigger(expression, TimeZone.getTimeZone(ZoneId.of("Europe/Berlin"))));
        return replica.fire(times, late);
    }

    @Test
    void a_firing_of_cron_is_the_instant_that_was_planned_however_late_it_is_and_wherever() {
        List<String> one = cron("0 30 2 * * *", START, ZoneOffset.UTC, 3, Duration.ZERO);
        List<String> two = cron("0 30 2 * * *", START, ZoneId.of("Asia/Tokyo"), 3, Duration.ofMinutes(20));
        assertThat(one)
                .containsExactly(key("2026-11-29T01:30:00Z"), key("2026-11-30T01:30:00Z"), key("2026-12-01T01:30:00Z"))
                .isEqualTo(two);
    }

    @Test
    void the_hour_that_comes_twice_and_the_one_that_does_not_come_have_each_firing_once() {
        Instant autumn = Instant.parse("2026-10-24T23:59:59Z");
        List<String> twice = cron("0 0/30 * * * *", autumn, ZoneOffset.UTC, 6, Duration.ofMillis(3));
        assertThat(twice)
                .containsExactly(
                        key("2026-10-25T00:00:00Z"),
                        key("2026-10-25T00:30:00Z"),
                        key("2026-10-25T01:00:00Z"),
                        key("2026-10-25T01:30:00Z"),
                        key("2026-10-25T02:00:00Z"),
                        key("2026-10-25T02:30:00Z"))
                .isEqualTo(cron("0 0/30 * * * *", autumn, ZoneId.of("America/New_York"), 6, Duration.ofMinutes(29)));
        Instant spring = Instant.parse("2027-03-28T00:00:01Z");
        List<String> never = cron("0 30 2 * * *", spring, ZoneOffset.UTC, 2, Duration.ZERO);
        assertThat(never)
                .doesNotHaveDuplicates()
                .isEqualTo(cron("0 30 2 * * *", spring, ZoneId.of("Asia/Tokyo"), 2, Duration.ofMinutes(50)));
    }

    @Test
    void a_scheduler_may_plan_the_next_firing_before_this_one_has_its_thread_and_may_drop_one() {
        PlannedTimes times = new PlannedTimes();
        times.plan(START);
        times.plan(START.plusSeconds(1));
        assertThat(times.take(START.plusMillis(2))).isEqualTo(START);
        times.plan(START.plusSeconds(2));
        // The one of the first second got no thread.
        assertThat(times.take(START.plusSeconds(2))).isEqualTo(START.plusSeconds(2));
        times.plan(START.plusSeconds(3));
        assertThat(times.take(START.plusSeconds(3))).isEqualTo(START.plusSeconds(3));
        assertThat(times.take(START.plusSeconds(4))).isEqualTo(START.plusSeconds(1));
        assertThat(times.take(START.plusSeconds(4))).isNull();
        times.plan(START.plusSeconds(5));
        // A timer that is early.
        assertThat(times.take(START.plusSeconds(5).minusNanos(1))).isEqualTo(START.plusSeconds(5));
    }

    /** One that started at a time, and all of whose firings are late by less than the interval. */
    private static Replica atRate(Instant start) {
        Replica replica = new Replica(START, ZoneOffset.UTC);
        replica.planning.scheduleAtFixedRate(replica.method("tick"), start, Duration.ofSeconds(5));
        return replica;
    }

    @Test
    void firings_of_a_fixed_rate_are_slots_that_replicas_share_whenever_they_started() {
        Replica early = atRate(START);
        Replica late = atRate(START.plusMillis(4_600));
        for (int n = 0; n < 5; n++) {
            early.fireAt(START.plusSeconds(5L * n).plusMillis(n));
            late.fireAt(START.plusSeconds(5L * n).plusMillis(4_600 + 300L * n));
        }
        assertThat(early.jobs.keys)
                .containsExactly(
                        key("2026-11-28T12:00:00Z/PT5S"),
                        key("2026-11-28T12:00:05Z/PT5S"),
                        key("2026-11-28T12:00:10Z/PT5S"),
                        key("2026-11-28T12:00:15Z/PT5S"),
                        key("2026-11-28T12:00:20Z/PT5S"))
                .isEqualTo(late.jobs.keys);
    }

    @Test
    void firings_of_a_fixed_rate_that_come_all_at_once_each_have_their_slot_also_if_one_is_early() {
        Replica replica = atRate(START);
        replica.fireAt(START.minusNanos(40));
        for (int n = 0; n < 4; n++) {
            replica.fireAt(START.plusSeconds(20));
        }
        replica.fireAt(START.plusSeconds(25).minusNanos(40));
        assertThat(new LinkedHashSet<>(replica.jobs.keys))
                .containsExactlyInAnyOrder(
                        key("2026-11-28T12:00:00Z/PT5S"),
                        key("2026-11-28T12:00:05Z/PT5S"),
                        key("2026-11-28T12:00:10Z/PT5S"),
                        key("2026-11-28T12:00:15Z/PT5S"),
                        key("2026-11-28T12:00:20Z/PT5S"),
                        key("2026-11-28T12:00:25Z/PT5S"));
    }

    @Test
    void a_wall_clock_that_is_set_moves_the_slots_and_one_that_drifts_does_not() {
        Replica replica = atRate(START);
        replica.fireAt(START);
        replica.step(Duration.ofHours(1));
        replica.fireAt(START.plus(Duration.ofHours(1)).plusSeconds(5));
        replica.step(Duration.ofMillis(-400));
        replica.fireAt(START.plus(Duration.ofHours(1)).plusSeconds(10).minusMillis(400));
        assertThat(replica.jobs.keys)
                .containsExactly(
                        key("2026-11-28T12:00:00Z/PT5S"),
                        key("2026-11-28T13:00:05Z/PT5S"),
                        key("2026-11-28T13:00:10Z/PT5S"));
    }

    @Test
    void triggers_of_an_interval_are_as_fixed_rates_and_delays() {
        Replica replica = replica();
        PeriodicTrigger rate = new PeriodicTrigger(Duration.ofSeconds(5));
        rate.setFixedRate(true);
        replica.planning.schedule(replica.method("tick"), rate);
        assertThat(replica.fire(2, Duration.ofMillis(40)))
                .containsExactly(key("2026-11-28T12:00:00Z/PT5S"), key("2026-11-28T12:00:05Z/PT5S"));
        Replica delayed = replica();
        delayed.planning.schedule(delayed.method("tick"), new PeriodicTrigger(Duration.ofSeconds(5)));
        assertThat(delayed.fire(2, Duration.ZERO)).isEqualTo(Collections.nCopies(2, "null"));
    }

    @Test
    void a_method_that_another_one_calls_is_not_what_was_fired_and_a_task_of_a_configurer_is_its_first_call() {
        Replica replica = replica();
        replica.planning.schedule(replica.method("other"), new CronTrigger("* * * * * *"));
        assertThat(replica.fire(1, Duration.ZERO)).containsExactly("none");
        Replica configured = replica();
        Runnable task = () -> {
            try {
                configured.jobs.tick();
                configured.jobs.tick();
            } catch (NoSuchMethodException none) {
                throw new IllegalStateException(none);
            }
        };
        configured.planning.schedule(task, new CronTrigger("* * * * * *"));
        assertThat(configured.fire(1, Duration.ZERO)).containsExactly(key("2026-11-28T12:00:01Z"), "none");
    }

    @Test
    void what_is_called_outside_of_a_firing_is_none() throws NoSuchMethodException {
        assertThat(Jobs.key("tick")).isEqualTo("none");
    }
}
