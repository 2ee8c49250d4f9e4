package io.hapax.examples.micronaut;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.event.LossReason;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.testkit.EmbeddedRedis;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.context.ApplicationContext;
import io.micronaut.health.HealthStatus;
import io.micronaut.management.endpoint.health.HealthEndpoint;
import io.micronaut.management.health.indicator.HealthResult;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;

/** Two replicas of the shop on one Redis: what is promised of beans of Micronaut. */
class ReplicasTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);

    private final long started = System.nanoTime();
    private final Counts counts = new Counts();
    private final String namespace = "shop-" + UUID.randomUUID();
    private final ExecutorService callers = Executors.newCachedThreadPool();
    private final Busy delivery = new Busy();
    private final ApplicationContext one = replica(delivery, Map.of("hapax.worker", "one"));
    private final ApplicationContext two = replica(order -> {}, Map.of("hapax.worker", "two"));

    /** Works until it is told to end, or interrupted. */
    private static final class Busy implements Delivery {

        private final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch end = new CountDownLatch(1);
        private volatile boolean interrupted;

        @Override
        public void deliver(int order) {
            begun.countDown();
            try {
                end.await();
            } catch (InterruptedException lost) {
                interrupted = true;
            }
        }
    }

    private ApplicationContext replica(Delivery delivery, Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>(Map.of(
                "shop.redis.url",
                EmbeddedRedis.shared().url(),
                "shop.redis.namespace",
                namespace,
                "hapax.defaults.ttl",
                "15s"));
        settings.putAll(more);
        return TwoReplicas.replica(settings, counts, delivery);
    }

    @BeforeEach
    void begin() {
        awaitAnswer(one);
        awaitAnswer(two);
    }

    /** The first answer of a cold client may come late. */
    private static void awaitAnswer(ApplicationContext replica) {
        await().atMost(LONGEST)
                .until(() -> guard(replica)
                        .run(RunRequest.lock("first"), run -> true)
                        .ran());
    }

    @AfterEach
    void close() {
        delivery.end.countDown();
        one.close();
        two.close();
        callers.shutdownNow();
    }

    private static JobGuard guard(ApplicationContext replica) {
        return replica.getBean(JobGuard.class);
    }

    private static Shop shop(ApplicationContext replica) {
        return replica.getBean(Shop.class);
    }

    private static double meter(ApplicationContext replica, String name, String... tags) {
        return replica.getBean(MeterRegistry.class).find(name).tags(tags).counters().stream()
                .mapToDouble(counter -> counter.count())
                .sum();
    }

    private CompletableFuture<Optional<String>> shipping() throws InterruptedException {
        CompletableFuture<Optional<String>> shipped =
                CompletableFuture.supplyAsync(() -> shop(one).ship(1, 1), callers);
        delivery.begun.await();
        return shipped;
    }

    @Test
    void each_firing_of_a_cron_expression_runs_once_whoever_is_first() {
        String[] refused = {"job", "Shop.sendMails"};
        await().atMost(LONGEST)
                .until(() -> counts.of("mails").size() >= 3
                        && meter(one, "hapax.refused", refused) + meter(two, "hapax.refused", refused) >= 2);
        Map<String, Long> mails = counts.of("mails");
        assertThat(mails.values()).containsOnly(1L);
        assertThat(mails.keySet()).allMatch(firing -> firing.matches("mails of .*sendMails\\(\\)@.*:\\d\\dZ.*"));
    }

    @Test
    void of_a_rate_one_run_starts_in_each_period_in_all_replicas_together() {
        long at = counts.of("prices").getOrDefault("prices", 0L);
        await().atMost(LONGEST).until(() -> counts.of("prices").getOrDefault("prices", 0L) >= at + 6);
        // From the very start: a run may be counted long after it has started.
        long ran = counts.of("prices").get("prices");
        double periods = (System.nanoTime() - started) / 499e6;
        assertThat((double) ran).as("runs in %s periods", periods).isLessThanOrEqualTo(periods + 1);
    }

    @Test
    void a_run_that_is_refused_returns_nothing_or_fails() throws Exception {
        CompletableFuture<Optional<String>> shipped = shipping();
        assertThat(shop(two).ship(1, 2)).as("of the same customer").isEmpty();
        assertThat(shop(two).ship(2, 3)).contains("parcel-3");
        delivery.end.countDown();
        assertThat(shipped.join()).contains("parcel-1");
        assertThat(shop(two).ship(1, 1)).as("shipped already").isEmpty();
        assertThat(counts.of("order")).isEqualTo(Map.of("order 1", 1L, "order 3", 1L));
        assertThat(meter(two, "hapax.refused", "verdict", "overlap", "job", "Shop.ship"))
                .isEqualTo(1);
        assertThat(meter(two, "hapax.refused", "verdict", "done", "job", "Shop.ship"))
                .isEqualTo(1);
    }

    @Test
    void a_refusal_fails_where_the_method_says_so() throws Exception {
        CompletableFuture<Integer> counting =
                CompletableFuture.supplyAsync(() -> shop(one).countStock(), callers);
        delivery.begun.await();
        assertThatExceptionOfType(RunRefusedException.class)
                .isThrownBy(() -> shop(two).countStock())
                .satisfies(refused -> assertThat(refused.refusal().verdict()).isEqualTo(Verdict.OVERLAP));
        delivery.end.countDown();
        assertThat(counting.join()).isEqualTo(7);
    }

    @Test
    void a_lost_lease_interrupts_the_work_and_fails_the_call() throws Exception {
        CompletableFuture<Optional<String>> shipped = shipping();
        guard(two)
                .admin()
                .forceRelease(new JobIdentity(new LockKey("customer/1"), null), "test", "another one is to ship")
                .join();
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(shipped::join)
                .withCauseInstanceOf(LeaseLostException.class);
        assertThat(delivery.interrupted).isTrue();
        assertThat(shop(two).ship(1, 1)).as("not noted as done").contains("parcel-1");
        await().atMost(LONGEST)
                .untilAsserted(() -> assertThat(meter(one, "hapax.lost")).isEqualTo(1));
    }

    @Test
    void closing_the_context_waits_for_runs_and_admits_no_more() throws Exception {
        CompletableFuture<Optional<String>> shipped = shipping();
        JobGuard closing = guard(one);
        CompletableFuture<Void> closed = CompletableFuture.runAsync(one::close, callers);
        await().atMost(LONGEST).until(() -> isClosed(closing));
        assertThat(closed).isNotDone();
        delivery.end.countDown();
        assertThat(shipped.join()).contains("parcel-1");
        closed.join();
        assertThat(closing.activeRuns()).isZero();
        assertThat(shop(two).ship(1, 1)).as("noted as done").isEmpty();
    }

    private static boolean isClosed(JobGuard guard) throws InterruptedException {
        return guard.run(RunRequest.lock("probe"), run -> null) instanceof RunResult.Refused<?>;
    }

    @Test
    void what_does_not_end_in_the_grace_is_interrupted() throws Exception {
        Busy slow = new Busy();
        ApplicationContext three = replica(slow, Map.of("hapax.shutdown-grace", "50ms"));
        awaitAnswer(three);
        CompletableFuture<Integer> counting =
                CompletableFuture.supplyAsync(() -> shop(three).countStock(), callers);
        slow.begun.await();
        three.close();
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(counting::join)
                .havingCause()
                .isInstanceOfSatisfying(
                        LeaseLostException.class,
                        lost -> assertThat(lost.reason()).isEqualTo(LossReason.SHUTDOWN));
        assertThat(slow.interrupted).isTrue();
        assertThat(shop(two).countStock()).as("the key is free").isEqualTo(7);
    }

    @Test
    void runs_are_notified_before_their_beans_are_destroyed_also_where_the_stop_is_interrupted() throws Exception {
        CompletableFuture<Optional<String>> shipped = shipping();
        Thread.currentThread().interrupt();
        one.stop();
        boolean unused = Thread.interrupted();
        assertThat(shipped)
                .failsWithin(LONGEST)
                .withThrowableOfType(ExecutionException.class)
                .withCauseInstanceOf(LeaseLostException.class)
                .satisfies(failure -> assertThat(((LeaseLostException) failure.getCause()).reason())
                        .isEqualTo(LossReason.SHUTDOWN));
        assertThat(delivery.interrupted).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "wrong.key           | true      | @Guarded on Constant.work: key = \"same\" is the same whatever the arguments",
                "wrong.factory       | true      | @Guarded on Made.work would guard nothing",
                "hapax.defaults.ttl  | soon      | hapax.defaults",
            })
    void what_is_wrong_fails_the_start(String setting, String value, String message) {
        assertThatExceptionOfType(RuntimeException.class)
                .isThrownBy(() -> replica(order -> {}, Map.of(setting, value)).close())
                .withStackTraceContaining(message);
    }

    @Test
    void health_and_meters_are_those_of_the_framework() {
        try (EmbeddedRedis own = EmbeddedRedis.start();
                ApplicationContext three =
                        replica(order -> {}, Map.of("shop.redis.url", own.url(), "hapax.worker", "three"))) {
            awaitAnswer(three);
            HealthResult up = await().atMost(LONGEST)
                    .until(() -> health(three), seen -> seen.getStatus().equals(HealthStatus.UP));
            assertThat(String.valueOf(up.getDetails())).contains("worker=three", "store=answers");
            shop(three).countStock();
            assertThat(meter(three, "hapax.runs", "job", "Shop.countStock", "outcome", "completed"))
                    .isEqualTo(1);
            assertThat(three.getBean(MeterRegistry.class)
                            .get("hapax.active")
                            .gauge()
                            .value())
                    .isNotNaN();
            own.stop();
            await().atMost(LONGEST).until(() -> health(three).getStatus().equals(HealthStatus.DOWN));
        }
    }

    /** The guard's part of what the endpoint answers; others may depend on the machine. */
    private static HealthResult health(ApplicationContext replica) {
        HealthResult all = Mono.from(replica.getBean(HealthEndpoint.class).getHealth(() -> "ann"))
                .block(LONGEST);
        Map<?, ?> parts = (Map<?, ?>) Objects.requireNonNull(all).getDetails();
        return (HealthResult) Objects.requireNonNull(parts.get("hapax"));
    }
}
