package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.aop.support.AopUtils;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** A Spring Boot application with JobRunr becomes guarded by one dependency and one property. */
@Tag("slow")
class JobRunrReplicasTest {

    /** A server that does not work for a while is not taken for dead. */
    private static final String ALIVE = "jobrunr.background-job-server.server-timeout-poll-interval-multiplicand=20";

    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();
    private static final List<String> DONE = new CopyOnWriteArrayList<>();
    private static StorageProvider storage;

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    @BeforeEach
    void newStorage() {
        DONE.clear();
        storage = new InMemoryStorageProvider();
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
    }

    /** A bean whose methods are jobs: guarded by JobRunr's performer, not once more by Spring. */
    public static class Orders {

        @Guarded(key = "customer/%0", once = "order/%1")
        public void process(int customer, int order) {
            DONE.add("order " + order + " under " + CurrentRun.get().identity());
        }

        @Guarded(key = "import/%0", mode = LockMode.UNTIL_EXECUTED)
        public void importFile(String file) {
            DONE.add(file);
        }

        @Guarded(ttl = "20s")
        public void plain(String what) {
            DONE.add(what + " " + CurrentRun.get().options().ttl());
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration({
        HapaxAutoConfiguration.class,
        HapaxJobRunrAutoConfiguration.class,
        JobRunrAutoConfiguration.class
    })
    static class Application {

        @Bean(destroyMethod = "")
        StorageProvider storageProvider() {
            return storage;
        }

        @Bean
        Orders orders() {
            return new Orders();
        }
    }

    private static ConfigurableApplicationContext replica(Contexts contexts, String worker) {
        return replica(contexts, worker, ApplicationWithServer.class);
    }

    private static ConfigurableApplicationContext replica(Contexts contexts, String worker, Class<?> application) {
        return contexts.replica(
                REDIS,
                application,
                "hapax.worker=" + worker,
                "jobrunr.background-job-server.enabled=true",
                "jobrunr.background-job-server.poll-interval-in-seconds=1",
                ALIVE,
                "jobrunr.background-job-server.worker-count=4");
    }

    /** The same, with a server that works. */
    @Configuration(proxyBeanMethods = false)
    static class ApplicationWithServer extends Application {}

    private static StateName state(UUID id) {
        return storage.getJobById(id).getState();
    }

    @Test
    void a_job_that_is_queued_twice_runs_once_in_two_replicas() {
        try (Contexts contexts = new Contexts()) {
            JobScheduler one = replica(contexts, "one").getBean(JobScheduler.class);
            JobScheduler two = replica(contexts, "two").getBean(JobScheduler.class);
            List<UUID> ids = new CopyOnWriteArrayList<>();
            for (int order = 1; order <= 5; order++) {
                int number = order;
                ids.add(one.<Orders>enqueue(orders -> orders.process(7, number)).asUUID());
                ids.add(two.<Orders>enqueue(orders -> orders.process(7, number)).asUUID());
            }
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> ids.stream().allMatch(id -> state(id) == StateName.SUCCEEDED));
            assertThat(DONE).hasSize(5).allMatch(text -> text.contains("lock customer/7, run order/"));
        }
    }

    /** Enqueued through this interface, of which Spring makes the proxy in front of the bean. */
    public interface Courier {
        void deliver(int parcel);
    }

    static class CarefulCourier implements Courier {
        @Override
        @Guarded(key = "parcel/%0", ttl = "20s")
        public void deliver(int parcel) {
            DONE.add(CurrentRun.get().identity() + " "
                    + CurrentRun.get().options().ttl());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class ApplicationWithCourier extends Application {
        @Bean
        Courier courier() {
            return new CarefulCourier();
        }
    }

    @Test
    void a_job_enqueued_through_an_interface_is_guarded_as_the_bean_behind_the_proxy_says() {
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext context = replica(contexts, "one", ApplicationWithCourier.class);
            assertThat(AopUtils.isJdkDynamicProxy(context.getBean(Courier.class)))
                    .isTrue();
            UUID id = context.getBean(JobScheduler.class)
                    .<Courier>enqueue(courier -> courier.deliver(7))
                    .asUUID();
            await().atMost(Duration.ofSeconds(60)).until(() -> state(id) == StateName.SUCCEEDED);
            assertThat(DONE)
                    .singleElement()
                    .asString()
                    .startsWith("lock parcel/7, run job:" + id)
                    .endsWith("PT20S");
        }
    }

    @Test
    void switched_off_jobs_run_as_plain_jobrunr_would_run_them() {
        try (Contexts contexts = new Contexts()) {
            JobScheduler scheduler = contexts.start(
                            PlainApplication.class,
                            "hapax.enabled=false",
                            "jobrunr.background-job-server.enabled=true",
                            "jobrunr.background-job-server.poll-interval-in-seconds=1",
                            ALIVE)
                    .getBean(JobScheduler.class);
            UUID id =
                    scheduler.<PlainOrders>enqueue(orders -> orders.process(1)).asUUID();
            await().atMost(Duration.ofSeconds(60)).until(() -> state(id) == StateName.SUCCEEDED);
            assertThat(DONE).containsExactly("unguarded true");
        }
    }

    /** Looks whether it is guarded. */
    public static class PlainOrders {
        public void process(int order) {
            DONE.add("unguarded " + CurrentRun.find().isEmpty());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class PlainApplication extends Application {
        @Bean
        PlainOrders plainOrders() {
            return new PlainOrders();
        }
    }

    @Test
    void a_job_is_unique_in_the_queue_and_a_job_without_a_key_runs_under_its_own_options() {
        try (Contexts contexts = new Contexts()) {
            JobScheduler scheduler = replica(contexts, "one").getBean(JobScheduler.class);
            UUID plain =
                    scheduler.<Orders>enqueue(orders -> orders.plain("plain")).asUUID();
            UUID first = scheduler
                    .<Orders>schedule(WallClock.now().plusSeconds(3600), orders -> orders.importFile("a.csv"))
                    .asUUID();
            UUID second = scheduler
                    .<Orders>enqueue(orders -> orders.importFile("a.csv"))
                    .asUUID();
            UUID other = scheduler
                    .<Orders>enqueue(orders -> orders.importFile("b.csv"))
                    .asUUID();
            assertThat(state(first)).isEqualTo(StateName.SCHEDULED);
            assertThat(state(second)).isEqualTo(StateName.DELETED);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> state(other) == StateName.SUCCEEDED && state(plain) == StateName.SUCCEEDED);
            assertThat(DONE).containsExactlyInAnyOrder("b.csv", "plain PT20S");
        }
    }
}
