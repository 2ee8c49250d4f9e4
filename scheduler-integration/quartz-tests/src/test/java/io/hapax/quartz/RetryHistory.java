package io.hapax.quartz;

import io.hapax.Admission.Admitted;
import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.SchedulerException;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.spi.OperableTrigger;

/**
 * What users do to triggers while the keys of their jobs are held and released, in any order, beside a small model: each
 * planned time of a one-shot is owed one run until somebody takes it back, and nothing runs for a trigger that is gone or paused.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class RetryHistory {

    private static final int STEPS = 40;
    private static final int JOBS = 2;
    private static final Duration INTERVAL = Duration.ofSeconds(20);

    /** Time and guard, for all histories. */
    record World(ManualTicker ticker, InstantSource clock, JobGuard guard) {}

    private final World world;
    private final String name;
    private final Random random;
    private final SimulatedScheduler scheduler;
    private final Map<String, GuardedRun> holders = new HashMap<>();
    /** For each one-shot that is owed a run, the time that its run key names. */
    private final Map<TriggerKey, Instant> owed = new HashMap<>();

    private final Set<TriggerKey> paused = new HashSet<>();
    private final Set<String> ran = new HashSet<>();
    private final List<String> log = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private int links;
    private int starts;

    RetryHistory(long seed, World world, SimulatedScheduler.Mutant mutant) throws SchedulerException {
        this.world = world;
        this.name = "history " + seed;
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.scheduler = new SimulatedScheduler(name, world, this::work, mutant, random);
    }

    /** @return what went wrong */
    List<String> run() throws Exception {
        try {
            for (int n = 0; n < STEPS && faults.isEmpty(); n++) {
                step(random.nextInt(JOBS));
                look();
            }
            settle();
        } finally {
            holders.values().forEach(GuardedRun::close);
        }
        if (!faults.isEmpty()) {
            faults.add(0, name + ": " + log);
        }
        return faults;
    }

    int runs() {
        return ran.size();
    }

    private void step(int number) throws Exception {
        TriggerKey once = TriggerKey.triggerKey("once", "of " + number);
        TriggerKey often = TriggerKey.triggerKey("often", "of " + number);
        TriggerKey any = random.nextBoolean() ? once : often;
        switch (random.nextInt(12)) {
            case 0 -> scheduleOnce(number, once);
            case 1 -> scheduleOften(number, often);
            case 2, 3 -> hold("job " + number);
            case 4 -> release("job " + number);
            case 5 -> unschedule(any);
            case 6 -> pause(any);
            case 7 -> resume(any);
            case 8 -> rescheduleOnce(once);
            case 9 -> delete(number, once, often);
            case 10 -> {
                log.add("restart");
                scheduler.restart();
            }
            default -> log.add("wait");
        }
        pass(Duration.ofMillis(random.nextInt(4_000)));
    }

    private void pass(Duration time) throws SchedulerException {
        world.ticker().advance(time);
        scheduler.fireDue();
    }

    private Instant soon() {
        // Different ones, so that each is another occurrence.
        return world.clock()
                .instant()
                .plusMillis(random.nextInt(3_000))
                .truncatedTo(ChronoUnit.SECONDS)
                .plusSeconds(1)
                .plusMillis(++starts);
    }

    /** What is rescheduled for the instant at which it is tried again anyway is the same occurrence. */
    private Instant otherThan(Instant start) {
        Instant other = soon();
        return other.equals(start) ? soon() : other;
    }

    private void makeJob(int number) throws SchedulerException {
        JobKey job = JobKey.jobKey("job " + number);
        if (!scheduler.exists(job)) {
            scheduler.store().storeJob(Jobs.job(job.getName(), ExclusiveJob.class), false);
        }
    }

    private void scheduleOnce(int number, TriggerKey key) throws SchedulerException {
        if (scheduler.store().checkExists(key)) {
            return;
        }
        makeJob(number);
        Instant start = soon();
        log.add("schedule " + key + " at " + start);
        scheduler.schedule((OperableTrigger) TriggerBuilder.newTrigger()
                .withIdentity(key)
                .forJob("job " + number)
                .startAt(Date.from(start))
                .build());
        owed.put(key, start);
        paused.remove(key);
    }

    private void scheduleOften(int number, TriggerKey key) throws SchedulerException {
        if (scheduler.store().checkExists(key)) {
            return;
        }
        makeJob(number);
        log.add("schedule " + key);
        int times = random.nextInt(3);
        scheduler.schedule((OperableTrigger) TriggerBuilder.newTrigger()
                .withIdentity(key)
                .forJob("job " + number)
                .startAt(Date.from(soon()))
                .withSchedule(SimpleScheduleBuilder.simpleSchedule()
                        .withIntervalInMilliseconds(INTERVAL.toMillis())
                        .withRepeatCount(times == 0 ? -1 : times))
                .build());
        paused.remove(key);
    }

    private void hold(String job) throws InterruptedException {
        if (!holders.containsKey(job)
                && world.guard().admit(RunRequest.lock(name + "/DEFAULT/" + job).ttl(Duration.ofHours(1)))
                        instanceof Admitted admitted) {
            log.add("hold " + job);
            holders.put(job, admitted.run());
        }
    }

    private void release(String job) {
        GuardedRun holder = holders.remove(job);
        if (holder != null) {
            log.add("release " + job);
            holder.close();
        }
    }

    private void unschedule(TriggerKey key) {
        log.add("unschedule " + key);
        scheduler.store().removeTrigger(key);
        owed.remove(key);
        paused.remove(key);
    }

    private void pause(TriggerKey key) {
        if (scheduler.store().retrieveTrigger(key) != null) {
            log.add("pause " + key);
            scheduler.store().pauseTrigger(key);
            paused.add(key);
        }
    }

    private void resume(TriggerKey key) {
        log.add("resume " + key);
        scheduler.store().resumeTrigger(key);
        paused.remove(key);
    }

    /** Out of what the store has, which may be a retry. */
    private void rescheduleOnce(TriggerKey key) throws SchedulerException {
        Trigger found = scheduler.store().retrieveTrigger(key);
        if (found != null) {
            Instant start = otherThan(found.getStartTime().toInstant());
            log.add("reschedule " + key + " to " + start);
            scheduler.reschedule(key, (OperableTrigger)
                    found.getTriggerBuilder().startAt(Date.from(start)).build());
            owed.put(key, start);
            paused.remove(key);
        }
    }

    private void delete(int number, TriggerKey once, TriggerKey often) {
        log.add("delete job " + number);
        scheduler.store().removeJob(JobKey.jobKey("job " + number));
        for (TriggerKey each : new TriggerKey[] {once, often}) {
            owed.remove(each);
            paused.remove(each);
        }
    }

    /** The body of all jobs. */
    private void work(JobExecutionContext context) throws JobExecutionException {
        String run = String.valueOf(CurrentRun.get().identity().runKey());
        log.add("run " + run);
        if (!ran.add(run)) {
            faults.add("ran twice: " + run);
        }
        if (holders.containsKey(context.getJobDetail().getKey().getName())) {
            faults.add("ran while its key was held: " + run);
        }
        String[] names = run.substring(name.length()).split("[/@]");
        TriggerKey key = TriggerKey.triggerKey(names[4], names[3]);
        if (scheduler.store().retrieveTrigger(key) == null && !isOver(context)) {
            faults.add("ran for a trigger that is gone: " + run);
        }
        if (paused.contains(key)) {
            faults.add("ran for a trigger that is paused: " + run);
        }
        if (names[4].equals("once")) {
            Instant planned = Instant.parse(names[5]);
            if (!planned.equals(owed.remove(key))) {
                faults.add("ran for a time that nobody wants any more: " + run);
            }
            goOn(context, key);
        }
        if (!ours(context.getMergedJobDataMap().getKeys()).isEmpty()) {
            faults.add("a job has seen our data: " + run);
        }
    }

    private static List<String> ours(String[] keys) {
        return List.of(keys).stream().filter(key -> key.startsWith("hapax")).toList();
    }

    /** A finite trigger may have come to its end while one of its firings has waited. */
    private static boolean isOver(JobExecutionContext context) {
        return context.getTrigger().getKey().getGroup().equals(RetryTriggers.GROUP) && isFinite(context);
    }

    private static boolean isFinite(JobExecutionContext context) {
        return Kept.of(context).parentMayHaveEnded(context.getFireTime());
    }

    /** Half of the one-shots are links of a chain. */
    private void goOn(JobExecutionContext context, TriggerKey key) throws JobExecutionException {
        if (links++ % 2 == 0) {
            return;
        }
        try {
            Instant start = soon();
            log.add("next link of " + key + " at " + start);
            Trigger next = context.getTrigger()
                    .getTriggerBuilder()
                    .startAt(Date.from(start))
                    .build();
            if (context.getScheduler().rescheduleJob(key, next) == null) {
                faults.add("a chain is broken: " + key);
            }
            owed.put(key, start);
        } catch (SchedulerException e) {
            throw new JobExecutionException(e);
        }
    }

    private void look() throws SchedulerException {
        if (waiting().size() > JOBS) {
            faults.add("more than one firing of a trigger waits: " + waiting());
        }
        for (TriggerKey key : owed.keySet()) {
            Trigger found = scheduler.store().retrieveTrigger(key);
            if (found == null || found.getNextFireTime() == null) {
                faults.add("lost: " + key + " of " + owed.get(key));
            }
        }
    }

    /** Nothing is held or paused any more, and what goes on for ever is unscheduled. */
    private void settle() throws SchedulerException {
        for (int n = 0; n < JOBS; n++) {
            release("job " + n);
            resume(TriggerKey.triggerKey("once", "of " + n));
            unschedule(TriggerKey.triggerKey("often", "of " + n));
        }
        for (int n = 0; n < 100 && faults.isEmpty() && !isSettled(); n++) {
            // No further links.
            links = 0;
            pass(Duration.ofSeconds(5));
            look();
        }
        if (!owed.isEmpty()) {
            faults.add("never run: " + owed);
        }
        if (!waiting().isEmpty()) {
            faults.add("a retry has outlived its trigger");
        }
    }

    private boolean isSettled() throws SchedulerException {
        return owed.isEmpty() && waiting().isEmpty();
    }

    private Set<TriggerKey> waiting() throws SchedulerException {
        return scheduler.store().getTriggerKeys(GroupMatcher.triggerGroupEquals(RetryTriggers.GROUP));
    }
}
