package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.GuardedRun;
import io.hapax.LockMode;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.simpl.PropertySettingJobFactory;

/** Nothing of ours stands where job factories and jobs look. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class StrictFactoryTest {

    /** Refuses a job that has no property for an entry of its data, or of the scheduler's context. */
    public static class StrictFactory extends PropertySettingJobFactory {
        /** As Quartz makes it. */
        public StrictFactory() {
            setThrowIfPropertyNotFound(true);
        }
    }

    /** Has a property for each entry of the test's own. */
    public static class StrictJob extends PlainJob {
        static final Set<String> ORDERS = new ConcurrentSkipListSet<>();

        public void setProbe(Object probe) {
            assertThat(probe).isInstanceOf(Probe.class);
        }

        public void setReplica(String replica) {
            assertThat(replica).isEqualTo("a");
        }

        public void setOrder(String order) {
            ORDERS.add(order);
        }
    }

    private static Scheduler strict(Fleet fleet) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.jobFactory.class", StrictFactory.class.getName());
        return fleet.replica("a", properties);
    }

    private static JobBuilder order(String order) {
        return JobBuilder.newJob(StrictJob.class).withIdentity(order).usingJobData("order", order);
    }

    @Test
    void a_strict_factory_makes_jobs_as_without_a_guard() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            strict(fleet)
                    .scheduleJob(
                            order("plain").build(),
                            Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(StrictJob.ORDERS).contains("plain");
        }
    }

    @Test
    void a_strict_factory_makes_jobs_with_settings_in_their_data_that_are_tried_again() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = strict(fleet);
            GuardedRun holder =
                    ((Admitted) fleet.guard(0).admit(RunRequest.lock("settings").ttl(Duration.ofHours(1)))).run();
            scheduler.scheduleJob(
                    order("settings")
                            .usingJobData("hapax.lockKey", "settings")
                            .usingJobData("hapax.onConflict", "RESCHEDULE")
                            .build(),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(StrictJob.ORDERS).contains("settings");
        }
    }

    @Test
    void a_job_that_was_queued_and_tried_again_sees_nothing_of_ours() throws Exception {
        Set<String> seen = new ConcurrentSkipListSet<>();
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            fleet.probe().body(context -> seen.addAll(visible(context)));
            GuardedRun holder =
                    ((Admitted) fleet.guard(0).admit(RunRequest.lock("import/7").ttl(Duration.ofHours(1)))).run();
            HapaxPlugin.of(scheduler)
                    .scheduleUnique(
                            JobBuilder.newJob(LockModeTest.ImportJob.class)
                                    .withIdentity("import")
                                    .usingJobData("id", "7")
                                    .usingJobData("hapax.mode", LockMode.UNTIL_EXECUTED.name())
                                    .build(),
                            Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
            // What the user has written stays.
            assertThat(seen).containsExactly("hapax.mode", "id", "probe", "replica");
        }
    }

    private static Set<String> visible(JobExecutionContext context) throws SchedulerException {
        Set<String> names = new TreeSet<>(context.getMergedJobDataMap().keySet());
        names.addAll(context.getJobDetail().getJobDataMap().keySet());
        names.addAll(context.getTrigger().getJobDataMap().keySet());
        names.addAll(context.getScheduler().getContext().keySet());
        return names;
    }
}
