package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobBuilder;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;

/** Refused firings in the job store that the nodes of a cluster share. */
@Tag("slow")
class ClusteredRetryTest {

    private static final TriggerKey ONCE = TriggerKey.triggerKey("once");

    private Cluster cluster;

    @BeforeEach
    void create_the_tables() throws Exception {
        cluster = Cluster.create();
    }

    private static GuardedRun holder(Fleet fleet, String job) throws InterruptedException {
        return ((Admitted) fleet.guard(0)
                        .admit(RunRequest.lock("fleet/DEFAULT/" + job).ttl(Duration.ofHours(1))))
                .run();
    }

    @Test
    void two_triggers_of_a_job_that_must_not_overlap_run_as_often_as_on_one_node() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe()
                    .body(context ->
                            LockSupport.parkNanos(Duration.ofMillis(300).toNanos()));
            Scheduler first = cluster.node(fleet);
            cluster.node(fleet);
            first.addJob(Jobs.job("report", ExclusiveJob.class), false);
            for (String name : new String[] {"one", "two"}) {
                first.scheduleJob(TriggerBuilder.newTrigger()
                        .withIdentity(name)
                        .forJob("report")
                        .usingJobData("of", name)
                        .withSchedule(CronScheduleBuilder.cronSchedule("0/2 * * * * ?"))
                        .build());
            }
            fleet.start();
            for (String name : new String[] {"one", "two"}) {
                await().until(() -> inARow(completed(fleet, name)) >= 5);
            }
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(1);
        }
    }

    /** How many planned times there are at most before one is left out, as when the machine has stood still for longer than an interval. */
    private static long inARow(TreeSet<Instant> times) {
        return times.stream()
                .mapToLong(first -> Stream.iterate(first, times::contains, time -> time.plusSeconds(2))
                        .count())
                .max()
                .orElse(0);
    }

    private static TreeSet<Instant> completed(Fleet fleet, String trigger) {
        TreeSet<Instant> times = new TreeSet<>();
        String key = "fleet/DEFAULT/report/DEFAULT/" + trigger + "@";
        for (GuardEvent.Released event : fleet.events(GuardEvent.Released.class)) {
            String run = String.valueOf(event.lease().identity().runKey());
            if (event.outcome() == RunOutcome.COMPLETED && run.startsWith(key)) {
                times.add(Instant.parse(run.substring(key.length())));
            }
        }
        return times;
    }

    @Test
    void a_job_that_reschedules_its_own_trigger_keeps_its_chain_after_a_refusal() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> {
                if (fleet.probe().count() < 3) {
                    Trigger next = context.getTrigger()
                            .getTriggerBuilder()
                            .startAt(Date.from(WallClock.now().plusMillis(300)))
                            .build();
                    assertThat(context.getScheduler().rescheduleJob(ONCE, next)).isNotNull();
                }
            });
            Scheduler node = cluster.node(fleet);
            cluster.node(fleet);
            GuardedRun holder = holder(fleet, "chain");
            node.scheduleJob(
                    Jobs.job("chain", ExclusiveJob.class),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            holder.close();
            await().until(() -> fleet.probe().ended() == 3);
            await().until(() -> !node.checkExists(ONCE));
            assertThat(fleet.probe().entries()).extracting(Probe.Entry::trigger).containsOnly("once");
        }
    }

    @Test
    void the_recovery_of_a_firing_that_was_tried_again_is_the_same_one() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> mayEnd.await());
            Scheduler leaver = cluster.node(fleet);
            Scheduler peer = cluster.node(fleet);
            GuardedRun holder = holder(fleet, "report");
            leaver.scheduleJob(
                    JobBuilder.newJob(ExclusiveJob.class)
                            .withIdentity("report")
                            .requestRecovery()
                            .build(),
                    Jobs.once("once", WallClock.now()).build());
            leaver.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            holder.close();
            await().until(() -> fleet.probe().count() == 1);
            leaver.shutdown(false);
            mayEnd.countDown();
            await().until(() -> fleet.probe().ended() == 1);

            cluster.ageCheckInOf(leaver.getSchedulerInstanceId());
            peer.start();
            await().until(() -> fleet.probe().count() == 2
                    || fleet.events(GuardEvent.Refused.class).stream()
                            .anyMatch(event -> event.refusal().verdict() == Verdict.DONE));
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    @Test
    void a_firing_that_waits_is_the_same_one_for_the_node_that_comes_after_a_redeploy() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler old = cluster.node(fleet);
            GuardedRun holder = holder(fleet, "report");
            old.scheduleJob(
                    Jobs.job("report", ExclusiveJob.class),
                    Jobs.once("once", WallClock.now()).build());
            old.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            await().until(() -> old.checkExists(ONCE) && old.getTrigger(ONCE).getNextFireTime() != null);
            Instant due = old.getTrigger(ONCE).getStartTime().toInstant();
            old.shutdown(true);
            holder.close();

            // It has even missed its time.
            await().until(() -> WallClock.now().isAfter(due.plusMillis(200)));
            cluster.node(fleet, Duration.ofMillis(100)).start();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.probe().replicas()).containsExactly("node 2");
            assertThat(fleet.events(GuardEvent.Acquired.class).stream()
                            .map(event -> event.identity().runKey())
                            .filter(key -> key != null))
                    .containsExactly(fleet.events(GuardEvent.Refused.class)
                            .get(0)
                            .identity()
                            .runKey());
        }
    }
}
