package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.RunInterruptedException;
import io.hapax.spring.test.InMemoryHapax;
import java.lang.reflect.UndeclaredThrowableException;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@InMemoryHapax
@SpringBootTest(classes = InterruptTest.Application.class)
class InterruptTest {

    public static class Service {

        private static volatile CountDownLatch holding = new CountDownLatch(1);
        private static volatile CountDownLatch gate = new CountDownLatch(1);

        @Guarded(key = "interrupted")
        public void hold() {
            holding.countDown();
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Guarded(key = "interrupted", onConflict = OnConflict.WAIT, waitTimeout = "30s")
        public int undeclared() {
            return 1;
        }

        @Guarded(key = "interrupted", onConflict = OnConflict.WAIT, waitTimeout = "30s")
        public int declared() throws InterruptedException {
            return 1;
        }

        @Guarded(key = "interrupted", onConflict = OnConflict.WAIT, waitTimeout = "30s")
        public int declaredAsException() throws Exception {
            return 1;
        }

        @Guarded(key = "sneaky")
        public void sneaky() {
            throw InterruptTest.<RuntimeException>sneak(new Exception("sneaky"));
        }

        @Guarded(key = "own")
        public void interruptedInItsOwnWork() throws InterruptedException {
            throw new InterruptedException("its own");
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {
        @Bean
        Service service() {
            return new Service();
        }
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> E sneak(Throwable failure) throws E {
        throw (E) failure;
    }

    /** What a call has thrown, and whether its thread had the flag then. */
    private record Outcome(Throwable thrown, boolean flag) {}

    @Autowired
    private Service service;

    @Autowired
    private JobGuard guard;

    private Thread holder;

    @BeforeEach
    void hold() throws InterruptedException {
        Service.holding = new CountDownLatch(1);
        Service.gate = new CountDownLatch(1);
        holder = new Thread(
                () -> {
                    // Refused where a ledger of a busy machine answers too late.
                    while (Service.holding.getCount() > 0) {
                        service.hold();
                    }
                },
                "holder");
        holder.start();
        Service.holding.await();
    }

    @AfterEach
    void leave() throws InterruptedException {
        Service.gate.countDown();
        holder.join();
    }

    private static FutureTask<Outcome> calling(Callable<?> call, boolean interrupted) {
        return new FutureTask<>(() -> {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            try {
                call.call();
                return new Outcome(null, Thread.currentThread().isInterrupted());
            } catch (Throwable thrown) {
                return new Outcome(thrown, Thread.currentThread().isInterrupted());
            }
        });
    }

    private Outcome interruptedWhileItWaits(Callable<?> call) throws Exception {
        FutureTask<Outcome> outcome = calling(call, false);
        Thread caller = new Thread(outcome, "caller");
        caller.start();
        await().until(() -> !guard.admin().waiting().isEmpty());
        caller.interrupt();
        return outcome.get(20, TimeUnit.SECONDS);
    }

    private static Outcome interruptedBefore(Callable<?> call) throws Exception {
        FutureTask<Outcome> outcome = calling(call, true);
        new Thread(outcome, "caller").start();
        return outcome.get(20, TimeUnit.SECONDS);
    }

    private static void isOurs(Outcome outcome) {
        assertThat(outcome.thrown())
                .isInstanceOf(RunInterruptedException.class)
                .hasCauseInstanceOf(InterruptedException.class);
        assertThat(outcome.flag()).isTrue();
    }

    @Test
    void a_method_that_declares_nothing_throws_ours_and_keeps_the_flag() throws Exception {
        isOurs(interruptedWhileItWaits(service::undeclared));
    }

    @Test
    void a_method_that_declares_it_throws_it() throws Exception {
        // As Java's own methods do: the exception takes the place of the flag.
        Outcome outcome = interruptedWhileItWaits(service::declared);
        assertThat(outcome.thrown()).isInstanceOf(InterruptedException.class);
        assertThat(outcome.flag()).isFalse();
    }

    @Test
    void a_method_that_declares_any_exception_throws_it_and_keeps_the_flag() throws Exception {
        Outcome outcome = interruptedWhileItWaits(service::declaredAsException);
        assertThat(outcome.thrown()).isInstanceOf(InterruptedException.class);
        assertThat(outcome.flag()).isTrue();
    }

    @Test
    void a_thread_that_arrives_interrupted_is_told_the_same() throws Exception {
        isOurs(interruptedBefore(service::undeclared));
    }

    @Test
    void what_a_method_throws_undeclared_arrives_as_from_any_proxy() throws Exception {
        FutureTask<Outcome> outcome = calling(Executors.callable(service::sneaky), false);
        outcome.run();
        assertThat(outcome.get().thrown())
                .isInstanceOf(UndeclaredThrowableException.class)
                .hasRootCauseMessage("sneaky");
    }

    @Test
    void what_the_method_itself_throws_stays_as_it_is() throws Exception {
        FutureTask<Outcome> outcome = calling(
                () -> {
                    service.interruptedInItsOwnWork();
                    return null;
                },
                false);
        outcome.run();
        assertThat(outcome.get().thrown())
                .isInstanceOf(InterruptedException.class)
                .hasMessage("its own");
    }
}
