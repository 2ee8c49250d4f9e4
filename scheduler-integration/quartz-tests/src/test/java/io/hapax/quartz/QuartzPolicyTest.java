package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.PolicyContract;
import io.hapax.time.Ticker;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDataMap;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

class QuartzPolicyTest extends PolicyContract {

    private static final Map<String, Found> FOUND = new ConcurrentHashMap<>();

    /** An annotation that has the guard's. */
    @Retention(RetentionPolicy.RUNTIME)
    @Guarded(key = METHOD_KEY, ttl = METHOD_TTL)
    @interface Composed {}

    private static Found current() {
        GuardedRun run = CurrentRun.get();
        return new Found(
                run.identity().lock().orElseThrow().value(),
                run.lease().orElseThrow().ttl());
    }

    private static void note(JobExecutionContext context) {
        FOUND.put(context.getTrigger().getKey().getName(), current());
    }

    /** Its method has a key alone. */
    public static class KeyOnly implements Job {
        @Override
        @Guarded(key = METHOD_KEY)
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** Its method states both. */
    public static class OnMethod implements Job {
        @Override
        @Guarded(key = METHOD_KEY, ttl = METHOD_TTL)
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** Its method has another annotation. */
    public static class ByComposed implements Job {
        @Override
        @Composed
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** The class states both. */
    @Guarded(key = TYPE_KEY, ttl = TYPE_TTL)
    public static class OnClass implements Job {
        @Override
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** Its superclass does. */
    public static class OnSuperclass extends OnClass {
        @Override
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** States both for all who implement it. */
    @Guarded(key = TYPE_KEY, ttl = TYPE_TTL)
    public interface Stating extends Job {}

    /** Its interface does. */
    public static class OnInterface implements Stating {
        @Override
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** The method that it overrides does. */
    public static class Overriding extends OnMethod {
        @Override
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** Class and method do. */
    @Guarded(key = TYPE_KEY, ttl = TYPE_TTL)
    public static class OnMethodAndClass implements Job {
        @Override
        @Guarded(ttl = METHOD_TTL)
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    /** States what cannot be. */
    public static class Wrong implements Job {
        @Override
        @Guarded(key = METHOD_KEY, ttl = "soon")
        public void execute(JobExecutionContext context) {
            note(context);
        }
    }

    private static Class<? extends Job> type(Stated where) {
        return switch (where) {
            case KEY_ONLY -> KeyOnly.class;
            case ON_METHOD, IN_ENTRIES_AND_ON_METHOD -> OnMethod.class;
            case BY_COMPOSED_ANNOTATION -> ByComposed.class;
            case ON_CLASS -> OnClass.class;
            case ON_SUPERCLASS -> OnSuperclass.class;
            case ON_INTERFACE -> OnInterface.class;
            case ON_OVERRIDDEN_METHOD -> Overriding.class;
            case ON_METHOD_AND_CLASS -> OnMethodAndClass.class;
        };
    }

    private static @Nullable Found run(Class<? extends Job> type, Map<String, String> entries) throws Exception {
        String name = UUID.randomUUID().toString();
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", name);
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .defaults(defaults -> defaults.withTtl(DEFAULT_TTL))
                .build()) {
            Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
            try {
                scheduler.scheduleJob(
                        JobBuilder.newJob(type)
                                .withIdentity("job")
                                .usingJobData(new JobDataMap(entries))
                                .build(),
                        TriggerBuilder.newTrigger().withIdentity(name).build());
                HapaxPlugin.install(scheduler, guard);
                scheduler.start();
                await().until(() -> FOUND.containsKey(name));
                return FOUND.get(name);
            } finally {
                scheduler.shutdown(true);
            }
        }
    }

    @Override
    protected boolean hasEntries() {
        return true;
    }

    @Override
    protected Found found(Stated where) throws Exception {
        return run(
                type(where), where == Stated.IN_ENTRIES_AND_ON_METHOD ? Map.of("hapax.lockKey", ENTRY_KEY) : Map.of());
    }

    @Override
    protected String refusalOfWrongTtl() throws Exception {
        try {
            run(Wrong.class, Map.of());
            return "";
        } catch (RuntimeException | org.quartz.SchedulerException refused) {
            return String.valueOf(refused.getMessage());
        }
    }
}
