package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.OnConflict;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.scheduling.Trigger;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

/** Two replicas of an application with {@code @Scheduled} methods, one of which is late with all it does. */
@Tag("slow")
class ScheduledReplicasTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);
    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();
    private static final ThreadLocal<@Nullable Instant> PLANNED = new ThreadLocal<>();
    /** Planned times of the runs, and of the firings that the first and the late replica are done with. */
    private static final List<Instant> RUNS = new CopyOnWriteArrayList<>();

    private static final List<String> KEYS = new CopyOnWriteArrayList<>();
    private static final List<Instant> FIRST = new CopyOnWriteArrayList<>();
    private static final List<Instant> LATE = new CopyOnWriteArrayList<>();
    private static final List<String> REFUSED = new CopyOnWriteArrayList<>();
    /** What is done before the next firing, and of which firing it was. */
    private static final AtomicReference<@Nullable Consumer<Instant>> BEFORE = new AtomicReference<>();

    private static final List<Instant> TAKEN = new CopyOnWriteArrayList<>();

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    @BeforeEach
    void forget() {
        List.of(RUNS, KEYS, FIRST, LATE, REFUSED, TAKEN).forEach(List::clear);
    }

    /** Notes for when a firing was planned, and lets those of the late replica begin when the other has ended them. */
    static final class NotingScheduler extends ThreadPoolTaskScheduler {

        private static final long serialVersionUID = 1L;
        private final boolean late;

        NotingScheduler(boolean late) {
            this.late = late;
        }

        @Override
        public @Nullable ScheduledFuture<?> schedule(Runnable task, Trigger trigger) {
            Instant[] planned = new Instant[1];
            return super.schedule(() -> fire(task, planned[0]), context -> planned[0] = trigger.nextExecution(context));
        }

        private void fire(Runnable task, Instant planned) {
            if (late) {
                await().atMost(LONGEST).until(() -> FIRST.stream().anyMatch(ended -> !ended.isBefore(planned)));
            }
            Consumer<Instant> before = BEFORE.getAndSet(null);
            if (before != null) {
                TAKEN.add(planned);
                before.accept(planned);
            }
            PLANNED.set(planned);
            try {
                task.run();
            } finally {
                PLANNED.remove();
                (late ? LATE : FIRST).add(planned);
            }
        }
    }

    /** What both applications have. */
    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {

        @Bean
        NotingScheduler taskScheduler(Environment environment) {
            return new NotingScheduler(environment.getRequiredProperty("late", Boolean.class));
        }
    }

    /** Quick enough to have ended when the other replica comes. */
    public static class Cron {
        @Scheduled(cron = "* * * * * *")
        @Guarded
        public void quick() {
            Instant planned = PLANNED.get();
            // None where Redis was silent for a while, and the firing has come again.
            if (planned != null) {
                RUNS.add(planned);
            }
            KEYS.add(CurrentRun.get().identity().toString());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class WithCron extends Application {
        @Bean
        Cron cron() {
            return new Cron();
        }
    }

    @Test
    void a_firing_that_another_replica_has_run_is_not_run_by_one_that_is_late() {
        try (Contexts contexts = new Contexts()) {
            contexts.replica(REDIS, WithCron.class, "late=false");
            contexts.replica(REDIS, WithCron.class, "late=true");
            await().atMost(LONGEST).until(() -> LATE.size() >= 5);
        }
        assertThat(LATE).isNotEmpty();
        assertThat(KEYS).doesNotHaveDuplicates();
        assertThat(counts(RUNS))
                .allSatisfy((planned, count) -> assertThat(count)
                        .as("runs of the firing that was planned for %s", planned)
                        .isEqualTo(1));
    }

    /** At a rate. */
    public static class Rate {
        @Scheduled(fixedRate = 250)
        @Guarded
        public void quick() {
            KEYS.add(CurrentRun.get().identity().run().orElseThrow().value());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class WithRate extends Application {
        @Bean
        Rate rate() {
            return new Rate();
        }
    }

    @Test
    void each_slot_of_a_fixed_rate_is_run_once() {
        try (Contexts contexts = new Contexts()) {
            contexts.replica(REDIS, WithRate.class, "late=false");
            contexts.replica(REDIS, WithRate.class, "late=false");
            int before = KEYS.size();
            await().atMost(LONGEST).until(() -> KEYS.size() >= before + 8);
        }
        assertThat(KEYS).doesNotHaveDuplicates().allMatch(key -> key.endsWith("Z/PT0.25S"));
    }

    /** Twice, under one key. */
    public static class Delay {
        @Scheduled(fixedDelay = 1, timeUnit = TimeUnit.HOURS)
        @Guarded(key = "one")
        public void first() {
            KEYS.add("first");
        }

        @Scheduled(fixedDelay = 1, timeUnit = TimeUnit.HOURS)
        @Guarded(key = "one")
        public void second() {
            KEYS.add("second");
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class WithDelay extends Application {
        @Bean
        Delay delay() {
            return new Delay();
        }

        @Bean
        GuardListener refusals() {
            return event -> {
                if (event instanceof GuardEvent.Refused refused) {
                    REFUSED.add(refused.job() + " " + refused.refusal().verdict());
                }
            };
        }
    }

    @Test
    void a_method_with_a_fixed_delay_does_not_begin_before_it_on_any_replica_and_leaves_others_of_its_key_alone() {
        try (Contexts contexts = new Contexts()) {
            contexts.replica(REDIS, WithDelay.class, "late=false");
            await().atMost(LONGEST).until(() -> KEYS.size() == 2);
            contexts.replica(REDIS, WithDelay.class, "late=false");
            await().atMost(LONGEST).until(() -> REFUSED.size() == 2);
        }
        assertThat(REFUSED).containsExactlyInAnyOrder("Delay.first THROTTLED", "Delay.second THROTTLED");
        assertThat(KEYS).containsExactlyInAnyOrder("first", "second");
    }

    /** Is tried again. */
    public static class Left {
        @Scheduled(cron = "* * * * * *")
        @Guarded(onConflict = OnConflict.RESCHEDULE)
        public void again() {
            KEYS.add(CurrentRun.get().identity().run().orElseThrow().value());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class WithLeft extends Application {
        @Bean
        Left left() {
            return new Left();
        }
    }

    @Test
    void a_firing_whose_worker_died_is_taken_over_if_it_is_to_be_tried_again() {
        String again = "left/" + Left.class.getName() + ".again()";
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext dead = contexts.replica(REDIS, Unscheduled.class);
            // Whoever has this is never heard of again.
            BEFORE.set(planned -> dead.getBean(LeaseStore.class)
                    .acquire(new LeaseRequest(
                            new JobIdentity(new LockKey(again), new RunKey(again + "@" + planned)),
                            new OwnerId("dead"),
                            "dead",
                            Duration.ofSeconds(2),
                            false))
                    .toCompletableFuture()
                    .join());
            contexts.replica(REDIS, WithLeft.class, "late=false");
            await().atMost(LONGEST).until(() -> TAKEN.size() == 1 && KEYS.contains(again + "@" + TAKEN.get(0)));
        }
        assertThat(counts(KEYS).values()).allMatch(count -> count == 1);
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Unscheduled {}

    private static <T> Map<T, Long> counts(List<T> of) {
        return of.stream().collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
    }
}
