package io.hapax.quartz;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;

/** Sees what the jobs of all replicas of a test do. */
final class Probe {

    interface Body {
        void run(JobExecutionContext context) throws Exception;
    }

    record Entry(String replica, String job, String trigger, Instant planned, boolean recovering) {}

    private static final String KEY = "probe";
    private static final String REPLICA = "replica";

    private final Set<Thread> working = ConcurrentHashMap.newKeySet();
    private final List<Entry> entries = new CopyOnWriteArrayList<>();
    private final AtomicInteger active = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger mostAtOnce = new AtomicInteger();
    private volatile Body body = context -> {};

    Probe body(Body body) {
        this.body = body;
        return this;
    }

    void attach(Scheduler scheduler, String replica) throws SchedulerException {
        scheduler.getContext().put(KEY, this);
        scheduler.getContext().put(REPLICA, replica);
    }

    List<Entry> entries() {
        return entries;
    }

    List<String> replicas() {
        return entries.stream().map(Entry::replica).toList();
    }

    int count() {
        return entries.size();
    }

    int ended() {
        return ended.get();
    }

    int mostAtOnce() {
        return mostAtOnce.get();
    }

    /** How often each planned time was executed, whatever the replica. */
    Map<Instant, Long> timesOf(String job) {
        return entries.stream()
                .filter(entry -> entry.job().equals(job))
                .collect(Collectors.groupingBy(Entry::planned, Collectors.counting()));
    }

    /** Interrupts the jobs that go on. */
    void interruptAll() {
        working.forEach(Thread::interrupt);
    }

    private static Probe of(JobExecutionContext context) throws JobExecutionException {
        try {
            return (Probe) context.getScheduler().getContext().get(KEY);
        } catch (SchedulerException e) {
            throw new JobExecutionException(e);
        }
    }

    private void run(JobExecutionContext context) throws JobExecutionException {
        mostAtOnce.accumulateAndGet(active.incrementAndGet(), Math::max);
        working.add(Thread.currentThread());
        try {
            entries.add(new Entry(
                    context.getScheduler().getContext().getString(REPLICA),
                    context.getJobDetail().getKey().getName(),
                    context.getTrigger().getKey().getName(),
                    context.getScheduledFireTime().toInstant(),
                    context.isRecovering()));
            body.run(context);
        } catch (RuntimeException | JobExecutionException e) {
            throw e;
        } catch (Exception e) {
            throw new JobExecutionException(e);
        } finally {
            working.remove(Thread.currentThread());
            active.decrementAndGet();
            ended.incrementAndGet();
        }
    }

    /** A job that may overlap. */
    public static class PlainJob implements Job {
        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            of(context).run(context);
        }
    }

    /** A job that must not overlap. */
    @DisallowConcurrentExecution
    public static class ExclusiveJob extends PlainJob {}
}
