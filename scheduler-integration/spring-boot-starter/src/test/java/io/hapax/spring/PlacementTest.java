package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.PlacementContract;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import kotlin.coroutines.Continuation;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.junit.jupiter.api.Test;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.CustomScopeConfigurer;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Scope;
import org.springframework.context.annotation.ScopedProxyMode;
import org.springframework.context.support.SimpleThreadScope;
import org.springframework.core.Ordered;
import org.springframework.scheduling.quartz.QuartzJobBean;
import org.springframework.scheduling.quartz.SchedulerFactoryBean;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Annotations on methods of beans that a proxy cannot guard. */
class PlacementTest extends PlacementContract {

    /** One class for each, as a context stops at the first. */
    static class Methods {

        static class AFuture {
            @Guarded(key = "k")
            public Future<String> work() {
                return new CompletableFuture<>();
            }
        }

        static class ATask {
            @Guarded(key = "k")
            public FutureTask<String> work() {
                return new FutureTask<>(() -> "done");
            }
        }

        static class APublisher {
            @Guarded(key = "k")
            public Flow.Publisher<String> work() {
                return new SubmissionPublisher<>();
            }
        }

        static class AProcessor {
            @Guarded(key = "k")
            public Flow.Processor<String, String> work() {
                throw new IllegalStateException("called");
            }
        }

        static class ASubmission {
            @Guarded(key = "k")
            public SubmissionPublisher<String> work() {
                return new SubmissionPublisher<>();
            }
        }

        static class AStream {
            @Guarded(key = "k")
            public Stream<String> work() {
                return Stream.of();
            }
        }

        static class ASingle {
            @Guarded(key = "k")
            public io.reactivex.rxjava3.core.Single<String> work() {
                return io.reactivex.rxjava3.core.Single.just("done");
            }
        }

        static class SeveralMonos {
            @Guarded(key = "k")
            public List<? extends Mono<String>> work() {
                return List.of();
            }
        }

        /** Not of Kotlin's compiler, so that nobody can call it. */
        static class Suspended {
            @Guarded(key = "k/%0")
            public Object work(String argument, Continuation<String> rest) {
                return "done";
            }
        }

        static class Private {
            @Guarded(key = "k")
            private void work() {}

            public void call() {
                work();
            }
        }

        static class Static {
            @Guarded(key = "k")
            public static void work() {}
        }

        static class Final {
            @Guarded(key = "k")
            public final void work() {}
        }

        static final class FinalClass {
            @Guarded(key = "k")
            public void work() {}
        }

        static class BesideItsInterface implements Desk {
            @Override
            public String file() {
                return aside();
            }

            @Guarded(key = "k")
            public String aside() {
                return "done";
            }
        }

        @Configuration
        static class Factory {
            @Bean
            @Guarded(key = "k")
            public String text() {
                return "done";
            }
        }

        static class QuartzJob implements Job {
            @Override
            public void execute(JobExecutionContext context) {
                help();
            }

            @Guarded(key = "k")
            public void help() {}
        }

        static class SpringsQuartzJob extends QuartzJobBean {
            @Override
            @Guarded(ttl = "10s")
            protected void executeInternal(JobExecutionContext context) {}
        }

        static class Handler implements JobRequestHandler<Request> {
            @Override
            public void run(Request request) {
                help();
            }

            @Guarded(key = "k")
            public void help() {}
        }
    }

    record Request() implements JobRequest {
        @Override
        public Class<Methods.Handler> getJobRequestHandler() {
            return Methods.Handler.class;
        }
    }

    interface Desk {
        @Guarded(key = "desk")
        String file();
    }

    static class BusyDesk implements Desk {
        @Override
        public String file() {
            return CurrentRun.get().identity().toString();
        }
    }

    static class Worker {
        @Guarded(key = "worker")
        public void work() {}
    }

    static class Loader<T> {
        private final T result;

        Loader(T result) {
            this.result = result;
        }

        @Guarded(key = "loader")
        public T load() {
            return result;
        }
    }

    /** Needs a guarded bean before post-processors are there. */
    @Configuration(proxyBeanMethods = false)
    static class Early {
        @Bean
        static Worker worker() {
            return new Worker();
        }

        @Bean
        static Needy needy(Worker worker) {
            return new Needy();
        }
    }

    static class Needy implements BeanPostProcessor, Ordered {
        @Override
        public int getOrder() {
            return 0;
        }
    }

    /** One bean for each thread. */
    @Configuration(proxyBeanMethods = false)
    static class Scoped {
        @Bean
        static CustomScopeConfigurer scopes() {
            CustomScopeConfigurer scopes = new CustomScopeConfigurer();
            scopes.addScope("thread", new SimpleThreadScope());
            return scopes;
        }

        @Bean
        @Scope(value = "thread", proxyMode = ScopedProxyMode.INTERFACES)
        Desk desk() {
            return new BusyDesk();
        }
    }

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class, HapaxQuartzAutoConfiguration.class))
            .withUserConfiguration(InMemoryHapax.Store.class);

    @Override
    protected Set<Class<?>> guardedToTheirEnd() {
        return Set.of(CompletionStage.class, CompletableFuture.class);
    }

    @Override
    protected List<Method> unguardable() {
        return Stream.concat(
                        Arrays.stream(Methods.class.getDeclaredClasses()),
                        Arrays.stream(SuspendedMistakes.class.getDeclaredClasses())
                                .filter(type -> !type.getSimpleName().startsWith("Has")))
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .filter(method -> method.isAnnotationPresent(Guarded.class) && !method.isSynthetic())
                .toList();
    }

    @Override
    protected String refusal(Method method) {
        return refusal(runner.withBean("bean", method.getDeclaringClass()));
    }

    private static String refusal(ApplicationContextRunner wrong) {
        AtomicReference<String> told = new AtomicReference<>("");
        wrong.run(context -> {
            for (Throwable each = context.getStartupFailure(); each != null; each = each.getCause()) {
                if (each instanceof InvalidSettingException found) {
                    told.set(found.getMessage());
                    return;
                }
            }
            assertThat(context).hasNotFailed();
        });
        return told.get();
    }

    @Test
    void a_bean_that_is_created_before_its_post_processor_is_refused() {
        assertThat(refusal(runner.withUserConfiguration(Early.class)))
                .contains("@Guarded on Worker.work")
                .contains("'worker'")
                .contains("ObjectProvider");
    }

    @Test
    void a_bean_that_was_registered_by_hand_is_refused() {
        assertThat(refusal(runner.withInitializer(
                        context -> context.getBeanFactory().registerSingleton("byHand", new Worker()))))
                .contains("@Guarded on Worker.work")
                .contains("'byHand'");
    }

    @Test
    void a_job_of_the_scheduler_is_refused_although_it_is_no_bean() {
        JobDetail job = JobBuilder.newJob(Methods.SpringsQuartzJob.class)
                .withIdentity("internal")
                .storeDurably()
                .build();
        assertThat(refusal(runner.withBean("scheduler", SchedulerFactoryBean.class, () -> {
                    SchedulerFactoryBean scheduler = new SchedulerFactoryBean();
                    scheduler.setSchedulerName("placement");
                    scheduler.setAutoStartup(false);
                    scheduler.setJobDetails(job);
                    return scheduler;
                })))
                .contains("SpringsQuartzJob.executeInternal")
                .contains("put it on the class");
    }

    @Test
    void what_only_the_interface_says_holds_for_its_beans_whatever_the_proxy() {
        Desk plain = (Desk) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Desk.class},
                (proxy, method, arguments) -> method.getName().equals("file") ? new BusyDesk().file() : null);
        runner.withBean("busy", BusyDesk.class)
                .withBean("plain", Desk.class, () -> plain)
                .run(context -> {
                    assertThat(context.getBean("busy", Desk.class).file()).isEqualTo("lock desk");
                    assertThat(context.getBean("plain", Desk.class).file()).isEqualTo("lock desk");
                });
    }

    @Test
    void a_bean_of_a_scope_is_guarded_behind_the_proxy_of_its_scope() {
        runner.withUserConfiguration(Scoped.class)
                .run(context ->
                        assertThat(context.getBean("desk", Desk.class).file()).isEqualTo("lock desk"));
    }

    @Test
    void a_result_that_turns_out_to_be_late_fails_the_call() {
        for (Object late : List.of(
                new CompletableFuture<>(),
                Mono.just("done"),
                new SubmissionPublisher<>(),
                Optional.of(Flux.just("done")),
                List.of(new CompletableFuture<>()))) {
            runner.withBean("loader", Loader.class, () -> new Loader<>(late))
                    .run(context -> assertThatThrownBy(
                                    () -> context.getBean(Loader.class).load())
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("@Guarded on Loader.load")
                            .hasMessageContaining("return when the work is done"));
        }
        CompletableFuture<String> unfinished = new CompletableFuture<>();
        runner.withBean("loader", Loader.class, () -> new Loader<>(unfinished)).run(context -> {
            assertThatThrownBy(() -> context.getBean(Loader.class).load()).isInstanceOf(IllegalStateException.class);
            assertThat(unfinished).isCancelled();
        });
    }

    @Test
    void a_result_that_is_none_of_these_is_returned() {
        for (Object fine : List.of("done", Optional.of("done"), List.of("done"), List.of())) {
            runner.withBean("loader", Loader.class, () -> new Loader<>(fine))
                    .run(context ->
                            assertThat(context.getBean(Loader.class).load()).isEqualTo(fine));
        }
    }
}
