package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;

/** Two replicas that are guarded by lines of {@code quartz.properties} and a real Redis, without a line of code. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class RedisByPropertiesTest {

    private static Scheduler replica(String url, String namespace) throws Exception {
        String text = String.format(Locale.ROOT, """
                org.quartz.scheduler.instanceName = billing
                org.quartz.scheduler.skipUpdateCheck = true
                org.quartz.threadPool.class = org.quartz.simpl.SimpleThreadPool
                org.quartz.threadPool.threadCount = 3
                org.quartz.plugin.hapax.class = io.hapax.quartz.HapaxPlugin
                org.quartz.plugin.hapax.redisUrl = %s
                org.quartz.plugin.hapax.namespace = %s
                org.quartz.plugin.hapax.firstStart = %s
                org.quartz.plugin.hapax.ttl = 6s
                """, url, namespace, WallClock.now());
        Properties properties = new Properties();
        properties.load(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        return Fleet.create(properties);
    }

    @Test
    void each_firing_runs_once_in_the_fleet() throws Exception {
        EmbeddedRedis redis = EmbeddedRedis.shared();
        String namespace = "quartz-" + ProcessHandle.current().pid();
        Probe probe = new Probe();
        Scheduler first = replica(redis.url(), namespace);
        Scheduler second = replica(redis.url(), namespace);
        try {
            for (Scheduler scheduler : List.of(first, second)) {
                probe.attach(scheduler, scheduler == first ? "a" : "b");
                scheduler.scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
                scheduler.start();
            }
            await().until(() -> probe.timesOf("tick").size() >= 5);
            assertThat(probe.timesOf("tick").values()).containsOnly(1L);
            assertThat(redis.command("KEYS", "*" + namespace + "*")).contains(namespace);
        } finally {
            first.shutdown(true);
            second.shutdown(true);
        }
    }

    @Test
    void a_job_at_work_keeps_its_lease_when_its_scheduler_is_gone_and_is_then_known_to_be_done() throws Exception {
        EmbeddedRedis redis = EmbeddedRedis.shared();
        String namespace = "quartz-shutdown-" + ProcessHandle.current().pid();
        CountDownLatch mayEnd = new CountDownLatch(1);
        AtomicReference<GuardedRun> run = new AtomicReference<>();
        Probe probe = new Probe().body(context -> {
            run.set(CurrentRun.get());
            mayEnd.await();
        });
        Instant start = WallClock.now().truncatedTo(ChronoUnit.MILLIS);
        Scheduler leaver = replica(redis.url(), namespace);
        start(leaver, probe, start);
        await().until(() -> run.get() != null);

        leaver.shutdown(false);
        Duration ttl = run.get().options().ttl();
        await().during(ttl.plusMillis(500)).until(() -> run.get().isHeld());
        mayEnd.countDown();
        await().until(() -> probe.ended() == 1 && !run.get().isHeld());

        Scheduler other = replica(redis.url(), namespace);
        Outcomes outcomes = Outcomes.of(other);
        try {
            start(other, probe, start);
            await().until(() -> !outcomes.vetoed().isEmpty());
            assertThat(probe.count()).isEqualTo(1);
            assertThat(run.get().lost()).isEmpty();
        } finally {
            other.shutdown(true);
        }
    }

    private static void start(Scheduler scheduler, Probe probe, Instant start) throws SchedulerException {
        probe.attach(scheduler, "any");
        scheduler.scheduleJob(Jobs.job("order"), Jobs.once("once", start).build());
        scheduler.start();
    }
}
