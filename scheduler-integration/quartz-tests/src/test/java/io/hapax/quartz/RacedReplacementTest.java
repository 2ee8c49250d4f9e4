package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.quartz.JobKey;
import org.quartz.ListenerManager;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SchedulerListener;
import org.quartz.Trigger.TriggerState;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.listeners.SchedulerListenerSupport;

/** A pause, or the end of one, that comes while a refused firing is being stored as its next attempt is not lost with the old trigger. */
@Tag("slow")
class RacedReplacementTest {

    private static final TriggerKey ONCE = TriggerKey.triggerKey("once");
    private static final JobKey CHAIN = JobKey.jobKey("chain");

    private final Fleet fleet = Fleet.guarded();
    private Scheduler scheduler;

    @BeforeEach
    void start() throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.jobStore.class", RacedStore.class.getName());
        scheduler = fleet.replica("a", properties);
    }

    @AfterEach
    void stop() throws Exception {
        fleet.close();
    }

    private GuardedRun holder() throws InterruptedException {
        return ((Admitted) fleet.guard(0)
                        .admit(RunRequest.lock("fleet/DEFAULT/chain").ttl(Duration.ofHours(1))))
                .run();
    }

    /** As somebody says it. */
    enum Way {
        TRIGGER(scheduler -> scheduler.pauseTrigger(ONCE), scheduler -> scheduler.resumeTrigger(ONCE)),
        GROUP_OF_TRIGGERS(
                scheduler -> scheduler.pauseTriggers(GroupMatcher.triggerGroupEquals(ONCE.getGroup())),
                scheduler -> scheduler.resumeTriggers(GroupMatcher.triggerGroupEquals(ONCE.getGroup()))),
        JOB(scheduler -> scheduler.pauseJob(CHAIN), scheduler -> scheduler.resumeJob(CHAIN)),
        ALL(Scheduler::pauseAll, Scheduler::resumeAll);

        private final Operation pause;
        private final Operation resume;

        Way(Operation pause, Operation resume) {
            this.pause = pause;
            this.resume = resume;
        }

        void pause(Scheduler scheduler) throws Exception {
            pause.on(scheduler);
        }

        void resume(Scheduler scheduler) throws Exception {
            resume.on(scheduler);
        }
    }

    private interface Operation {
        void on(Scheduler scheduler) throws Exception;
    }

    /** A one-shot that was refused once somebody has done something just before it was replaced, and what holds its key. */
    private GuardedRun refused(Operation meanwhile) throws Exception {
        GuardedRun holder = holder();
        Outcomes outcomes = Outcomes.of(scheduler);
        RacedStore.beforeReplacing(() -> {
            meanwhile.on(scheduler);
            return null;
        });
        scheduler.scheduleJob(
                Jobs.job("chain", ExclusiveJob.class),
                Jobs.once("once", WallClock.now()).build());
        fleet.start();
        await().until(() -> !outcomes.vetoed().isEmpty());
        assertThat(RacedStore.hasReplaced()).isTrue();
        return holder;
    }

    /** Another job, which is due after the one-shot, has run, and the one-shot has not. */
    private void staysPaused() throws SchedulerException {
        assertThat(scheduler.getTriggerState(ONCE)).isEqualTo(TriggerState.PAUSED);
        Instant after = scheduler.getTrigger(ONCE).getStartTime().toInstant().plusMillis(1);
        scheduler.scheduleJob(
                Jobs.job("marker"),
                Jobs.once("marker", after).withIdentity("marker", "markers").build());
        await().until(() -> fleet.probe().ended() == 1);
        assertThat(fleet.probe().entries()).extracting(Probe.Entry::job).containsExactly("marker");
    }

    /**
     * What counts is what was said last. Of a whole group, and of all, the store remembers the pause itself; there it must not be undone by
     * what was said of the trigger before.
     */
    @ParameterizedTest
    @EnumSource(Way.class)
    void what_is_paused_meanwhile_waits_paused(Way way) throws Exception {
        GuardedRun holder = refused(meanwhile -> {
            meanwhile.resumeTrigger(ONCE);
            way.pause(meanwhile);
        });
        holder.close();
        staysPaused();
        way.resume(scheduler);
        await().until(() -> fleet.probe().ended() == 2);
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void what_is_resumed_meanwhile_runs(Way way) throws Exception {
        Fleet.beforeItIsDecided(scheduler, context -> way.pause(context.getScheduler()));
        GuardedRun holder = refused(way::resume);
        holder.close();
        await().until(() -> fleet.probe().ended() == 1);
    }

    /** Quartz leaves triggers paused whose jobs are, where a group of triggers is resumed. */
    @Test
    void what_is_resumed_meanwhile_but_for_its_job_waits_paused() throws Exception {
        GroupMatcher<JobKey> jobs = GroupMatcher.jobGroupEquals(CHAIN.getGroup());
        Fleet.beforeItIsDecided(scheduler, context -> context.getScheduler().pauseJobs(jobs));
        GuardedRun holder = refused(Way.GROUP_OF_TRIGGERS::resume);
        holder.close();
        assertThat(scheduler.getTriggerState(ONCE)).isEqualTo(TriggerState.PAUSED);
        scheduler.resumeJobs(jobs);
        await().until(() -> fleet.probe().ended() == 1);
    }

    /** Says something whose listeners are told only when they are let. */
    private final class LateNews extends SchedulerListenerSupport {
        private final CountDownLatch done = new CountDownLatch(1);
        private final CountDownLatch told = new CountDownLatch(1);
        private final Thread operator;

        LateNews(Operation operation) throws SchedulerException {
            operator = new Thread(() -> {
                try {
                    operation.on(scheduler);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            // Listeners are told in the order in which they came.
            ListenerManager listeners = scheduler.getListenerManager();
            SchedulerListener ours = listeners.getSchedulerListeners().stream()
                    .filter(Replacements.class::isInstance)
                    .findFirst()
                    .orElseThrow();
            assertThat(listeners.removeSchedulerListener(ours)).isTrue();
            listeners.addSchedulerListener(this);
            listeners.addSchedulerListener(ours);
        }

        void doIt() throws InterruptedException {
            operator.start();
            done.await();
        }

        void tell() throws InterruptedException {
            told.countDown();
            operator.join();
        }

        private void late() {
            if (Thread.currentThread() != operator) {
                return;
            }
            done.countDown();
            try {
                told.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void triggerPaused(@Nullable TriggerKey trigger) {
            late();
        }

        @Override
        public void triggerResumed(@Nullable TriggerKey trigger) {
            late();
        }

        @Override
        public void triggersResumed(@Nullable String group) {
            late();
        }

        @Override
        public void jobPaused(JobKey job) {
            late();
        }

        @Override
        public void jobResumed(JobKey job) {
            late();
        }
    }

    /** As behind a slow listener. Of the others, the store remembers the pause itself. */
    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"TRIGGER", "JOB"})
    void what_is_paused_meanwhile_waits_paused_also_if_quartz_tells_it_when_it_waits(Way way) throws Exception {
        LateNews news = new LateNews(way::pause);
        GuardedRun holder = refused(meanwhile -> news.doIt());
        news.tell();
        holder.close();
        staysPaused();
        way.resume(scheduler);
        await().until(() -> fleet.probe().ended() == 2);
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void what_is_resumed_meanwhile_runs_also_if_quartz_tells_it_when_it_waits(Way way) throws Exception {
        Fleet.beforeItIsDecided(scheduler, context -> way.pause(context.getScheduler()));
        LateNews news = new LateNews(way::resume);
        GuardedRun holder = refused(meanwhile -> news.doIt());
        assertThat(scheduler.getTriggerState(ONCE)).isEqualTo(TriggerState.PAUSED);
        news.tell();
        holder.close();
        await().until(() -> fleet.probe().ended() == 1);
    }

    /** It is stored, and runs: it is only not paused. */
    @Test
    @ResourceLock(Logs.LOGGERS)
    void a_pause_that_cannot_be_said_again_is_no_lost_firing_and_the_log_says_so() throws Exception {
        try (Logs logs = Logs.of("io.hapax.quartz")) {
            GuardedRun holder = refused(meanwhile -> {
                meanwhile.pauseTrigger(ONCE);
                RacedStore.failPause();
            });
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(logs.lines())
                    .noneMatch(line -> line.contains("LOST"))
                    .anyMatch(line -> line.startsWith("WARN job DEFAULT.chain")
                            && line.contains("its trigger DEFAULT.once meanwhile, which could not be said again"));
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void a_pause_that_is_told_late_and_cannot_be_said_again_is_in_the_log() throws Exception {
        try (Logs logs = Logs.of("io.hapax.quartz")) {
            LateNews news = new LateNews(Way.TRIGGER::pause);
            GuardedRun holder = refused(meanwhile -> {
                news.doIt();
                RacedStore.failPause();
            });
            news.tell();
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(logs.lines())
                    .anyMatch(line -> line.startsWith("WARN trigger DEFAULT.once was paused or resumed while"));
        }
    }
}
