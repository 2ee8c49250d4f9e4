package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.spring.test.InMemoryHapax;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.annotation.Schedules;
import org.springframework.scheduling.annotation.SchedulingConfigurer;
import org.springframework.scheduling.concurrent.SimpleAsyncTaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import reactor.core.publisher.Mono;

/** The kinds of tasks and schedulers that Spring has. */
@SpringBootTest(properties = "spring.application.name=tasks")
@InMemoryHapax
class ScheduledTasksTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);
    private static final String SECOND = "T[0-9:]{8}Z";
    private static final Map<String, List<String>> KEYS = new ConcurrentHashMap<>();
    private static final List<String> THREADS = new CopyOnWriteArrayList<>();
    private static final List<String> OBSERVED = new CopyOnWriteArrayList<>();

    private static void ran(String name, GuardedRun run) {
        KEYS.computeIfAbsent(name, key -> new CopyOnWriteArrayList<>())
                .add(run.identity().toString());
    }

    /** Methods that are scheduled in every way. */
    public static class Tasks {

        @Scheduled(cron = "* * * * * *", zone = "Europe/Berlin", scheduler = "aThreadEach")
        @Guarded
        public void ofOneScheduler() {
            THREADS.add(Thread.currentThread().getName());
            ran("ofOneScheduler", CurrentRun.get());
        }

        @Scheduled(fixedRate = 200, scheduler = "aThreadEach")
        @Guarded(key = "shared")
        public void atRate() {
            ran("atRate", CurrentRun.get());
        }

        @Schedules({@Scheduled(cron = "* * * * * *"), @Scheduled(cron = "0/1 * * * * *")})
        @Guarded
        public void ofTwoSchedules() {
            ran("ofTwoSchedules", CurrentRun.get());
        }

        @Scheduled(cron = "* * * * * *")
        @Guarded
        public Mono<String> reactive() {
            return Mono.deferContextual(context -> {
                ran("reactive", context.get(GuardedRun.class));
                return Mono.just("done");
            });
        }

        @Guarded
        public void ofConfigurer() {
            ran("ofConfigurer", CurrentRun.get());
        }

        @Guarded
        public void called() {
            ran("called", CurrentRun.get());
        }
    }

    /** Unguarded, but calls what is guarded. */
    public record Caller(Tasks tasks) {
        /** Fires. */
        @Scheduled(cron = "* * * * * *")
        public void call() {
            tasks.called();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {

        @Bean
        ThreadPoolTaskScheduler taskScheduler() {
            ThreadPoolTaskScheduler scheduler = new ThreadPoolTaskScheduler();
            scheduler.setPoolSize(3);
            return scheduler;
        }

        @Bean
        SimpleAsyncTaskScheduler aThreadEach() {
            SimpleAsyncTaskScheduler scheduler = new SimpleAsyncTaskScheduler();
            scheduler.setThreadNamePrefix("each-");
            return scheduler;
        }

        @Bean
        Tasks tasks() {
            return new Tasks();
        }

        @Bean
        Caller caller(Tasks tasks) {
            return new Caller(tasks);
        }

        @Bean
        SchedulingConfigurer configurer(Tasks tasks) {
            ObservationRegistry registry = ObservationRegistry.create();
            registry.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
                @Override
                public void onStop(Observation.Context context) {
                    OBSERVED.add(context.getName() + " " + context.getLowCardinalityKeyValue("code.function"));
                }

                @Override
                public boolean supportsContext(Observation.Context context) {
                    return true;
                }
            });
            return registrar -> {
                registrar.setObservationRegistry(registry);
                registrar.addCronTask(() -> tasks.ofConfigurer(), "* * * * * *");
            };
        }
    }

    private static List<String> keys(String of, int atLeast) {
        await().atMost(LONGEST).until(() -> KEYS.getOrDefault(of, List.of()).size() >= atLeast);
        return List.copyOf(KEYS.get(of));
    }

    private static String planned(String method) {
        String own = "tasks/" + Tasks.class.getName().replace("$", "\\$") + "\\." + method + "\\(\\)";
        return "lock " + own + ", run " + own + "@[0-9-]{10}" + SECOND;
    }

    @Test
    void a_method_of_one_of_several_schedulers_runs_there() {
        assertThat(keys("ofOneScheduler", 2))
                .doesNotHaveDuplicates()
                .allMatch(key -> key.matches(planned("ofOneScheduler")));
        assertThat(THREADS).isNotEmpty().allMatch(name -> name.startsWith("each-"));
    }

    @Test
    void a_fixed_rate_with_a_thread_each_has_slots() {
        assertThat(keys("atRate", 4))
                .doesNotHaveDuplicates()
                .allMatch(key -> key.startsWith("lock shared, run tasks/") && key.endsWith("Z/PT0.2S"));
    }

    @Test
    void two_schedules_that_plan_the_same_instant_are_one_firing() {
        assertThat(keys("ofTwoSchedules", 2))
                .doesNotHaveDuplicates()
                .allMatch(key -> key.matches(planned("ofTwoSchedules")));
    }

    @Test
    void a_reactive_method_is_a_run_each_time_it_is_subscribed_to() {
        assertThat(keys("reactive", 2)).doesNotHaveDuplicates().allMatch(key -> key.matches(planned("reactive")));
    }

    @Test
    void a_task_of_a_configurer_is_a_firing_and_what_an_unguarded_method_calls_is_not() {
        assertThat(keys("ofConfigurer", 2))
                .doesNotHaveDuplicates()
                .allMatch(key -> key.matches(planned("ofConfigurer")));
        assertThat(keys("called", 1)).containsOnly("lock tasks/" + Tasks.class.getName() + ".called()");
    }

    @Test
    void observations_of_spring_go_on() {
        await().atMost(LONGEST)
                .until(() -> OBSERVED.stream()
                        .anyMatch(text ->
                                text.startsWith("tasks.scheduled.execution") && text.contains("ofTwoSchedules")));
    }
}
