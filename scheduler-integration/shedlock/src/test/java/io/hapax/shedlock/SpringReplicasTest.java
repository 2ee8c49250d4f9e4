package io.hapax.shedlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.JobGuard;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import net.javacrumbs.shedlock.core.LockAssert;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.spring.annotation.EnableSchedulerLock;
import net.javacrumbs.shedlock.spring.annotation.EnableSchedulerLock.InterceptMode;
import net.javacrumbs.shedlock.spring.annotation.SchedulerLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

/** An application with ShedLock's annotations, of which nothing but the bean of the lock provider was changed, as two replicas. */
class SpringReplicasTest {

    /** What the whole fleet did. */
    static final class Fleet {
        final AtomicInteger inside = new AtomicInteger();
        final AtomicInteger overlaps = new AtomicInteger();
        final AtomicInteger daily = new AtomicInteger();
        final List<Long> tokens = new CopyOnWriteArrayList<>();
        final Map<String, AtomicInteger> runsOf = new ConcurrentHashMap<>();
    }

    /** The application's job. */
    static class Jobs {

        private final Fleet fleet;
        private final String replica;

        Jobs(Fleet fleet, String replica) {
            this.fleet = fleet;
            this.replica = replica;
        }

        @Scheduled(fixedDelay = 5)
        @SchedulerLock(name = "often")
        public void often() {
            LockAssert.assertLocked();
            fleet.overlaps.addAndGet(fleet.inside.getAndIncrement());
            fleet.tokens.add(CurrentRun.get().fencingToken().value());
            fleet.runsOf.computeIfAbsent(replica, key -> new AtomicInteger()).incrementAndGet();
            fleet.inside.decrementAndGet();
        }

        @Scheduled(fixedDelay = 5)
        @SchedulerLock(name = "daily", lockAtLeastFor = "10m")
        public void daily() {
            fleet.daily.incrementAndGet();
        }
    }

    @Configuration
    @EnableScheduling
    static class Application {

        @Bean(destroyMethod = "close")
        JobGuard guard(String namespace) {
            return JobGuard.builder(RedissonLeaseStore.builder()
                            .url(EmbeddedRedis.shared().url())
                            .namespace(namespace)
                            .answerTimeout(Duration.ofSeconds(6))
                            .firstStart(WallClock.now())
                            .build())
                    .closesStore()
                    .build();
        }

        @Bean
        LockProvider lockProvider(JobGuard guard) {
            return HapaxLockProvider.of(guard);
        }

        @Bean
        Jobs jobs(Fleet fleet, String replica) {
            return new Jobs(fleet, replica);
        }
    }

    @Configuration
    @EnableSchedulerLock(defaultLockAtMostFor = "30m")
    static class AroundMethods {}

    @Configuration
    @SuppressWarnings("removal")
    @EnableSchedulerLock(defaultLockAtMostFor = "30m", interceptMode = InterceptMode.PROXY_SCHEDULER)
    static class AroundTheScheduler {}

    private static AnnotationConfigApplicationContext replica(
            Class<?> mode, String namespace, Fleet fleet, String name) {
        AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
        context.registerBean("fleet", Fleet.class, () -> fleet);
        context.registerBean("namespace", String.class, () -> namespace);
        context.registerBean("replica", String.class, () -> name);
        context.register(Application.class, mode);
        context.refresh();
        return context;
    }

    @ParameterizedTest
    @ValueSource(classes = {AroundMethods.class, AroundTheScheduler.class})
    void two_replicas_never_run_a_job_together_and_keep_its_least_time(Class<?> mode) {
        Fleet fleet = new Fleet();
        String namespace = "shed-" + mode.getSimpleName();
        try (var one = replica(mode, namespace, fleet, "one");
                var two = replica(mode, namespace, fleet, "two")) {
            await().atMost(Duration.ofMinutes(2))
                    .until(() -> fleet.runsOf.size() == 2
                            && fleet.runsOf.values().stream().allMatch(runs -> runs.get() >= 10)
                            && fleet.daily.get() > 0);
        }
        assertThat(fleet.overlaps).hasValue(0);
        assertThat(fleet.daily).hasValue(1);
        List<Long> tokens = new ArrayList<>(fleet.tokens);
        assertThat(tokens).isSorted().doesNotHaveDuplicates();
    }
}
