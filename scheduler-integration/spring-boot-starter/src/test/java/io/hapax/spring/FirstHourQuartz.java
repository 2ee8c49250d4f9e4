package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.redis.RedissonLeaseStore;
import java.time.Duration;
import java.util.Properties;
import org.quartz.Scheduler;
import org.quartz.impl.StdSchedulerFactory;
import org.slf4j.LoggerFactory;

/** An application with Quartz and without Spring, on the logging library that it has; it says what it saw, and ends. */
public final class FirstHourQuartz {

    /** What a busy machine needs: the longest that the usual ttl allows. */
    private static final Duration PATIENCE = Duration.ofSeconds(6);

    private FirstHourQuartz() {}

    /** Takes the address of a Redis and a namespace that is new there. */
    public static void main(String[] settings) throws Exception {
        System.out.println(
                "logs with " + LoggerFactory.getILoggerFactory().getClass().getName());
        Properties quartz = new Properties();
        quartz.setProperty("org.quartz.scheduler.instanceName", "billing");
        quartz.setProperty("org.quartz.scheduler.skipUpdateCheck", "true");
        quartz.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        quartz.setProperty("org.quartz.threadPool.threadCount", "1");
        quartz.setProperty("org.quartz.plugin.hapax.class", "io.hapax.quartz.HapaxPlugin");
        quartz.setProperty("org.quartz.plugin.hapax.redisUrl", settings[0]);
        quartz.setProperty("org.quartz.plugin.hapax.namespace", settings[1]);
        quartz.setProperty("org.quartz.plugin.hapax.answerTimeout", PATIENCE.toSeconds() + "s");
        Scheduler scheduler = new StdSchedulerFactory(quartz).getScheduler();
        scheduler.start();
        try (RedissonLeaseStore store = RedissonLeaseStore.builder()
                        .url(settings[0])
                        .namespace(settings[1])
                        .answerTimeout(PATIENCE)
                        .build();
                JobGuard guard = JobGuard.builder(store).build()) {
            System.out.println(guard.run(RunRequest.lock("report"), run -> "guarded too early"));
        } finally {
            scheduler.shutdown(true);
        }
        System.out.println("well ended");
    }
}
