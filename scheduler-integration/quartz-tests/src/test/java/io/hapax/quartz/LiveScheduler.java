package io.hapax.quartz;

import io.hapax.CallersTransaction;
import io.hapax.JobGuard;
import io.hapax.event.GuardEvent;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.LiveQueue;
import io.hapax.testkit.LiveQueueHistory;
import io.hapax.testkit.PatientLeaseStore;
import io.hapax.testkit.UniqueQueue.Storing;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.Trigger.CompletedExecutionInstruction;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.listeners.TriggerListenerSupport;

/** A real scheduler in memory, for many histories side by side. */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class LiveScheduler implements LiveQueue, AutoCloseable {

    private static final String NAME = "live";
    private static final ThreadLocal<@Nullable Transaction> TRANSACTION = new ThreadLocal<>();
    private static final ThreadLocal<Storing> STORING = ThreadLocal.withInitial(() -> Storing.WORKS);
    private static final ThreadLocal<Boolean> UNGUARDED = ThreadLocal.withInitial(() -> false);

    private static final Map<String, Optional<Object>> NOTHING_FOUND = Map.of(
            "getTrigger", Optional.empty(),
            "getTriggerKeys", Optional.of(Set.of()),
            "getCurrentlyExecutingJobs", Optional.of(List.of()));

    private static volatile @Nullable LiveScheduler current;

    private final InMemoryLeaseStore leases = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final Map<String, LiveQueueHistory> histories = new ConcurrentHashMap<>();
    /** The ids of jobs by their names. */
    private final Map<String, String> ids = new ConcurrentHashMap<>();

    private final Set<String> succeeded = ConcurrentHashMap.newKeySet();
    private final AtomicInteger names = new AtomicInteger();

    private final JobGuard guard;
    private final Scheduler real;
    private final boolean isMutant;
    private final Installation callers;

    /** @param isMutant whether no job is found in the queue, which histories have to find */
    LiveScheduler(boolean isMutant) throws SchedulerException {
        this.isMutant = isMutant;

        guard = JobGuard.builder(new PatientLeaseStore(leases))
                .worker(NAME)
                .withoutLogging()
                .listener(event -> {
                    if (event instanceof GuardEvent.Unguarded) {
                        UNGUARDED.set(true);
                    }
                })
                .transactions(() -> Optional.ofNullable(TRANSACTION.get()))
                .build();
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", NAME);
        properties.setProperty("org.quartz.scheduler.skipUpdateCheck", "true");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        properties.setProperty("org.quartz.threadPool.threadCount", "24");
        real = Fleet.create(properties);
        HapaxPlugin plugin = new HapaxPlugin(guard);
        plugin.setRetryDelay("200ms");
        plugin.initialize(HapaxPlugin.NAME, real, null);
        plugin.start();
        callers = wayOfCallers();
        real.getListenerManager().addTriggerListener(new TriggerListenerSupport() {
            @Override
            public String getName() {
                return "ends";
            }

            @Override
            public void triggerComplete(
                    Trigger trigger, JobExecutionContext context, CompletedExecutionInstruction instruction) {
                ended(context.getJobDetail());
            }
        });
        current = this;
        real.start();
    }

    private Installation wayOfCallers() throws SchedulerException {
        Scheduler way = (Scheduler) Proxy.newProxyInstance(
                Scheduler.class.getClassLoader(), new Class<?>[] {Scheduler.class}, this::called);
        FiringIdentity identities = new FiringIdentity(NAME, false, false, new Misfires(false, WallClock.REAL));
        Gate gate = new Gate(
                guard,
                new JobSettings(NAME, guard, guard.defaults(), identities),
                new RetryTriggers(Duration.ofMillis(200), 100, WallClock.REAL, bound -> 0),
                new KeptData(false));
        return new Installation(way, SchedulerCore.of(real), gate, identities);
    }

    /** What is written in it is seen by others when it commits. */
    private static final class Transaction implements CallersTransaction {
        private @Nullable JobDetail job;
        private @Nullable Trigger trigger;
        private final List<Consumer<Outcome>> listeners = new ArrayList<>();

        @Override
        public void whenEnded(Consumer<Outcome> listener) {
            listeners.add(listener);
        }
    }

    private @Nullable Object called(Object proxy, Method method, Object[] arguments) throws Throwable {
        Transaction transaction = TRANSACTION.get();
        Trigger own = transaction == null ? null : transaction.trigger;
        if (method.getName().equals("scheduleJob") && arguments[0] instanceof JobDetail job) {
            store(job, (Trigger) arguments[1]);
            return new Date(0);
        }
        if (isMutant && NOTHING_FOUND.containsKey(method.getName())) {
            return NOTHING_FOUND.get(method.getName()).orElse(null);
        }
        if (method.getName().equals("getTrigger") && own != null && own.getKey().equals(arguments[0])) {
            return own;
        }
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw Objects.requireNonNull(e.getCause());
        }
    }

    private void store(JobDetail job, Trigger trigger) throws SchedulerException {
        Storing storing = STORING.get();
        if (storing == Storing.FAILS) {
            throw new SchedulerException("not stored");
        }
        Transaction transaction = TRANSACTION.get();
        if (transaction != null) {
            transaction.job = job;
            transaction.trigger = trigger;
            return;
        }
        stored(job, trigger);
        if (storing == Storing.FAILS_LATE) {
            throw new SchedulerException("stored, but who knows");
        }
    }

    private static String id(Trigger trigger) {
        return trigger.getJobDataMap().getString(JobSettings.QUEUED);
    }

    private static String work(JobDetail job) {
        return job.getJobDataMap().getString("work");
    }

    private LiveQueueHistory of(String work) {
        return Objects.requireNonNull(histories.get(work.substring(0, work.length() - 1)));
    }

    LiveQueueHistory history(long seed, String name) {
        LiveQueueHistory history = new LiveQueueHistory(seed, name, this);
        histories.put(name, history);
        return history;
    }

    private void stored(JobDetail job, Trigger trigger) {
        LiveQueueHistory history = of(work(job));
        history.atomically(() -> {
            ids.put(job.getKey().getName(), id(trigger));
            HistoryScheduler.quietly(() -> real.scheduleJob(job, trigger));
            if (UNGUARDED.get()) {
                history.excused(id(trigger));
            }
            history.stored(id(trigger), work(job));
        });
    }

    private void ended(JobDetail job) {
        String id = Objects.requireNonNull(ids.get(job.getKey().getName()));
        of(work(job)).ended(id, succeeded.remove(id));
    }

    /** The end of a job's code, on a thread of the scheduler's. */
    static void perform(String name, String work) throws JobExecutionException {
        LiveScheduler scheduler = Objects.requireNonNull(current);
        LiveQueueHistory history = scheduler.of(work);
        String id = Objects.requireNonNull(scheduler.ids.get(name));
        switch (history.next()) {
            case FAILS -> {
                history.ending(id);
                throw new JobExecutionException("on purpose");
            }
            case LOSES_LEASE -> {
                history.ending(id);
                scheduler
                        .leases
                        .admin()
                        .forceRelease(new JobIdentity(new LockKey("live/" + work), null))
                        .toCompletableFuture()
                        .join();
            }
            default -> {
                scheduler.succeeded.add(id);
                history.ending(id);
            }
        }
    }

    @Override
    public Optional<String> enqueue(String work, Storing storing) {
        String name = "n" + names.incrementAndGet();
        boolean transactional = storing == Storing.COMMITS || storing == Storing.ROLLS_BACK;
        Transaction transaction = transactional ? new Transaction() : null;
        UNGUARDED.set(false);
        STORING.set(storing);
        TRANSACTION.set(transaction);
        boolean refused;
        try {
            refused = HistoryScheduler.quietly(() -> callers.scheduleUnique(
                            JobBuilder.newJob(LiveJob.class)
                                    .withIdentity(name)
                                    .usingJobData("work", work)
                                    .build(),
                            TriggerBuilder.newTrigger().withIdentity(name).build()))
                    .isPresent();
        } finally {
            TRANSACTION.remove();
            STORING.remove();
        }
        if (transaction != null) {
            end(transaction, storing == Storing.COMMITS);
        }
        return refused ? Optional.empty() : Optional.of(name);
    }

    private void end(Transaction transaction, boolean commits) {
        JobDetail job = transaction.job;
        Trigger trigger = transaction.trigger;
        if (commits && job != null && trigger != null) {
            stored(job, trigger);
        }
        transaction.listeners.forEach(listener -> listener.accept(
                commits ? CallersTransaction.Outcome.COMMITTED : CallersTransaction.Outcome.ROLLED_BACK));
    }

    /** Quartz refuses names that it knows, and takes them anew when it does not. */
    @Override
    public void enqueueAgain(String id) {}

    @Override
    public void delete(String id, boolean forGood) {
        ids.entrySet().stream()
                .filter(job -> job.getValue().equals(id))
                .map(Map.Entry::getKey)
                .findFirst()
                .ifPresent(name -> deleteJob(name, id, forGood));
    }

    private void deleteJob(String name, String id, boolean forGood) {
        HistoryScheduler.quietly(() -> {
            TriggerKey key = TriggerKey.triggerKey(name);
            Trigger trigger = real.getTrigger(key);
            if (trigger == null || trigger.getNextFireTime() == null) {
                // It is at work.
                return false;
            }
            JobDetail job = real.getJobDetail(trigger.getJobKey());
            if (job == null) {
                // It has ended meanwhile.
                return false;
            }
            String work = work(job);
            of(work).atomically(() -> HistoryScheduler.quietly(() -> {
                boolean deleted = forGood ? real.deleteJob(trigger.getJobKey()) : real.unscheduleJob(key);
                if (deleted) {
                    // It may have been fired a moment before.
                    of(work).ending(id);
                }
                return deleted;
            }));
            return true;
        });
    }

    @Override
    public void requeue(String id) {}

    @Override
    public void close() throws SchedulerException {
        real.shutdown(true);
        guard.close();
        leases.close();
    }
}
