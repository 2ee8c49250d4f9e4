package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStore;
import io.hapax.spring.test.InMemoryHapax;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

/** An application whose guard only observes, by a property, beside a worker that holds the keys of its methods. */
@SpringBootTest(properties = {"spring.application.name=tasks", "hapax.defaults.observe=true"})
@InMemoryHapax
class ObserveTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);
    /** Whether each firing had a lease. */
    private static final List<Boolean> GUARDED = new CopyOnWriteArrayList<>();

    /** What the application does. */
    public static class Tasks {

        /** Fires while its key is held elsewhere. */
        @Scheduled(cron = "* * * * * *")
        @Guarded(key = "nightly")
        public void nightly() {
            GUARDED.add(CurrentRun.get().guarded());
        }

        @Guarded(key = "order", onConflict = OnConflict.FAIL)
        public int order() {
            return 7;
        }

        @Guarded(key = "order", once = "first", ignoreArguments = true)
        public Object inOrder(Tasks proxy) {
            return proxy.inOrderTwice();
        }

        @Guarded(key = "order", once = "second", ignoreArguments = true)
        public Integer inOrderTwice() {
            return 8;
        }

        @Guarded(key = "#{#of.length()}")
        public String named(@Nullable String of) {
            return "named " + of;
        }

        @Guarded(key = "late")
        public Object late() {
            return CompletableFuture.completedFuture("late");
        }

        @Guarded(key = "bill", observe = false)
        public @Nullable String bill() {
            return "paid";
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {

        @Bean
        Tasks tasks() {
            return new Tasks();
        }

        @Bean
        Told told() {
            return new Told();
        }
    }

    /** What the guard tells. */
    static final class Told implements GuardListener {

        private final List<GuardEvent> all = new CopyOnWriteArrayList<>();

        @Override
        public void on(GuardEvent event) {
            all.add(event);
        }

        <E extends GuardEvent> List<E> of(Class<E> type, String key) {
            return all.stream()
                    .filter(type::isInstance)
                    .map(type::cast)
                    .filter(event -> key.equals(
                            event.identity().lock().map(lock -> lock.value()).orElse("")))
                    .toList();
        }
    }

    @Autowired
    private Tasks tasks;

    @Autowired
    private Told told;

    @Autowired
    private LeaseStore store;

    private JobGuard elsewhere;

    @BeforeEach
    void open() {
        elsewhere = JobGuard.builder(store).worker("elsewhere").build();
    }

    @AfterEach
    void close() {
        elsewhere.close();
    }

    private GuardedRun held(String key) throws InterruptedException {
        // A firing may have the key at this moment.
        RunRequest patient = RunRequest.lock(key).waitAtMost(LONGEST);
        GuardedRun run = elsewhere.admit(patient).fold(admitted -> admitted, refusal -> {
            throw new AssertionError(refusal);
        });
        run.enter().close();
        return run;
    }

    @Test
    void a_firing_that_would_be_refused_runs() throws Exception {
        try (GuardedRun holder = held("nightly")) {
            await().atMost(LONGEST)
                    .until(() -> !told.of(GuardEvent.RanTwice.class, "nightly").isEmpty());
            assertThat(GUARDED).contains(false);
            assertThat(told.of(GuardEvent.WouldRefuse.class, "nightly"))
                    .first()
                    .satisfies(event -> assertThat(event.refusal().verdict()).isEqualTo(Verdict.OVERLAP));
            assertThat(told.of(GuardEvent.Refused.class, "nightly")).isEmpty();
            assertThat(holder.isHeld()).isTrue();
        }
    }

    @Test
    void a_call_that_would_be_refused_answers_as_ever() throws Exception {
        try (GuardedRun holder = held("order")) {
            assertThat(tasks.order()).isEqualTo(7);
            assertThat(told.of(GuardEvent.WouldRefuse.class, "order")).isNotEmpty();
        }
    }

    @Test
    void what_the_guard_could_not_guard_is_called_as_if_there_were_none() {
        assertThat(tasks.inOrder(tasks)).isEqualTo(8);
        assertThat(tasks.named(null)).isEqualTo("named null");
        assertThat(tasks.late()).isInstanceOf(CompletableFuture.class);
        assertThat(tasks.named("me")).isEqualTo("named me");
    }

    @Test
    void a_method_may_be_guarded_all_the_same() throws Exception {
        assertThat(tasks.bill()).isEqualTo("paid");
        try (GuardedRun holder = held("bill")) {
            assertThat(tasks.bill()).isNull();
            assertThat(told.of(GuardEvent.Refused.class, "bill")).isNotEmpty();
        }
    }
}
