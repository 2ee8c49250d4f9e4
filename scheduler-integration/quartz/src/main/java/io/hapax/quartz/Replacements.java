package io.hapax.quartz;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.quartz.listeners.SchedulerListenerSupport;

/**
 * The triggers that are being replaced by their next attempt. Quartz forgets with a trigger that it is paused, so what somebody says of one
 * meanwhile is said again of the new one. It learns what is said to its own scheduler: with a store that several share, a pause that another one
 * is given in this very moment may be lost. Thread-safe.
 */
final class Replacements extends SchedulerListenerSupport {

    private enum Said {
        PAUSED,
        RESUMED
    }

    private final ConcurrentHashMap<TriggerKey, Replacement> going = new ConcurrentHashMap<>();

    /** From before somebody looks at the old trigger until the new one is as it should be. Used by one thread. */
    final class Replacement implements AutoCloseable {
        private final TriggerKey key;
        private final JobKey job;
        private final Thread thread = Thread.currentThread();
        private final AtomicReference<@Nullable Said> last = new AtomicReference<>();

        private Replacement(Trigger trigger) {
            this.key = trigger.getKey();
            this.job = trigger.getJobKey();
        }

        /** Says again of the new trigger what was said last meanwhile, if anything. */
        void sayAgain(Scheduler scheduler) throws SchedulerException {
            for (Said said = last.getAndSet(null); said != null; said = last.getAndSet(null)) {
                if (said == Said.PAUSED) {
                    scheduler.pauseTrigger(key);
                } else {
                    scheduler.resumeTrigger(key);
                }
            }
        }

        @Override
        public void close() {
            going.remove(key, this);
        }
    }

    Replacement begin(Trigger trigger) {
        Replacement replacement = new Replacement(trigger);
        going.put(replacement.key, replacement);
        return replacement;
    }

    /** What the replacing thread says itself is no news. */
    private void said(Said what, Predicate<Replacement> of) {
        going.values().forEach(each -> {
            if (each.thread != Thread.currentThread() && of.test(each)) {
                each.last.set(what);
            }
        });
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
        said(Said.PAUSED, of(trigger));
    }

    @Override
    public void triggerResumed(@Nullable TriggerKey trigger) {
        said(Said.RESUMED, of(trigger));
    }

    @Override
    public void triggersPaused(@Nullable String group) {
        said(Said.PAUSED, triggersOf(group));
    }

    @Override
    public void triggersResumed(@Nullable String group) {
        said(Said.RESUMED, triggersOf(group));
    }

    @Override
    public void jobPaused(JobKey job) {
        said(Said.PAUSED, each -> each.job.equals(job));
    }

    @Override
    public void jobResumed(JobKey job) {
        said(Said.RESUMED, each -> each.job.equals(job));
    }

    @Override
    public void jobsPaused(@Nullable String group) {
        said(Said.PAUSED, jobsOf(group));
    }

    @Override
    public void jobsResumed(@Nullable String group) {
        said(Said.RESUMED, jobsOf(group));
    }
}
