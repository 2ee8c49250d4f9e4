package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger.TriggerState;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;

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
        TRIGGER {
            @Override
            void pause(Scheduler scheduler) throws SchedulerException {
                scheduler.pauseTrigger(ONCE);
            }

            @Override
            void resume(Scheduler scheduler) throws SchedulerException {
                scheduler.resumeTrigger(ONCE);
            }
        },
        GROUP_OF_TRIGGERS {
            @Override
            void pause(Scheduler scheduler) throws SchedulerException {
                scheduler.pauseTriggers(GroupMatcher.triggerGroupEquals(ONCE.getGroup()));
            }

            @Override
            void resume(Scheduler scheduler) throws SchedulerException {
                scheduler.resumeTriggers(GroupMatcher.triggerGroupEquals(ONCE.getGroup()));
            }
        },
        JOB {
            @Override
            void pause(Scheduler scheduler) throws SchedulerException {
                scheduler.pauseJob(CHAIN);
            }

            @Override
            void resume(Scheduler scheduler) throws SchedulerException {
                scheduler.resumeJob(CHAIN);
            }
        },
        ALL {
            @Override
            void pause(Scheduler scheduler) throws SchedulerException {
                scheduler.pauseAll();
            }

            @Override
            void resume(Scheduler scheduler) throws SchedulerException {
                scheduler.resumeAll();
            }
        };

        abstract void pause(Scheduler scheduler) throws SchedulerException;

        abstract void resume(Scheduler scheduler) throws SchedulerException;
    }

    private GuardedRun refused(Way way, boolean pauses) throws Exception {
        GuardedRun holder = holder();
        RacedStore.beforeReplacing(() -> {
            if (pauses) {
                way.pause(scheduler);
            } else {
                way.resume(scheduler);
            }
            return null;
        });
        scheduler.scheduleJob(
                Jobs.job("chain", ExclusiveJob.class),
                Jobs.once("once", WallClock.now()).build());
        fleet.start();
        await().until(RacedStore::hasReplaced);
        return holder;
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void what_is_paused_meanwhile_waits_paused(Way way) throws Exception {
        GuardedRun holder = refused(way, true);
        await().until(() -> scheduler.getTriggerState(ONCE) == TriggerState.PAUSED);
        holder.close();
        assertThat(fleet.probe().count()).isZero();
        way.resume(scheduler);
        await().until(() -> fleet.probe().ended() == 1);
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void what_is_resumed_meanwhile_runs(Way way) throws Exception {
        Fleet.beforeItIsDecided(scheduler, context -> way.pause(context.getScheduler()));
        GuardedRun holder = refused(way, false);
        holder.close();
        await().until(() -> fleet.probe().ended() == 1);
    }
}
