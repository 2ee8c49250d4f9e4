package io.hapax.spring;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ScheduledFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.scheduling.SchedulingAwareRunnable;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.Trigger;
import org.springframework.scheduling.support.CronTrigger;
import org.springframework.scheduling.support.PeriodicTrigger;
import org.springframework.scheduling.support.SimpleTriggerContext;

/**
 * Lets what a scheduler fires know when that was planned. All else is as the scheduler does it: threads, errors, the clock, and
 * which one of several it is. Thread-safe.
 */
final class PlanningScheduler implements TaskScheduler {

    private final TaskScheduler scheduler;
    private final LongSupplier monotonic;
    private final @Nullable ClassLoader classes;
    private final BooleanSupplier isStopping;

    /** @param isStopping whether the application stops, and with it the scheduler */
    PlanningScheduler(
            TaskScheduler scheduler,
            LongSupplier monotonic,
            @Nullable ClassLoader classes,
            BooleanSupplier isStopping) {
        this.scheduler = scheduler;
        this.monotonic = monotonic;
        this.classes = classes;
        this.isStopping = isStopping;
    }

    @Override
    public Clock getClock() {
        return scheduler.getClock();
    }

    @Override
    public @Nullable ScheduledFuture<?> schedule(Runnable task, Trigger trigger) {
        if (trigger instanceof PeriodicTrigger periodic && !periodic.isFixedRate()) {
            return scheduler.schedule(fired(task, () -> Occurrence.after(periodic.getPeriodDuration())), trigger);
        }
        PlannedTimes times = new PlannedTimes();
        Trigger noted = context -> {
            Instant next = trigger.nextExecution(context);
            if (next != null) {
                times.plan(next);
            }
            return next;
        };
        return scheduler.schedule(fired(task, () -> occurrence(trigger, times)), noted);
    }

    private @Nullable Occurrence occurrence(Trigger trigger, PlannedTimes times) {
        Instant planned = times.take(getClock().instant());
        if (planned == null) {
            return null;
        }
        if (trigger instanceof PeriodicTrigger periodic
                && !periodic.getPeriodDuration().isZero()) {
            Duration interval = periodic.getPeriodDuration();
            return new RateSlots(interval, planned, 0).take(planned, 0);
        }
        return Occurrence.at(planned, next(trigger, planned));
    }

    /** Of a trigger that may be asked at any time. */
    private @Nullable Instant next(Trigger trigger, Instant planned) {
        if (!(trigger instanceof CronTrigger)) {
            return null;
        }
        SimpleTriggerContext then = new SimpleTriggerContext(getClock());
        then.update(planned, planned, planned);
        return trigger.nextExecution(then);
    }

    /** Fires once, when a replica has started: others plan nothing in common with it. */
    @Override
    public ScheduledFuture<?> schedule(Runnable task, Instant startTime) {
        return scheduler.schedule(task, startTime);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, Instant startTime, Duration period) {
        return scheduler.scheduleAtFixedRate(atRate(task, startTime, period), startTime, period);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, Duration period) {
        return scheduler.scheduleAtFixedRate(atRate(task, getClock().instant(), period), period);
    }

    private Runnable atRate(Runnable task, Instant start, Duration period) {
        if (period.isZero() || period.isNegative()) {
            return task;
        }
        long startsIn = Duration.between(getClock().instant(), start).toNanos();
        RateSlots slots = new RateSlots(period, start, monotonic.getAsLong() + startsIn);
        return fired(task, () -> slots.take(getClock().instant(), monotonic.getAsLong()));
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, Instant startTime, Duration delay) {
        return scheduler.scheduleWithFixedDelay(fired(task, () -> Occurrence.after(delay)), startTime, delay);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, Duration delay) {
        return scheduler.scheduleWithFixedDelay(fired(task, () -> Occurrence.after(delay)), delay);
    }

    private Runnable fired(Runnable task, Supplier<@Nullable Occurrence> plan) {
        FiredTask of = FiredTask.of(task, classes);
        return new Planned(task, work -> {
            Occurrence planned = plan.get();
            if (planned == null) {
                work.run();
            } else {
                Firing.first(of, planned, getClock(), new Again(task)).execute(work);
            }
        });
    }

    /** Has the firings of a task come again. */
    private final class Again implements Firing.Retries {

        private final Runnable task;

        Again(Runnable task) {
            this.task = task;
        }

        @Override
        public void schedule(Consumer<Runnable> firing, Duration wait) {
            var unused = scheduler.schedule(
                    new Planned(task, firing), getClock().instant().plus(wait));
        }

        @Override
        public boolean areOver() {
            return isStopping.getAsBoolean();
        }
    }

    /**
     * A task, whose qualifier says which scheduler it is for.
     *
     * @param firing executes it as a firing
     */
    private record Planned(Runnable task, Consumer<Runnable> firing) implements SchedulingAwareRunnable {

        @Override
        public void run() {
            firing.accept(task);
        }

        @Override
        public boolean isLongLived() {
            return task instanceof SchedulingAwareRunnable aware && aware.isLongLived();
        }

        @Override
        public @Nullable String getQualifier() {
            return task instanceof SchedulingAwareRunnable aware ? aware.getQualifier() : null;
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }
}
