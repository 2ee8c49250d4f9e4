package io.hapax.quartz;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunOptions;
import io.hapax.lease.JobIdentity;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunState;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Date;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.TriggerBuilder;
import org.quartz.impl.JobExecutionContextImpl;
import org.quartz.spi.OperableTrigger;
import org.quartz.spi.TriggerFiredBundle;

/**
 * One random history of two replicas that fire the same times of jobs which fail, want to be refired at once, or succeed, and of
 * which no run may be taken up by another one after a crash: each failure is one, and nobody is abandoned who has not crashed.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class RefireHistory {

    /** Replicas, for all histories: the time and the stores that they share, and their guards. */
    static final class World implements AutoCloseable {
        private final StillTicker ticker = new StillTicker();
        private final NanoTime start = ticker.now();
        private final InstantSource clock = () -> BEGIN.plus(ticker.now().since(start));
        private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
        private final InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
        private final List<JobGuard> guards = List.of(guard("a"), guard("b"));

        private JobGuard guard(String worker) {
            return JobGuard.builder(store.otherClient())
                    .ledger(ledger.otherClient())
                    .ticker(ticker)
                    .worker(worker)
                    .withoutLogging()
                    .build();
        }

        @Override
        public void close() {
            guards.forEach(JobGuard::close);
        }
    }

    /** What the adapter might do with a run whose job fails. */
    enum Mutant {
        NONE,
        /** It is closed, as one that broke off. */
        CLOSES_WHAT_IS_REFIRED,
        /** Its occurrence is over. */
        ENDS_WHAT_IS_REFIRED
    }

    private static final Instant BEGIN = Instant.parse("2100-01-01T00:00:00Z");
    private static final Duration INTERVAL = Duration.ofSeconds(60);
    private static final int STEPS = 30;

    /** Only the history moves it, and waits for nobody: no lease has to be renewed. */
    private static final class StillTicker implements Ticker {
        private static final long LOOK_AGAIN_NANOS = Duration.ofMillis(100).toNanos();
        private volatile NanoTime now = new NanoTime(0);

        @Override
        public NanoTime now() {
            return now;
        }

        void advance(Duration time) {
            now = now.plus(time);
        }

        @Override
        public void parkUntil(NanoTime deadline) {
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        }

        @Override
        public void wake(Thread thread) {
            LockSupport.unpark(thread);
        }
    }

    /** What a job does next. */
    private enum Act {
        SUCCEED,
        FAIL,
        BREAK,
        REFIRE
    }

    /** A planned time, what the job does in it, one execution after the other, and what it has come to. */
    private static final class Firing {
        private final OperableTrigger trigger;
        private final JobDetail job;
        private final Date planned;
        private final Deque<Act> acts = new ArrayDeque<>();
        private Act last = Act.SUCCEED;
        private @Nullable JobIdentity identity;
        private @Nullable String by;

        Firing(OperableTrigger trigger, JobDetail job, Date planned) {
            this.trigger = trigger;
            this.job = job;
            this.planned = planned;
        }

        @Override
        public String toString() {
            return trigger.getKey() + " of " + planned.toInstant();
        }
    }

    private record Pending(Replica replica, Firing firing) {}

    private final Random random;
    private final Mutant mutant;
    private final World world;
    private final Instant begin;
    private final String fleet;
    private final List<Replica> replicas;
    private final Map<String, Firing> firings = new HashMap<>();
    private final List<Pending> pending = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private int times;

    RefireHistory(long seed, World world, Mutant mutant) {
        this.world = world;
        this.begin = world.clock.instant();
        this.fleet = "fleet " + mutant + " " + seed;
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.mutant = mutant;
        this.replicas = world.guards.stream().map(Replica::new).toList();
    }

    private final class Replica {
        private final String name;
        private final Gate gate;
        private final Scheduler scheduler = (Scheduler) Proxy.newProxyInstance(
                Scheduler.class.getClassLoader(), new Class<?>[] {Scheduler.class}, (proxy, method, arguments) -> {
                    throw new UnsupportedOperationException(method.getName());
                });

        Replica(JobGuard guard) {
            this.name = guard.worker();
            RunOptions options = RunOptions.DEFAULTS.withAfterCrash(AfterCrash.ABANDON);
            FiringIdentity identities = new FiringIdentity(fleet, true, true, new Misfires(true, world.clock));
            this.gate = new Gate(
                    guard,
                    new JobSettings(fleet, guard, options, identities),
                    new RetryTriggers(Duration.ofMillis(500), 1000, world.clock, random::nextLong),
                    new KeptData(false));
        }

        /** As Quartz's worker thread does. */
        void fire(Firing firing) {
            Date now = Date.from(world.clock.instant());
            TriggerFiredBundle bundle =
                    new TriggerFiredBundle(firing.job, firing.trigger, null, false, now, firing.planned, null, null);
            GuardedJob guarded = new GuardedJob(context -> work(this, firing, context), gate, Kept.of(firing.trigger));
            JobExecutionContextImpl context = new JobExecutionContextImpl(scheduler, bundle, guarded);
            while (true) {
                Decision decision = gate.decide(context, false);
                if (decision instanceof Decision.Skip) {
                    log.add(name + " is refused " + firing);
                    return;
                }
                Gate.leave(context, decision);
                try {
                    guarded.execute(context);
                    return;
                } catch (JobExecutionException failed) {
                    if (!failed.refireImmediately()) {
                        return;
                    }
                    context.incrementRefireCount();
                } catch (IllegalStateException broken) {
                    return;
                }
            }
        }
    }

    /** Returns what went wrong; empty if nothing did. */
    List<String> play() {
        for (int n = 0; n < STEPS && faults.isEmpty(); n++) {
            if (pending.isEmpty() || random.nextInt(3) == 0) {
                plan();
            } else {
                Pending next = pending.remove(random.nextInt(pending.size()));
                next.replica().fire(next.firing());
            }
            if (random.nextInt(5) == 0) {
                world.ticker.advance(Duration.ofMillis(random.nextInt(5_000)));
            }
            firings.values().forEach(this::judge);
        }
        if (!faults.isEmpty()) {
            faults.addAll(log);
        }
        return faults;
    }

    /** Both replicas fire it, one perhaps long after the other. */
    private void plan() {
        boolean exclusive = random.nextBoolean();
        Instant planned = begin.plus(INTERVAL.multipliedBy(++times));
        OperableTrigger trigger = (OperableTrigger) TriggerBuilder.newTrigger()
                .withIdentity(exclusive ? "exclusive" : "plain")
                .forJob(exclusive ? "exclusive" : "plain")
                .startAt(Date.from(begin))
                .withSchedule(SimpleScheduleBuilder.simpleSchedule()
                        .withIntervalInMilliseconds(INTERVAL.toMillis())
                        .repeatForever())
                .build();
        JobDetail job = Jobs.job(exclusive ? "exclusive" : "plain", exclusive ? ExclusiveJob.class : PlainJob.class);
        Firing firing = new Firing(trigger, job, Date.from(planned));
        for (int n = random.nextInt(4); n > 0; n--) {
            firing.acts.add(Act.REFIRE);
        }
        firing.acts.add(Act.values()[random.nextInt(3)]);
        log.add("plan " + firing + ": " + firing.acts);
        firings.put(firing.toString(), firing);
        replicas.forEach(replica -> pending.add(new Pending(replica, firing)));
    }

    private void work(Replica replica, Firing firing, JobExecutionContext context) throws JobExecutionException {
        GuardedRun run = CurrentRun.get();
        Act act = firing.acts.poll();
        log.add(replica.name + " works on " + firing + ": " + act + ", refired " + context.getRefireCount());
        firing.identity = run.identity();
        if (act == null || (firing.by != null && !firing.by.equals(replica.name))) {
            faults.add("ran again: " + firing);
            return;
        }
        firing.by = replica.name;
        firing.last = act;
        if (random.nextInt(10) == 0) {
            world.ticker.advance(Duration.ofSeconds(random.nextInt(8)));
        }
        switch (act) {
            case SUCCEED -> {}
            case FAIL -> throw new JobExecutionException("failed", false);
            case BREAK -> throw new IllegalStateException("broken");
            case REFIRE -> {
                JobExecutionException again = new JobExecutionException("again", true);
                if (mutant == Mutant.CLOSES_WHAT_IS_REFIRED) {
                    run.close();
                } else if (mutant == Mutant.ENDS_WHAT_IS_REFIRED) {
                    run.fail(again);
                }
                throw again;
            }
        }
    }

    private void judge(Firing firing) {
        JobIdentity identity = firing.identity;
        if (identity == null) {
            return;
        }
        if (!firing.acts.isEmpty()) {
            faults.add("wanted to be refired, and was not: " + firing);
        }
        RunState state = world.ledger
                .entry(identity)
                .toCompletableFuture()
                .join()
                .map(LedgerEntry::state)
                .orElse(null);
        RunState right = firing.last == Act.SUCCEED ? RunState.DONE : RunState.FAILED_FOR_GOOD;
        if (state != right) {
            faults.add(firing + " is " + state + " and not " + right);
        }
    }
}
