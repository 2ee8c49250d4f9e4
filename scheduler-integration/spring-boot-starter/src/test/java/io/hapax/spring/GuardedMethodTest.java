package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.RunRefusedException;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.OwnThread;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

@InMemoryHapax
@SpringBootTest(
        classes = GuardedMethodTest.Application.class,
        properties = {"tenant=acme", "hapax.worker=this-worker"})
class GuardedMethodTest {

    record Invoice(String id) {}

    /** Called through its interface. */
    interface Clerk {
        String file(Invoice invoice);
    }

    static class DiligentClerk implements Clerk {
        @Override
        @Guarded(key = "invoice/#{#invoice.id}")
        public String file(Invoice invoice) {
            return CurrentRun.get().identity().toString();
        }
    }

    public static class Service {

        private final CountDownLatch gate = new CountDownLatch(1);
        private final AtomicInteger at = new AtomicInteger();
        private final AtomicInteger ticks = new AtomicInteger();
        private final List<String> keys = new CopyOnWriteArrayList<>();

        @Guarded(key = "account/%0", once = "payment/#{#p1}")
        public String pay(int account, int payment) {
            return CurrentRun.get().identity().toString();
        }

        @Guarded(key = "${tenant}/report/%X{user}/100%%", ignoreArguments = true)
        public String report(int ignored) {
            return CurrentRun.get().identity().toString();
        }

        @Guarded(key = "slow/%0")
        public String slow(int number) throws InterruptedException {
            at.incrementAndGet();
            gate.await();
            return "done";
        }

        @Guarded(key = "slow/%0")
        public Optional<String> optional(int number) {
            return Optional.of("done");
        }

        @Guarded(key = "slow/%0", onConflict = OnConflict.FAIL)
        public int failing(int number) {
            return 1;
        }

        @Guarded(key = "slow/%0", concurrency = 3, onConflict = OnConflict.FAIL)
        public int beside(int number) {
            return 1;
        }

        @Guarded(key = "slow/%0", onConflict = OnConflict.WAIT, waitTimeout = "50ms")
        public int waiting(int number) {
            return 1;
        }

        @Guarded(key = "same/%0")
        public String outer(int number, Service self) {
            return self.inner(number);
        }

        @Guarded(key = "same/%0")
        public String inner(int number) {
            return "inner " + CurrentRun.get().identity();
        }

        @Guarded(key = "same/%0", once = "inner/%0")
        public String innerOnce(int number) {
            return "done";
        }

        @Guarded(key = "same/%0")
        public String outerOfOnce(int number, Service self) {
            return self.innerOnce(number);
        }

        @Guarded(ttl = "10s")
        public void forSchedulersOnly(String what) {
            keys.add(what);
        }

        @Scheduled(fixedDelay = 50)
        @Guarded(throttle = "1/1h")
        public void tick() {
            ticks.incrementAndGet();
            keys.add(CurrentRun.get().identity().toString());
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    @ImportAutoConfiguration({HapaxAutoConfiguration.class, HapaxActuatorAutoConfiguration.class})
    static class Application {
        @Bean
        Service service() {
            return new Service();
        }

        @Bean
        Clerk clerk() {
            return new DiligentClerk();
        }

        @Bean
        ObservationRegistry observations() {
            ObservationRegistry registry = ObservationRegistry.create();
            registry.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
                @Override
                public void onStop(Observation.Context context) {
                    OBSERVED.add(context.getName() + " " + context.getLowCardinalityKeyValue("job"));
                }

                @Override
                public boolean supportsContext(Observation.Context context) {
                    return true;
                }
            });
            return registry;
        }
    }

    private static final List<String> OBSERVED = new CopyOnWriteArrayList<>();

    @Autowired
    private Service service;

    @Autowired
    private Clerk clerk;

    @Autowired
    private JobGuard guard;

    @Test
    void keys_are_made_of_arguments_properties_the_environment_and_the_mdc() {
        assertThat(service.pay(7, 1)).isEqualTo("lock account/7, run payment/1");
        assertThat(clerk.file(new Invoice("x-9"))).isEqualTo("lock invoice/x-9");
        try (MDC.MDCCloseable user = MDC.putCloseable("user", "eve")) {
            assertThat(service.report(1)).isEqualTo("lock acme/report/eve/100%%");
        }
        assertThat(guard.worker()).isEqualTo("this-worker");
    }

    @Test
    void what_was_done_once_returns_nothing_the_second_time() {
        assertThat(service.pay(8, 2)).isNotNull();
        assertThat(service.pay(8, 2)).isNull();
    }

    @Test
    void a_refused_call_returns_nothing_or_fails_as_its_policy_says() throws Exception {
        CompletableFuture<String> working = OwnThread.supply(() -> {
            try {
                return service.slow(1);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        await().until(() -> target().at.get() == 1);
        assertThat(service.slow(1)).isNull();
        assertThat(service.optional(1)).isEmpty();
        assertThat(service.optional(2)).contains("done");
        assertThatThrownBy(() -> service.failing(1)).isInstanceOf(RunRefusedException.class);
        assertThatThrownBy(() -> service.waiting(1)).isInstanceOf(RunRefusedException.class);
        assertThatThrownBy(() -> service.beside(1))
                .isInstanceOf(RunRefusedException.class)
                .hasMessageContaining("under a limit of 1, and this caller states 3");
        assertThat(service.beside(2)).isEqualTo(1);
        target().gate.countDown();
        assertThat(working.get()).isEqualTo("done");
        assertThat(service.failing(1)).isEqualTo(1);
    }

    private Service target() throws Exception {
        return (Service) ((org.springframework.aop.framework.Advised) service)
                .getTargetSource()
                .getTarget();
    }

    @Test
    void a_method_that_holds_a_key_may_call_another_one_under_the_same_key() {
        assertThat(service.outer(3, service)).isEqualTo("inner lock same/3");
    }

    @Test
    void what_must_happen_once_cannot_be_called_under_its_own_lock_key() {
        assertThatThrownBy(() -> service.outerOfOnce(5, service))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("lock same/5, run inner/5")
                .hasMessageContaining("another lock key");
        assertThat(service.innerOnce(5)).isEqualTo("done");
        assertThat(service.innerOnce(5)).isNull();
    }

    @Test
    void a_key_without_a_value_is_refused() {
        assertThatThrownBy(() -> clerk.file(new Invoice(null)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'invoice/#{#invoice.id}'")
                .hasMessageContaining("is null");
    }

    @Test
    void a_method_without_keys_is_for_schedulers_and_says_so() {
        assertThatThrownBy(() -> service.forSchedulersOnly("x"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Service.forSchedulersOnly")
                .hasMessageContaining("neither key nor once");
    }

    @Test
    void a_scheduled_method_runs_under_the_guard() throws Exception {
        await().untilAsserted(() ->
                assertThat(target().keys).contains("lock service/" + Service.class.getName() + ".tick()"));
        assertThat(target().ticks).hasValue(1);
    }

    @Test
    void guarded_methods_are_observed() {
        service.inner(4);
        assertThat(OBSERVED).anyMatch(text -> text.startsWith("hapax.run") && text.contains("Service.inner"));
    }
}
