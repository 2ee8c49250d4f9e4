package io.hapax.quartz;

import io.hapax.CallersTransaction;
import io.hapax.HandDriven;
import io.hapax.JobGuard;
import io.hapax.event.GuardEvent;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.MortalStore;
import io.hapax.testkit.QueueHistory;
import io.hapax.testkit.UniqueQueue;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.ObjectAlreadyExistsException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.JobExecutionContextImpl;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.spi.OperableTrigger;
import org.quartz.spi.TriggerFiredBundle;

/** A store of Quartz that counts as shared, with this module's way into it and its guarded jobs, driven by a history. */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class HistoryQueue implements UniqueQueue {

    /** What the property test has to find. */
    enum Mutant {
        /** Case 7: a transaction is not seen. */
        SEES_NO_TRANSACTION,
        /** A place is asked for as long as it is kept. */
        ASKS_FOR_LONG,
        /** Runs that state different limits do not know of each other. */
        COUNTS_EACH_LIMIT_FOR_ITSELF
    }

    private static final ThreadLocal<@Nullable Transaction> TRANSACTION = new ThreadLocal<>();
    private static final ThreadLocal<@Nullable Process> PROCESS = new ThreadLocal<>();
    private static final ThreadLocal<Storing> STORING = ThreadLocal.withInitial(() -> Storing.WORKS);
    private static final ThreadLocal<Boolean> UNGUARDED = ThreadLocal.withInitial(() -> false);

    private final Scheduler real;
    private final QueueHistory.Seam seam;
    private final @Nullable Mutant mutant;
    private final InMemoryLeaseStore leases;
    private final Scheduler scheduler;
    private final Process[] processes = new Process[QueueHistory.PROCESSES];
    private final List<TriggerKey> atWork = new ArrayList<>();
    private int names;
    /** Each look at the clock finds another time, so that no two triggers of a name start alike. */
    private long looks;

    HistoryQueue(Scheduler real, QueueHistory.Seam seam, @Nullable Mutant mutant) {
        this.real = real;
        this.seam = seam;
        this.mutant = mutant;
        this.leases = new InMemoryLeaseStore(seam.clock());
        this.scheduler = (Scheduler) Proxy.newProxyInstance(
                Scheduler.class.getClassLoader(), new Class<?>[] {Scheduler.class}, this::called);
        HistoryScheduler.quietly(() -> {
            real.clear();
            return null;
        });
        for (int n = 0; n < processes.length; n++) {
            processes[n] = new Process();
        }
    }

    /** One process, until it crashes. */
    private final class Process {
        private final MortalStore store = new MortalStore(leases.otherClient(), seam, mutant == Mutant.ASKS_FOR_LONG);
        private final JobGuard guard = HandDriven.guard(
                store,
                seam.clock(),
                event -> {
                    if (event instanceof GuardEvent.Unguarded) {
                        UNGUARDED.set(true);
                    }
                },
                () -> mutant == Mutant.SEES_NO_TRANSACTION ? Optional.empty() : Optional.ofNullable(TRANSACTION.get()));
        private final Gate gate;
        private final Installation installation;
        /** Jobs that are stored, and may have places that are not confirmed. */
        private final List<String> unconfirmed = new ArrayList<>();

        Process() {
            FiringIdentity identities = new FiringIdentity(
                    HistoryScheduler.NAME, true, true, new Misfires(true, InstantSource.fixed(Instant.EPOCH)));
            gate = new Gate(
                    guard,
                    new JobSettings(HistoryScheduler.NAME, guard, guard.defaults(), identities),
                    new RetryTriggers(Duration.ofSeconds(1), 1000, () -> Instant.ofEpochMilli(looks++), bound -> 0),
                    new KeptData(false));
            installation = HistoryScheduler.quietly(
                    () -> new Installation(scheduler, SchedulerCore.of(real), gate, identities));
        }

        void dies() {
            store.dies();
            unconfirmed.forEach(seam::excused);
            for (int n = 0; n < processes.length; n++) {
                processes[n] = processes[n] == this ? new Process() : processes[n];
            }
        }

        void requireAlive() {
            if (store.isDead()) {
                throw new IllegalStateException("the process is dead");
            }
        }
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

    /** The callers' and the workers' way to the store. */
    private Object called(Object proxy, Method method, Object[] arguments) throws Throwable {
        Transaction transaction = TRANSACTION.get();
        switch (method.getName()) {
            case "getMetaData":
                return HistoryScheduler.shared();
            case "scheduleJob":
                if (arguments.length == 2 && arguments[0] instanceof JobDetail job) {
                    store(job, (Trigger) arguments[1]);
                    return new Date(0);
                }
                Objects.requireNonNull(PROCESS.get()).requireAlive();
                break;
            case "getTrigger":
                if (transaction != null
                        && transaction.trigger != null
                        && transaction.trigger.getKey().equals(arguments[0])) {
                    return transaction.trigger;
                }
                return atWork.contains(arguments[0])
                        ? fired((TriggerKey) arguments[0])
                        : real.getTrigger((TriggerKey) arguments[0]);
            default:
                break;
        }
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw Objects.requireNonNull(e.getCause());
        }
    }

    /** A trigger that fires once, as a store knows it while its job is at work. */
    private @Nullable Trigger fired(TriggerKey key) throws SchedulerException {
        OperableTrigger stored = (OperableTrigger) real.getTrigger(key);
        if (stored != null) {
            stored.setNextFireTime(null);
        }
        return stored;
    }

    private void store(JobDetail job, Trigger trigger) throws SchedulerException {
        Process process = Objects.requireNonNull(PROCESS.get());
        Storing storing = STORING.get();
        seam.pause();
        process.requireAlive();
        if (storing == Storing.CRASHES_BEFORE) {
            process.dies();
        }
        if (storing == Storing.CRASHES_BEFORE || storing == Storing.FAILS) {
            throw new SchedulerException("not stored");
        }
        Transaction transaction = TRANSACTION.get();
        if (transaction != null) {
            transaction.job = job;
            transaction.trigger = trigger;
            return;
        }
        if (storing == Storing.CRASHES_AFTER) {
            seam.excused(id(trigger));
        }
        stored(job, trigger);
        if (storing == Storing.CRASHES_AFTER) {
            process.dies();
        }
        if (storing != Storing.WORKS) {
            throw new SchedulerException("stored, but who knows");
        }
        process.unconfirmed.add(id(trigger));
        seam.pause();
    }

    private void stored(JobDetail job, Trigger trigger) throws SchedulerException {
        real.scheduleJob(job, trigger);
        if (UNGUARDED.get()) {
            seam.excused(id(trigger));
        }
        seam.stored(id(trigger), job.getJobDataMap().getString("work"));
    }

    private static String id(Trigger trigger) {
        return trigger.getJobDataMap().getString(JobSettings.QUEUED);
    }

    @Override
    public Optional<String> enqueue(int number, String work, Storing storing) {
        String name = "n" + names++;
        Process process = processes[number];
        boolean transactional = storing == Storing.COMMITS || storing == Storing.ROLLS_BACK;
        Transaction transaction = transactional ? new Transaction() : null;
        boolean refused;
        TRANSACTION.set(transaction);
        try {
            refused = schedule(process, name, work, storing);
        } finally {
            TRANSACTION.remove();
            process.unconfirmed.removeIf(id -> id.contains("/" + name + "/"));
        }
        if (transaction != null) {
            seam.pause();
            process.requireAlive();
            HistoryScheduler.quietly(() -> {
                end(transaction, process, storing == Storing.COMMITS);
                return null;
            });
        }
        return refused ? Optional.empty() : Optional.of(name);
    }

    /** Returns whether it was refused. */
    private boolean schedule(Process process, String name, String work, Storing storing) {
        PROCESS.set(process);
        STORING.set(storing);
        UNGUARDED.set(false);
        try {
            return HistoryScheduler.quietly(() -> process.installation.scheduleUnique(
                            JobBuilder.newJob(HistoryJob.class)
                                    .withIdentity(name)
                                    .usingJobData("work", work)
                                    .build(),
                            TriggerBuilder.newTrigger().withIdentity(name).build()))
                    .isPresent();
        } finally {
            PROCESS.remove();
            STORING.remove();
        }
    }

    private void end(Transaction transaction, Process process, boolean commits) throws SchedulerException {
        JobDetail job = transaction.job;
        Trigger trigger = transaction.trigger;
        if (commits && job != null && trigger != null) {
            stored(job, trigger);
            process.unconfirmed.add(id(trigger));
            seam.pause();
        }
        transaction.listeners.forEach(listener -> listener.accept(
                commits ? CallersTransaction.Outcome.COMMITTED : CallersTransaction.Outcome.ROLLED_BACK));
        process.unconfirmed.removeIf(id -> trigger != null && id.equals(id(trigger)));
    }

    /** The same names once more: refused by Quartz while they are there. */
    @Override
    public void enqueueAgain(int number, String id) {
        String name = id.split("/", -1)[2];
        try {
            boolean unused = schedule(
                    processes[number], name, Integer.parseInt(name.substring(1)) % 2 == 0 ? "a" : "b", Storing.WORKS);
        } catch (IllegalStateException taken) {
            if (!(taken.getCause() instanceof ObjectAlreadyExistsException)) {
                throw taken;
            }
        }
        processes[number].unconfirmed.clear();
    }

    private List<Trigger> triggers() {
        return HistoryScheduler.quietly(() -> {
            List<Trigger> all = new ArrayList<>();
            for (TriggerKey key : real.getTriggerKeys(GroupMatcher.anyTriggerGroup())) {
                Trigger trigger = real.getTrigger(key);
                if (trigger != null && !atWork.contains(key)) {
                    all.add(trigger);
                }
            }
            return all;
        });
    }

    @Override
    public List<String> due() {
        return triggers().stream().map(HistoryQueue::id).sorted().toList();
    }

    private Trigger trigger(String id) {
        return triggers().stream()
                .filter(trigger -> id(trigger).equals(id))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void run(int number, String id, Work work) {
        HistoryScheduler.quietly(() -> {
            fire(processes[number], id, work);
            return null;
        });
    }

    private void fire(Process process, String id, Work work) throws SchedulerException {
        OperableTrigger trigger = (OperableTrigger) trigger(id);
        JobDetail detail = real.getJobDetail(trigger.getJobKey());
        Date planned = trigger.getStartTime();
        atWork.add(trigger.getKey());
        try {
            fire(process, detail, trigger, () -> {
                seam.pause();
                end(process, work, id, detail.getJobDataMap().getString("work"));
            });
        } finally {
            atWork.remove(trigger.getKey());
            Trigger stored = real.getTrigger(trigger.getKey());
            if (stored != null && stored.getStartTime().equals(planned)) {
                real.unscheduleJob(trigger.getKey());
            }
        }
        if (triggers().stream().noneMatch(other -> id(other).equals(id))) {
            seam.ended(id, false);
        }
    }

    private void fire(Process process, JobDetail detail, OperableTrigger trigger, Runnable body) {
        Date planned = trigger.getStartTime();
        trigger.triggered(null);
        GuardedJob job = new GuardedJob(new HistoryJob(), process.gate, Kept.takeOff(trigger));
        JobExecutionContext context = new JobExecutionContextImpl(
                scheduler, new TriggerFiredBundle(detail, trigger, null, false, planned, planned, null, null), job);
        PROCESS.set(process);
        HistoryJob.BODY.set(body);
        try {
            Decision decision = process.gate.decide(context, false);
            if (!(decision instanceof Decision.Skip)) {
                Gate.leave(context, decision);
                job.execute(context);
            }
        } catch (JobExecutionException failed) {
            // Quartz writes a line in the log.
        } finally {
            HistoryJob.BODY.remove();
            PROCESS.remove();
        }
    }

    @Override
    public void runLimited(int number, int limit, Runnable body) {
        String name = "limited-" + names++;
        JobDetail detail = JobBuilder.newJob(HistoryJob.Limited.class)
                .withIdentity(name)
                .usingJobData("key", mutant == Mutant.COUNTS_EACH_LIMIT_FOR_ITSELF ? "rooms of " + limit : "rooms")
                .usingJobData("hapax.concurrency", String.valueOf(limit))
                .build();
        OperableTrigger trigger = (OperableTrigger) TriggerBuilder.newTrigger()
                .withIdentity(name)
                .forJob(detail)
                .startAt(new Date(names))
                .build();
        trigger.computeFirstFireTime(null);
        fire(processes[number], detail, trigger, body);
    }

    private void end(Process process, Work work, String id, String of) {
        switch (work) {
            case SUCCEEDS -> seam.ended(id, true);
            case FAILS -> {
                seam.ended(id, false);
                throw new UnsupportedOperationException("on purpose");
            }
            case LOSES_LEASE -> {
                seam.ended(id, false);
                leases.admin()
                        .forceRelease(new JobIdentity(new LockKey("work/" + of), null))
                        .toCompletableFuture()
                        .join();
            }
            case CRASHES -> {
                seam.ended(id, false);
                process.dies();
            }
        }
    }

    @Override
    public void delete(String id, boolean forGood) {
        Trigger trigger = trigger(id);
        HistoryScheduler.quietly(
                () -> forGood ? real.deleteJob(trigger.getJobKey()) : real.unscheduleJob(trigger.getKey()));
        seam.ended(id, false);
    }

    @Override
    public boolean requeue(String id) {
        return false;
    }

    @Override
    public void renew() {
        for (Process process : processes) {
            HandDriven.look(process.guard);
        }
    }

    @Override
    public void close() {
        // The scheduler is for all histories.
    }
}
