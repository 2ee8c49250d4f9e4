package io.hapax.quartz;

import io.hapax.JobGuard;
import io.hapax.RunOptions;
import io.hapax.Setting;
import io.hapax.event.Refusal;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SchedulerMetaData;
import org.quartz.Trigger;
import org.quartz.spi.ClassLoadHelper;
import org.quartz.spi.SchedulerPlugin;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Guards the jobs of one Quartz scheduler: each firing runs once in the fleet, and jobs that must not overlap do not
 * overlap in the fleet.
 *
 * <p>By {@code quartz.properties} alone:
 *
 * <pre>{@code
 * org.quartz.plugin.hapax.class = io.hapax.quartz.HapaxPlugin
 * org.quartz.plugin.hapax.redisUrl = redis://localhost:6379
 * }</pre>
 *
 * <p>or in code, before the scheduler starts: {@code HapaxPlugin.install(scheduler, guard)}.
 *
 * <p>All replicas must give their schedulers the same name, and name their jobs and triggers. A firing is recognised
 * by scheduler, job, trigger and planned time; simple and calendar-interval triggers run once in each interval of the
 * wall clock, since replicas may count from different starts, unless {@link #setFixedStart} says otherwise. A job
 * class with {@link org.quartz.DisallowConcurrentExecution} does not overlap in the fleet. {@link io.hapax.Guarded} on
 * the job class changes the options; its key may contain {@code %{name}}, replaced by that entry of the merged job
 * data. Entries of the job data map have the last word: {@code hapax.lockKey}, {@code hapax.runKey}, {@code
 * hapax.enabled}, {@code hapax.fixedStart}, {@code hapax.alone}, and
 * {@code hapax.} with any of {@link Setting#names()}. A job fired by {@link Scheduler#triggerJob} is recognised
 * across replicas only if its data has a {@code hapax.runKey}.
 *
 * <p>By default a refused firing waits its turn, without a thread: a one-shot under its own trigger, which is rescheduled, a
 * recurring one under a trigger of the group {@code hapax-retry}, unless an earlier firing of the same trigger is running or
 * waits. A firing that runs elsewhere is tried again if the next one is further away than the ttl. With {@link io.hapax.OnConflict#WAIT} the job waits in its own thread; a job that
 * waited in vain ends with a {@link org.quartz.JobExecutionException}.
 *
 * <p>The lease ends with {@link Job#execute}. A job with {@link org.quartz.ExecuteInJTATransaction} is refused, since its
 * transaction is committed later; {@code wrapJobExecutionInUserTransaction}, which does the same to all jobs, is not covered. Use
 * one plugin for each scheduler; the setters are called before it is initialised.
 */
public final class HapaxPlugin implements SchedulerPlugin {

    static final String NAME = "hapax";

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");

    private final PluginSettings settings = new PluginSettings();
    private final boolean ownsGuard;
    private boolean enabled = true;
    private @Nullable JobGuard guard;
    private @Nullable Installation installation;

    /** Creates a plugin that opens its own store; for {@code quartz.properties}. */
    public HapaxPlugin() {
        this.ownsGuard = true;
    }

    /**
     * Creates a plugin on a guard.
     *
     * @param guard decides about the runs; the plugin does not close it
     */
    public HapaxPlugin(JobGuard guard) {
        this.guard = guard;
        this.ownsGuard = false;
    }

    /**
     * Guards a scheduler from now on. To be called before {@link Scheduler#start()} and after the job factory is set.
     *
     * @param scheduler the scheduler
     * @param guard decides about the runs; the caller closes it after the scheduler
     * @return the plugin
     * @throws SchedulerException if the scheduler cannot be guarded; the message says why
     */
    public static HapaxPlugin install(Scheduler scheduler, JobGuard guard) throws SchedulerException {
        HapaxPlugin plugin = new HapaxPlugin(guard);
        plugin.prepare(NAME, scheduler, true);
        plugin.start();
        return plugin;
    }

    /**
     * Finds the plugin that guards a scheduler of this process.
     *
     * @param scheduler the scheduler
     * @return its plugin
     * @throws SchedulerException if the scheduler is not guarded
     */
    public static HapaxPlugin of(Scheduler scheduler) throws SchedulerException {
        Optional<HapaxPlugin> installed = InstalledPlugin.of(scheduler);
        if (installed.isEmpty()) {
            throw new SchedulerException("the scheduler '" + scheduler.getSchedulerName()
                    + "' is not guarded by Hapax: set org.quartz.plugin.hapax.class, or call HapaxPlugin.install");
        }
        return installed.get();
    }

    /**
     * Tells whether a plugin guards a scheduler of this process.
     *
     * @param scheduler the scheduler
     * @return whether {@link #of} finds it
     * @throws SchedulerException if the scheduler cannot be asked
     */
    public static boolean guards(Scheduler scheduler) throws SchedulerException {
        return InstalledPlugin.of(scheduler).isPresent();
    }

    /**
     * Schedules a job unless the same work is queued already, by the {@link io.hapax.LockMode} and the key of the job.
     *
     * @param job the job, with {@link io.hapax.Guarded#mode()} and a key, on its class or in its data
     * @param trigger fires once
     * @return empty if the job was scheduled; else why not, and as what the same work is queued
     * @throws SchedulerException if the scheduler does not take the job
     * @throws IllegalArgumentException if the job has no lock mode for queues, no key, or a key that is the same for
     *     different work, or the trigger fires more than once
     */
    public Optional<Refusal> scheduleUnique(JobDetail job, Trigger trigger) throws SchedulerException {
        Installation installed = installation;
        if (installed == null) {
            throw new SchedulerException("Hapax is switched off (enabled=false), so nothing is kept unique");
        }
        return installed.scheduleUnique(job, trigger);
    }

    /**
     * Finds the user's own job: {@link JobExecutionContext#getJobInstance()} is the guard's, which Quartz executes in its place.
     * For listeners that look at their jobs, with or without a guard.
     *
     * @param context what a listener is given
     * @return the job that the job factory has made
     */
    public static Job jobOf(JobExecutionContext context) {
        return unwrap(context.getJobInstance());
    }

    static Job unwrap(Job job) {
        return job instanceof GuardedJob guarded ? unwrap(guarded.unwrapped()) : job;
    }

    // Everything that can fail is done here. If start() threw, Quartz would go on without the plugin at a second start.
    @Override
    public void initialize(String name, Scheduler scheduler, @Nullable ClassLoadHelper classes)
            throws SchedulerException {
        prepare(name, scheduler, false);
    }

    /** @param hasJobs whether the scheduler has jobs by now, which are to be refused if they are wrong */
    private void prepare(String name, Scheduler scheduler, boolean hasJobs) throws SchedulerException {
        if (!enabled) {
            return;
        }
        if (installation != null) {
            throw new SchedulerException(
                    "this HapaxPlugin guards another scheduler; use one plugin for each scheduler");
        }
        try {
            Installation prepared = prepare(scheduler);
            if (hasJobs) {
                prepared.requireOfAll();
            }
            installation = prepared;
            scheduler.getListenerManager().addSchedulerListener(new InstalledPlugin(this));
        } catch (RuntimeException wrong) {
            shutdown();
            throw new SchedulerException(refusal(scheduler, name, wrong), wrong);
        }
    }

    private static String refusal(Scheduler scheduler, String name, RuntimeException wrong) throws SchedulerException {
        return "Hapax cannot guard the scheduler '" + scheduler.getSchedulerName() + "' (plugin '" + name + "'): "
                + wrong.getMessage();
    }

    private Installation prepare(Scheduler scheduler) throws SchedulerException {
        SchedulerCore core = SchedulerCore.of(scheduler);
        if (core.isWrapped()) {
            throw new IllegalArgumentException("it is guarded already; install one plugin only");
        }
        InstantSource clock = InstantSource.system();
        RetryTriggers retries = settings.retries(clock);
        if (!ownsGuard && settings.describesGuard()) {
            throw new IllegalArgumentException(
                    "it was given a guard, so redisUrl, namespace, worker, answerTimeout, longestTtl, firstStart and lazy have no effect; set them where the guard is built");
        }
        if (guard == null) {
            guard = settings.open(scheduler.getSchedulerName());
        }
        RunOptions defaults = settings.options(guard.defaults());
        SchedulerMetaData store = scheduler.getMetaData();
        Misfires misfires = new Misfires(store.isJobStoreSupportsPersistence(), clock);
        boolean shared = store.isJobStoreClustered();
        FiringIdentity identities =
                new FiringIdentity(scheduler.getSchedulerName(), shared, settings.startsAreFixed(shared), misfires);
        JobSettings jobs = new JobSettings(scheduler.getSchedulerName(), guard, defaults, identities);
        return new Installation(
                scheduler,
                core,
                new Gate(guard, jobs, retries, KeptData.of(scheduler, settings.isAlone())),
                identities);
    }

    @Override
    public void start() {
        Installation prepared = installation;
        if (prepared == null) {
            LOG.warn("Hapax is switched off (enabled=false): jobs run unguarded");
            return;
        }
        prepared.start();
    }

    /** Active runs keep their leases until they end. */
    @Override
    public void shutdown() {
        if (ownsGuard && guard != null) {
            guard.close();
        }
    }

    /**
     * Switches the plugin off.
     *
     * @param enabled false to let jobs run unguarded
     */
    public void setEnabled(boolean enabled) {
        this.enabled = enabled;
    }

    /**
     * Says where the leases are kept.
     *
     * @param url for example {@code redis://localhost:6379}
     */
    public void setRedisUrl(String url) {
        settings.redisUrl(url);
    }

    /**
     * Separates fleets that share a store.
     *
     * @param namespace by default the scheduler's name
     */
    public void setNamespace(String namespace) {
        settings.store("namespace", namespace);
    }

    /**
     * Names this process, for display.
     *
     * @param worker by default process id and host
     */
    public void setWorker(String worker) {
        settings.worker(worker);
    }

    /**
     * Says how long the store may take to answer.
     *
     * @param timeout a duration; by default 2 s, or a sixth of the ttl if that is less
     */
    public void setAnswerTimeout(String timeout) {
        settings.store("answerTimeout", timeout);
    }

    /**
     * Says how long any lease of the namespace lives at most.
     *
     * @param ttl a duration
     */
    public void setLongestTtl(String ttl) {
        settings.store("longestTtl", ttl);
    }

    /**
     * Names the time at which the namespace is used for the first time ever, so that the first grant need not wait. It counts
     * for 10 minutes and has no effect afterwards.
     *
     * @param at a time in UTC, as 2026-11-28T09:30:00Z
     */
    public void setFirstStart(String at) {
        settings.store("firstStart", at);
    }

    /**
     * Lets the scheduler start although the store cannot be reached yet; until then no job is run.
     *
     * @param lazy whether to connect later
     */
    public void setLazy(boolean lazy) {
        settings.store("lazy", String.valueOf(lazy));
    }

    /**
     * Replaces the settings on which the workers of the namespace have agreed: for the one start that changes them, after all of
     * them were stopped.
     *
     * @param replacing whether to replace them
     */
    public void setReplaceSettings(boolean replacing) {
        settings.store("replaceSettings", String.valueOf(replacing));
    }

    /**
     * Says how long a lease lives unless renewed.
     *
     * @param ttl a duration
     */
    public void setTtl(String ttl) {
        settings.option("ttl", ttl);
    }

    /**
     * Says how long a run may hold its lease at most.
     *
     * @param maxHold a duration, 0 for ever
     */
    public void setMaxHold(String maxHold) {
        settings.option("maxHold", maxHold);
    }

    /**
     * Says how long a run waits for its key.
     *
     * @param waitTimeout a duration
     */
    public void setWaitTimeout(String waitTimeout) {
        settings.option("waitTimeout", waitTimeout);
    }

    /**
     * Says how long a completed firing is remembered.
     *
     * @param retention a duration; longer than clocks differ and misfires are late
     */
    public void setRetention(String retention) {
        settings.option("retention", retention);
    }

    /**
     * Says what happens if somebody else holds the key.
     *
     * @param onConflict a name of {@link io.hapax.OnConflict}
     */
    public void setOnConflict(String onConflict) {
        settings.option("onConflict", onConflict);
    }

    /**
     * Says how a job is notified that it lost its lease. An {@link org.quartz.InterruptableJob} is notified by its own method
     * instead of an interrupt of its thread.
     *
     * @param onLeaseLost a name of {@link io.hapax.OnLeaseLost}
     */
    public void setOnLeaseLost(String onLeaseLost) {
        settings.option("onLeaseLost", onLeaseLost);
    }

    /**
     * Says what happens if the store does not answer.
     *
     * @param whenUnavailable a name of {@link io.hapax.WhenUnavailable}
     */
    public void setWhenUnavailable(String whenUnavailable) {
        settings.option("whenUnavailable", whenUnavailable);
    }

    /**
     * Says what happens to a firing whose run crashed; for a guard with a ledger.
     *
     * @param afterCrash a name of {@link io.hapax.ledger.AfterCrash}
     */
    public void setAfterCrash(String afterCrash) {
        settings.option("afterCrash", afterCrash);
    }

    /**
     * Says what happens to a planned firing whose job fails.
     *
     * @param onFailure a name of {@link io.hapax.OnFailure}
     */
    public void setOnFailure(String onFailure) {
        settings.option("onFailure", onFailure);
    }

    /**
     * Says how many runs of a lock key may be running at once.
     *
     * @param concurrency from 1 to 100
     */
    public void setConcurrency(String concurrency) {
        settings.option("concurrency", concurrency);
    }

    /**
     * Says how many runs of a key may start in a time.
     *
     * @param throttle such as {@code 3/1m}
     */
    public void setThrottle(String throttle) {
        settings.option("throttle", throttle);
    }

    /**
     * Says when lock keys are taken.
     *
     * @param mode a name of {@link io.hapax.LockMode}
     */
    public void setMode(String mode) {
        settings.option("mode", mode);
    }

    /**
     * Says for how long a queued job keeps others of its key out of the queue at most.
     *
     * @param uniqueFor a duration
     */
    public void setUniqueFor(String uniqueFor) {
        settings.option("uniqueFor", uniqueFor);
    }

    /**
     * Says whether the guard only observes: nothing is refused or interrupted, and what would have been refused is reported.
     *
     * @param observe true or false
     */
    public void setObserve(String observe) {
        settings.option("observe", observe);
    }

    /**
     * Says whether triggers that count from their start (simple and calendar-interval ones) start at the same instant on each
     * replica, which cannot be seen in a date. If so, each planned time is run once; else one in each interval of the wall clock.
     *
     * @param fixed by default whether the job store is clustered
     */
    public void setFixedStart(boolean fixed) {
        settings.fixedStart(fixed);
    }

    /**
     * Says that no other replica runs this scheduler, so that jobs may keep their data
     * ({@link org.quartz.PersistJobDataAfterExecution}) in a job store in memory.
     *
     * @param alone whether it is the only one
     */
    public void setAlone(boolean alone) {
        settings.alone(alone);
    }

    /**
     * Says how long a refused firing waits before its first retry; later ones wait longer, up to a minute.
     *
     * @param delay a duration; by default 500 ms
     */
    public void setRetryDelay(String delay) {
        settings.retryDelay(delay);
    }

    /**
     * Says how often a refused firing is tried again before it is given up with an error in the log.
     *
     * @param retries by default 1000
     */
    public void setMaxRetries(int retries) {
        settings.maxRetries(retries);
    }
}
