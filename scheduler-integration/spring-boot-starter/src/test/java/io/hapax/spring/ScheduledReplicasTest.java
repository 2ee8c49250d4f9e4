package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledFuture;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
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

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    @BeforeEach
    void forget() {
        List.of(RUNS, KEYS, FIRST, LATE).forEach(List::clear);
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
            RUNS.add(PLANNED.get());
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
        assertThat(counts(RUNS))
                .allSatisfy((planned, count) -> assertThat(count)
                        .as("runs of the firing that was planned for %s", planned)
                        .isEqualTo(1));
    }

    private static <T> Map<T, Long> counts(List<T> of) {
        return of.stream().collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
    }
}
