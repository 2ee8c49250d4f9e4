package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStore;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.CronScheduleBuilder;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.simpl.RAMJobStore;
import org.quartz.spi.OperableTrigger;

/** A firing that is due while the store does not answer is not run then, and not lost. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class SilentStoreTest {

    private static final String[] NIGHTLY = {
        "job of cron", "job of simple", "job of calendar", "job of daily", "job of once"
    };

    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final FaultyLeaseStore store = new FaultyLeaseStore(memory);

    private static List<Trigger> nightly() {
        List<Trigger> triggers = new ArrayList<>();
        FirstStartTest.nightly().forEach(each -> triggers.add(each.build()));
        return triggers;
    }

    private static void schedule(Scheduler scheduler, List<Trigger> triggers) throws SchedulerException {
        for (Trigger trigger : triggers) {
            scheduler.scheduleJob(Jobs.job("job of " + trigger.getKey().getName()), trigger);
        }
    }

    private static Trigger everyThreeSeconds() {
        return TriggerBuilder.newTrigger()
                .withIdentity("tick")
                .withSchedule(CronScheduleBuilder.cronSchedule("*/3 * * * * ?"))
                .build();
    }

    private static List<Trigger> waiting(Scheduler scheduler) throws SchedulerException {
        List<Trigger> waiting = new ArrayList<>();
        for (TriggerKey key : scheduler.getTriggerKeys(GroupMatcher.triggerGroupEquals(RetryTriggers.GROUP))) {
            Trigger trigger = scheduler.getTrigger(key);
            if (trigger != null) {
                waiting.add(trigger);
            }
        }
        return waiting;
    }

    /** How many firings were refused with the verdict at least so often. */
    private static long refused(Fleet fleet, Verdict verdict, int times) {
        List<GuardEvent.Refused> refusals = fleet.events(GuardEvent.Refused.class).stream()
                .filter(event -> event.refusal().verdict() == verdict)
                .toList();
        return refusals.stream()
                .map(event -> event.identity().runKey())
                .distinct()
                .filter(run -> refusals.stream()
                                .filter(event -> run != null
                                        && run.equals(event.identity().runKey()))
                                .count()
                        >= times)
                .count();
    }

    private static List<String> jobs(Fleet fleet) {
        return fleet.probe().entries().stream().map(Probe.Entry::job).toList();
    }

    @Test
    void what_was_due_meanwhile_runs_once_on_replicas_with_triggers_in_memory() throws Exception {
        store.failAcquires();
        try (Fleet fleet = Fleet.on(store)) {
            List<Trigger> triggers = nightly();
            Scheduler one = fleet.replica("a");
            Scheduler other = fleet.replica("b");
            schedule(one, triggers);
            schedule(other, triggers);
            fleet.start();
            await().until(() -> refused(fleet, Verdict.UNAVAILABLE, 4) == NIGHTLY.length);
            assertThat(fleet.probe().count()).isZero();
            store.healthy();
            await().until(() -> fleet.probe().ended() >= NIGHTLY.length
                    && waiting(one).isEmpty()
                    && waiting(other).isEmpty());
            assertThat(jobs(fleet)).containsExactlyInAnyOrder(NIGHTLY);
        }
    }

    /** A job store of somebody else's that fails once when the trigger of a waiting firing is looked at. Quartz creates it. */
    public static final class DefectiveStore extends RAMJobStore {

        private static final AtomicBoolean FAILS = new AtomicBoolean();

        @Override
        public OperableTrigger retrieveTrigger(TriggerKey key) {
            boolean isLookedAt = StackWalker.getInstance()
                    .walk(frames ->
                            frames.anyMatch(frame -> frame.getMethodName().equals("hindrance")));
            if (isLookedAt && FAILS.getAndSet(false)) {
                throw new IllegalStateException("injected: no trigger can be read");
            }
            return super.retrieveTrigger(key);
        }
    }

    @Test
    void a_firing_that_waits_runs_also_if_the_job_store_fails_when_its_trigger_is_looked_at() throws Exception {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.jobStore.class", DefectiveStore.class.getName());
        store.failAcquires();
        try (Fleet fleet = Fleet.on(store)) {
            Scheduler scheduler = fleet.replica("a", properties);
            schedule(scheduler, List.of(Jobs.nowAndDaily("daily", WallClock.now())));
            DefectiveStore.FAILS.set(true);
            fleet.start();
            await().until(() -> !DefectiveStore.FAILS.get());
            store.healthy();
            await().until(() -> fleet.probe().ended() == 1 && waiting(scheduler).isEmpty());
        }
    }

    @Test
    void nobody_asks_any_more_when_others_may_have_forgotten_that_they_have_run_it() throws Exception {
        Duration retention = Duration.ofSeconds(3);
        store.failAcquires();
        try (Fleet fleet = Fleet.on(store).shortTtl()) {
            Scheduler scheduler = fleet.replica("a");
            Trigger trigger = Jobs.nowAndDaily("daily", WallClock.now())
                    .getTriggerBuilder()
                    // Else it stands for a day, and is remembered for as long.
                    .usingJobData("hapax.fixedStart", "true")
                    .usingJobData("hapax.retention", retention.toString())
                    .build();
            scheduler.scheduleJob(Jobs.job("report"), trigger);
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            scheduler.pauseTrigger(trigger.getKey());
            Instant paused = WallClock.now();
            await().until(() -> WallClock.now().isAfter(paused.plus(retention)));
            // Whoever was asking when it was paused has been refused by now.
            store.healthy();
            scheduler.resumeTrigger(trigger.getKey());
            await().until(() -> waiting(scheduler).isEmpty());
            assertThat(fleet.probe().count()).isZero();
        }
    }

    @Test
    void what_was_due_meanwhile_runs_once_on_the_nodes_of_a_cluster() throws Exception {
        Cluster cluster = Cluster.create();
        store.failAcquires();
        try (Fleet fleet = Fleet.on(store)) {
            Scheduler node = cluster.node(fleet);
            schedule(node, nightly());
            cluster.node(fleet);
            fleet.start();
            await().until(() -> refused(fleet, Verdict.UNAVAILABLE, 2) == NIGHTLY.length);
            store.healthy();
            await().until(() ->
                    fleet.probe().ended() >= NIGHTLY.length && waiting(node).isEmpty());
            assertThat(jobs(fleet)).containsExactlyInAnyOrder(NIGHTLY);
        }
    }

    @Test
    void what_another_replica_has_run_meanwhile_is_over() throws Exception {
        store.failAcquires();
        LeaseStore shared = new ForwardingLeaseStore(memory) {};
        try (Fleet cutOff = Fleet.on(store);
                Fleet other = Fleet.on(shared)) {
            List<Trigger> triggers = nightly();
            schedule(cutOff.replica("a"), triggers);
            schedule(other.replica("b"), triggers);
            cutOff.start();
            other.start();
            await().until(() -> other.probe().ended() >= NIGHTLY.length
                    && refused(cutOff, Verdict.UNAVAILABLE, 1) == NIGHTLY.length);
            store.healthy();
            await().until(() -> refused(cutOff, Verdict.DONE, 1) == NIGHTLY.length);
            assertThat(jobs(cutOff)).isEmpty();
            assertThat(jobs(other)).containsExactlyInAnyOrder(NIGHTLY);
        }
    }

    @Test
    void what_comes_again_within_the_ttl_is_not_made_up_for() throws Exception {
        store.failAcquires();
        try (Fleet fleet = Fleet.on(store).options(all -> all.withTtl(Duration.ofSeconds(30)))) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
            fleet.start();
            await().until(() -> refused(fleet, Verdict.UNAVAILABLE, 1) >= 2);
            assertThat(waiting(scheduler)).isEmpty();
        }
    }

    @Test
    void a_firing_is_given_up_when_the_next_one_of_its_trigger_is_due() throws Exception {
        store.failAcquires();
        try (Fleet fleet = Fleet.on(store).options(all -> all.withTtl(Duration.ofSeconds(1)))) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(Jobs.job("tick"), everyThreeSeconds());
            fleet.start();
            TriggerKey first = await().until(() -> waiting(scheduler), found -> !found.isEmpty())
                    .get(0)
                    .getKey();
            await().until(() -> {
                List<Trigger> waiting = waiting(scheduler);
                return !waiting.isEmpty()
                        && waiting.stream()
                                .noneMatch(trigger -> trigger.getKey().equals(first));
            });
        }
    }

    @Test
    void a_firing_is_given_up_when_other_replicas_may_have_forgotten_that_they_have_run_it() throws Exception {
        store.failAcquires();
        try (Fleet fleet = Fleet.on(store).shortTtl().options(all -> all.withRetention(Duration.ofSeconds(10)))) {
            Scheduler scheduler = fleet.replica("a");
            Trigger trigger = TriggerBuilder.newTrigger()
                    .withIdentity("cron")
                    .withSchedule(FirstStartTest.daily(WallClock.now().plusSeconds(1)))
                    .build();
            scheduler.scheduleJob(Jobs.job("nightly"), trigger);
            fleet.start();
            await().until(() -> refused(fleet, Verdict.UNAVAILABLE, 2) == 1);
            await().until(() -> waiting(scheduler).isEmpty()
                    && scheduler.getCurrentlyExecutingJobs().isEmpty());
        }
    }

    @Test
    void who_waits_for_a_turn_stands_for_the_firings_that_are_skipped_on_its_account() throws Exception {
        try (Fleet fleet = Fleet.on(store)) {
            Scheduler scheduler = fleet.replica("a");
            GuardedRun holder = ((Admitted) fleet.guard(0)
                            .admit(RunRequest.lock("fleet/DEFAULT/tick").ttl(Duration.ofHours(1))))
                    .run();
            holder.enter();
            scheduler.scheduleJob(Jobs.job("tick", ExclusiveJob.class), Jobs.everySecond("each second"));
            fleet.start();
            Set<Instant> next = new HashSet<>();
            await().until(() -> {
                waiting(scheduler).forEach(trigger -> next.add(Kept.of(trigger).parentFiresNext()));
                return next.size() >= 3;
            });
            holder.close();
            boolean unused = Thread.interrupted();
            await().until(() -> fleet.probe().ended() >= 1);
        }
    }
}
