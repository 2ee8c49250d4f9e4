package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.PlacementContract;
import io.hapax.time.Ticker;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.Method;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.quartz.ExecuteInJTATransaction;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.listeners.JobListenerSupport;

/** Jobs with an annotation on a method that Quartz never calls. */
class PlacementTest extends PlacementContract {

    /** As Spring's QuartzJobBean is. */
    abstract static class JobBean implements Job {
        @Override
        public final void execute(JobExecutionContext context) {
            executeInternal(context);
        }

        protected abstract void executeInternal(JobExecutionContext context);
    }

    public static class InternalJob extends JobBean {
        @Override
        @Guarded(ttl = "10s")
        protected void executeInternal(JobExecutionContext context) {}
    }

    public static class HeirJob extends InternalJob {}

    @Guarded(ttl = "10s")
    @Retention(RetentionPolicy.RUNTIME)
    @interface Composed {}

    public static class HelpedJob extends Probe.PlainJob {
        @Composed
        private static void help() {}

        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            help();
            super.execute(context);
        }
    }

    interface Part {
        @Guarded(key = "part")
        default void part() {}
    }

    public static class PartJob extends Probe.PlainJob implements Part {}

    @Guarded(ttl = "10s")
    public static class FineJob extends Probe.PlainJob {
        @Guarded(enabled = false)
        public void help() {}

        @Override
        @Guarded(ttl = "20s")
        public void execute(JobExecutionContext context) throws JobExecutionException {
            super.execute(context);
        }
    }

    @Override
    protected List<Method> unguardable() {
        return Stream.of(InternalJob.class, HelpedJob.class, Part.class)
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .filter(method -> !method.isSynthetic() && !method.getName().equals("execute"))
                .toList();
    }

    @Override
    protected boolean hasResults() {
        return false;
    }

    @Override
    protected String refusal(Method method) throws Exception {
        Class<? extends Job> type = method.getDeclaringClass() == Part.class
                ? PartJob.class
                : method.getDeclaringClass().asSubclass(Job.class);
        return atStart(type);
    }

    /** What the installation says of a scheduler that has the job already. */
    private static String atStart(Class<? extends Job> type) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "placement");
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        Scheduler scheduler = Fleet.create(properties);
        scheduler.addJob(Jobs.job("misplaced", type), false);
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .closesStore()
                .build()) {
            HapaxPlugin.install(scheduler, guard);
            return "";
        } catch (SchedulerException refused) {
            return String.valueOf(refused.getMessage());
        } finally {
            scheduler.shutdown();
        }
    }

    @Test
    void an_inherited_method_is_seen_too() throws Exception {
        assertThat(atStart(HeirJob.class)).contains("executeInternal").contains("put it on the class");
    }

    @ExecuteInJTATransaction
    public static class JtaJob extends Probe.PlainJob {}

    public static class HeirOfJtaJob extends JtaJob {}

    @Test
    void a_job_in_a_transaction_that_quartz_commits_after_it_is_refused() throws Exception {
        assertThat(atStart(JtaJob.class)).contains("@ExecuteInJTATransaction").contains("JtaJob");
        assertThat(atStart(HeirOfJtaJob.class)).contains("@ExecuteInJTATransaction");
    }

    @Test
    void the_class_and_the_method_that_quartz_calls_are_fine() throws Exception {
        assertThat(atStart(FineJob.class)).isEmpty();
    }

    @Test
    void a_job_that_comes_later_fails_at_its_first_firing() throws Exception {
        List<String> failures = new CopyOnWriteArrayList<>();
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.getListenerManager().addJobListener(new JobListenerSupport() {
                @Override
                public String getName() {
                    return "failures";
                }

                @Override
                public void jobWasExecuted(JobExecutionContext context, JobExecutionException failure) {
                    failures.add(failure == null ? "ran" : failure.getMessage());
                }
            });
            fleet.start();
            scheduler.scheduleJob(
                    Jobs.job("late", InternalJob.class),
                    Jobs.once("now", Instant.EPOCH).build());
            await().until(() -> failures.size() == 1);
            assertThat(scheduler.checkExists(JobKey.jobKey("late"))).isTrue();
        }
        assertThat(failures.get(0)).contains("InternalJob.executeInternal").contains("put it on the class");
    }
}
