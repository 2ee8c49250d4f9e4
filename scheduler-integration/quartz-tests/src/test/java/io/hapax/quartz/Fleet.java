package io.hapax.quartz;

import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.RunOptions;
import io.hapax.event.GuardEvent;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.quartz.JobExecutionContext;
import org.quartz.ListenerManager;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerListener;
import org.quartz.impl.SchedulerRepository;
import org.quartz.impl.StdSchedulerFactory;
import org.quartz.listeners.TriggerListenerSupport;

/** Several schedulers of one name in one JVM, as if each were a process of its own; closed after the test. */
final class Fleet implements AutoCloseable {

    private static final Object CREATION = new Object();

    /** Longer than a busy machine hesitates: no run loses its lease by chance. */
    private static final Duration TTL = Duration.ofSeconds(10);

    private static final Duration SHORT_TTL = Duration.ofSeconds(3);

    private final Probe probe = new Probe();
    private final LeaseStore store;
    private final boolean guarded;
    private final String name;
    private final List<Scheduler> schedulers = new ArrayList<>();
    private final List<JobGuard> guards = new ArrayList<>();
    private final List<GuardEvent> events = new CopyOnWriteArrayList<>();
    private UnaryOperator<RunOptions> options = all -> all.withTtl(TTL);
    private String retryDelay = "200ms";
    private int maxRetries = 100;
    private @Nullable RunLedger ledger;
    private @Nullable String secret;
    private boolean fixedStart;

    private Fleet(boolean guarded, LeaseStore store) {
        this.guarded = guarded;
        this.store = store;
        this.name = "fleet";
    }

    static Fleet guarded() {
        return guarded(true);
    }

    static Fleet guarded(boolean guarded) {
        return new Fleet(guarded, new InMemoryLeaseStore(Ticker.SYSTEM));
    }

    static Fleet on(LeaseStore store) {
        return new Fleet(true, store);
    }

    Fleet options(UnaryOperator<RunOptions> change) {
        UnaryOperator<RunOptions> before = options;
        this.options = all -> change.apply(before.apply(all));
        return this;
    }

    /** Where a test waits until a lease has expired, or until a firing is tried again after that time. */
    Fleet shortTtl() {
        return options(all -> all.withTtl(SHORT_TTL));
    }

    Fleet retries(String delay, int most) {
        this.retryDelay = delay;
        this.maxRetries = most;
        return this;
    }

    Fleet hashing(String secret) {
        this.secret = secret;
        return this;
    }

    Fleet fixedStart() {
        this.fixedStart = true;
        return this;
    }

    Fleet ledger(RunLedger runs) {
        this.ledger = runs;
        return this;
    }

    Probe probe() {
        return probe;
    }

    LeaseStore store() {
        return store;
    }

    List<GuardEvent> events() {
        return events;
    }

    /** The first of its kind, of which listeners hear a moment after the run has gone on. */
    <E extends GuardEvent> E first(Class<E> type) {
        return await().until(() -> events(type), told -> !told.isEmpty()).get(0);
    }

    <E extends GuardEvent> List<E> events(Class<E> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    JobGuard guard(int replica) {
        return guards.get(replica);
    }

    Scheduler scheduler(int replica) {
        return schedulers.get(replica);
    }

    /** Waits for a condition, and looks often. A scheduler may look at its store after half a minute only, several times in a row. */
    static ConditionFactory await() {
        // What threads of tests beside this one throw is none of its business.
        return Awaitility.await()
                .dontCatchUncaughtExceptions()
                .atMost(Duration.ofMinutes(2))
                .pollInterval(Duration.ofMillis(20));
    }

    /** A replica that keeps its jobs in memory, not started. */
    Scheduler replica(String replica) throws SchedulerException {
        return replica(replica, new Properties());
    }

    Scheduler replica(String replica, Properties more) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", name);
        properties.setProperty("org.quartz.scheduler.skipUpdateCheck", "true");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        properties.setProperty("org.quartz.threadPool.threadCount", "3");
        // A store in memory skips what is late by 5 s, and a busy machine may be.
        properties.setProperty("org.quartz.jobStore.misfireThreshold", "60000");
        properties.putAll(more);
        Scheduler scheduler = create(properties);
        schedulers.add(scheduler);
        probe.attach(scheduler, replica);
        if (guarded) {
            guard(scheduler, replica);
        }
        return scheduler;
    }

    /** Quartz knows schedulers by name, one a process, and would return the one of a test beside this one. */
    static Scheduler create(Properties properties) throws SchedulerException {
        synchronized (CREATION) {
            Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
            SchedulerRepository.getInstance().remove(scheduler.getSchedulerName());
            return scheduler;
        }
    }

    private void guard(Scheduler scheduler, String replica) throws SchedulerException {
        JobGuardBuilder builder =
                JobGuard.builder(store).worker(replica).defaults(options).listener(events::add);
        builder = secret == null ? builder : builder.hashKeys(secret);
        JobGuard guard = (ledger == null ? builder : builder.ledger(ledger)).build();
        guards.add(guard);
        HapaxPlugin plugin = new HapaxPlugin(guard);
        plugin.setRetryDelay(retryDelay);
        plugin.setMaxRetries(maxRetries);
        if (fixedStart) {
            plugin.setFixedStart(true);
        }
        plugin.initialize(HapaxPlugin.NAME, scheduler, null);
        plugin.start();
    }

    /** Does something when a trigger fires for the first time, before the guard decides about it. */
    static void beforeItIsDecided(Scheduler scheduler, Probe.Body change) throws SchedulerException {
        AtomicBoolean done = new AtomicBoolean();
        ListenerManager listeners = scheduler.getListenerManager();
        // Listeners are asked in the order in which they came.
        TriggerListener guard = listeners.getTriggerListener(HapaxPlugin.NAME);
        listeners.removeTriggerListener(HapaxPlugin.NAME);
        listeners.addTriggerListener(new TriggerListenerSupport() {
            @Override
            public String getName() {
                return "user";
            }

            @Override
            public void triggerFired(Trigger trigger, JobExecutionContext context) {
                if (done.compareAndSet(false, true)) {
                    try {
                        change.run(context);
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                }
            }
        });
        listeners.addTriggerListener(guard);
    }

    void start() throws SchedulerException {
        for (Scheduler scheduler : schedulers) {
            scheduler.start();
        }
    }

    @Override
    public void close() {
        // A job that waits for what a failed test did not do any more would keep its scheduler for ever.
        ScheduledExecutorService patience = Executors.newSingleThreadScheduledExecutor();
        try {
            var unused = patience.scheduleWithFixedDelay(probe::interruptAll, 10, 1, TimeUnit.SECONDS);
            // Side by side, since each takes half a second, for which a thread of Quartz's pool sleeps.
            schedulers.parallelStream().forEach(Fleet::shutDown);
        } finally {
            patience.shutdownNow();
        }
        guards.forEach(JobGuard::close);
        store.close();
    }

    private static void shutDown(Scheduler scheduler) {
        try {
            if (!scheduler.isShutdown()) {
                scheduler.shutdown(true);
            }
        } catch (SchedulerException e) {
            throw new IllegalStateException(e);
        }
    }
}
