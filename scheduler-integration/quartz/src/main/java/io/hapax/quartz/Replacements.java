package io.hapax.quartz;

import io.hapax.lease.VisibleText;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.Trigger.TriggerState;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.listeners.SchedulerListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The triggers that are being replaced by their next attempt. Quartz forgets with a trigger that it is paused, so what somebody says of one
 * meanwhile is said again of the new one, also if Quartz tells of it some seconds late, as behind a slow listener. It learns what is said to
 * its own scheduler: with a store that several share, a pause that another one is given in this very moment may be lost. Thread-safe.
 */
final class Replacements extends SchedulerListenerSupport {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");

    /** How much later than a change Quartz may tell of it. */
    private static final Duration LATEST = Duration.ofSeconds(5);

    private static final Saying PAUSED = (scheduler, key) -> {
        if (!isPaused(scheduler, key)) {
            scheduler.pauseTrigger(key);
        }
    };
    private static final Saying RESUMED = (scheduler, key) -> {
        if (isPaused(scheduler, key)) {
            scheduler.resumeTrigger(key);
        }
    };

    private final ConcurrentHashMap<TriggerKey, Replacement> all = new ConcurrentHashMap<>();
    /** Those that are made, in the order of their ends. */
    private final Queue<Replacement> made = new ConcurrentLinkedQueue<>();

    private final Ticker ticker;

    Replacements(Ticker ticker) {
        this.ticker = ticker;
    }

    /** What somebody has said of a trigger, for it to be said again if that makes a difference. */
    private interface Saying {
        void again(Scheduler scheduler, TriggerKey key) throws SchedulerException;
    }

    /** From before somebody looks at the old trigger until Quartz has notified of all that was said of it. Made by one thread. */
    final class Replacement implements AutoCloseable {
        private final TriggerKey key;
        private final JobKey job;
        private final Scheduler scheduler;
        private final Object lock = new Object();
        /** Who has to say what is said next: one thread at a time, so that what was said last is said last. */
        private @Nullable Thread sayer = Thread.currentThread();

        private @Nullable Saying last;
        /** When Quartz notifies of nothing that was said of the old trigger any more; null while it may still be there. */
        private volatile @Nullable NanoTime end;

        private Replacement(Trigger trigger, Scheduler scheduler) {
            this.key = trigger.getKey();
            this.job = trigger.getJobKey();
            this.scheduler = scheduler;
        }

        /**
         * Says again of the new trigger what was said last meanwhile. What arrives later is said by the thread that notifies of it.
         *
         * @param wasPaused whether the old one was, when it was looked at; what was said since counts more
         */
        void sayAgain(boolean wasPaused) throws SchedulerException {
            synchronized (lock) {
                if (last == null && wasPaused) {
                    last = PAUSED;
                }
            }
            try {
                say();
            } finally {
                end = ticker.now().plus(LATEST);
                made.add(this);
            }
        }

        private void say() throws SchedulerException {
            SchedulerException failed = null;
            for (Saying next = next(); next != null; next = next()) {
                try {
                    next.again(scheduler, key);
                    failed = null;
                } catch (SchedulerException e) {
                    failed = e;
                } catch (RuntimeException e) {
                    failed = new SchedulerException(e);
                }
            }
            if (failed != null) {
                throw failed;
            }
        }

        private @Nullable Saying next() {
            synchronized (lock) {
                Saying next = last;
                last = null;
                if (next == null) {
                    sayer = null;
                }
                return next;
            }
        }

        /** Whether the calling thread has to say it. What it says itself is no news. */
        private boolean take(Saying what, boolean maySay) {
            synchronized (lock) {
                if (sayer == null && maySay) {
                    sayer = Thread.currentThread();
                    last = what;
                    return true;
                }
                if (sayer != null && sayer != Thread.currentThread()) {
                    last = what;
                }
                return false;
            }
        }

        private void sayLate() {
            try {
                say();
            } catch (SchedulerException e) {
                LOG.warn(
                        "trigger {} was paused or resumed while its next attempt was stored, which could not be said again of that:"
                                + " look whether it is as it should be, and pause or resume it once more",
                        VisibleText.of(key.toString()),
                        e);
            }
        }

        private boolean isSaidBy(Thread thread) {
            synchronized (lock) {
                return sayer == thread;
            }
        }

        private boolean isOver(NanoTime now) {
            NanoTime ends = end;
            return ends != null && !now.isBefore(ends);
        }

        /** If there is no new trigger, nothing is said of it. */
        @Override
        public void close() {
            if (end == null) {
                all.remove(key, this);
            }
        }
    }

    Replacement begin(Trigger trigger, Scheduler scheduler) {
        NanoTime now = ticker.now();
        for (Replacement oldest = made.peek(); oldest != null && oldest.isOver(now); oldest = made.peek()) {
            if (made.remove(oldest)) {
                all.remove(oldest.key, oldest);
            }
        }
        Replacement replacement = new Replacement(trigger, scheduler);
        all.put(replacement.key, replacement);
        return replacement;
    }

    private void said(Saying what, Predicate<Replacement> of) {
        NanoTime now = ticker.now();
        Thread thread = Thread.currentThread();
        // Quartz tells of what is said again, too.
        boolean maySay = all.values().stream().noneMatch(each -> each.isSaidBy(thread));
        for (Replacement each : all.values()) {
            if (!each.isOver(now) && of.test(each) && each.take(what, maySay)) {
                each.sayLate();
            }
        }
    }

    private static boolean isPaused(Scheduler scheduler, TriggerKey key) throws SchedulerException {
        return scheduler.getTriggerState(key) == TriggerState.PAUSED;
    }

    /** Said of the group, as Quartz leaves triggers of it paused whose jobs are. */
    private static Saying resumed(String group) {
        return (scheduler, key) -> {
            if (isPaused(scheduler, key)) {
                scheduler.resumeTriggers(GroupMatcher.triggerGroupEquals(group));
            }
        };
    }

    private static Predicate<Replacement> triggersOf(@Nullable String group) {
        return each -> group == null || each.key.getGroup().equals(group);
    }

    private static Predicate<Replacement> jobsOf(@Nullable String group) {
        return each -> group == null || each.job.getGroup().equals(group);
    }

    /** Quartz names no trigger where it resumes all. */
    private static Predicate<Replacement> of(@Nullable TriggerKey trigger) {
        return each -> trigger == null || each.key.equals(trigger);
    }

    @Override
    public void triggerPaused(@Nullable TriggerKey trigger) {
        said(PAUSED, of(trigger));
    }

    @Override
    public void triggerResumed(@Nullable TriggerKey trigger) {
        said(RESUMED, of(trigger));
    }

    @Override
    public void triggersPaused(@Nullable String group) {
        said(PAUSED, triggersOf(group));
    }

    @Override
    public void triggersResumed(@Nullable String group) {
        said(group == null ? RESUMED : resumed(group), triggersOf(group));
    }

    @Override
    public void jobPaused(JobKey job) {
        said(PAUSED, each -> each.job.equals(job));
    }

    @Override
    public void jobResumed(JobKey job) {
        said(RESUMED, each -> each.job.equals(job));
    }

    @Override
    public void jobsPaused(@Nullable String group) {
        said(PAUSED, jobsOf(group));
    }

    @Override
    public void jobsResumed(@Nullable String group) {
        said(RESUMED, jobsOf(group));
    }
}
