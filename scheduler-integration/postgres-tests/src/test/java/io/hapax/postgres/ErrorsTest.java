package io.hapax.postgres;

import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.ledger.Claim;
import io.hapax.ledger.LedgerException;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.thread.GuardThreads;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A pool or driver that throws what nobody expects, once. */
class ErrorsTest {

    private final AtomicReference<Throwable> next = new AtomicReference<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final DataSource source = faulty(EmbeddedDatabase.shared().dataSource());

    private DataSource faulty(DataSource real) {
        return (DataSource) Proxy.newProxyInstance(
                DataSource.class.getClassLoader(), new Class<?>[] {DataSource.class}, (proxy, method, arguments) -> {
                    connections.incrementAndGet();
                    Throwable failure = next.getAndSet(null);
                    if (failure != null) {
                        throw failure;
                    }
                    try {
                        return method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private PostgresRunLedger open(Duration cleanUpEvery) {
        return PostgresRunLedger.builder(source)
                .namespace(freshName("errors"))
                .migrate(true)
                .answerTimeout(Duration.ofSeconds(20))
                .cleanUpEvery(cleanUpEvery)
                .build();
    }

    static List<Throwable> anything() {
        return List.of(
                new IllegalStateException("runtime"),
                new OutOfMemoryError("unable to create native thread"),
                new AssertionError("error"),
                new StackOverflowError(),
                new NoClassDefFoundError("org/example/Driver"),
                new Exception("sneaky"));
    }

    private static <T> T soon(CompletionStage<T> stage) throws Exception {
        return stage.toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_request_fails_and_the_next_one_is_answered(Throwable failure) throws Exception {
        try (PostgresRunLedger ledger = open(Duration.ZERO)) {
            next.set(failure);
            assertThatThrownBy(() -> soon(ledger.claim(request(freshPair()))))
                    .hasCauseInstanceOf(LedgerException.class);
            assertThat(soon(ledger.claim(request(freshPair())))).isInstanceOf(Claim.Claimed.class);
        }
    }

    @Test
    void the_clean_up_goes_on_the_next_time() {
        try (PostgresRunLedger ledger = open(Duration.ofSeconds(1))) {
            next.set(new OutOfMemoryError("no memory"));
            await().until(() -> next.get() == null);
            int before = connections.get();
            await().until(() -> connections.get() > before);
            assertThat(ledger.answerTimeout()).isPositive();
        }
    }

    @Test
    void a_batch_that_has_too_few_answers_fails_whom_it_leaves_out() {
        Database database = new Database(source, "few", 1, Duration.ofSeconds(20));
        Batches<String, String> batches =
                new Batches<>("ask", database, same -> same, (connection, requests) -> List.of());
        assertThatThrownBy(() -> soon(batches.submit("one"))).hasCauseInstanceOf(LedgerException.class);
        database.close();
    }

    @Test
    void a_batch_that_has_no_answers_at_all_fails() {
        Database database = new Database(source, "none", 1, Duration.ofSeconds(20));
        @SuppressWarnings("NullAway")
        Batches<String, String> batches = new Batches<>("ask", database, same -> same, (connection, requests) -> null);
        assertThatThrownBy(() -> soon(batches.submit("one"))).hasCauseInstanceOf(LedgerException.class);
        database.close();
    }

    @Test
    void a_thread_that_could_not_be_started_is_started_with_the_next_request() throws Exception {
        AtomicInteger refusals = new AtomicInteger(1);
        Batches<String, String> batches;
        Database database = new Database(source, "starved", 1, Duration.ofSeconds(20)) {
            @Override
            void execute(Runnable task) {
                if (refusals.getAndDecrement() > 0) {
                    throw new OutOfMemoryError("unable to create native thread");
                }
                super.execute(task);
            }
        };
        batches = new Batches<>("ask", database, same -> same, (connection, requests) -> List.copyOf(requests));
        CompletableFuture<String> first = batches.submit("one");
        assertThatThrownBy(() -> soon(first)).hasCauseInstanceOf(LedgerException.class);
        assertThat(soon(batches.submit("two"))).isEqualTo("two");
        database.close();
    }

    /** As renewals, which nothing else gives a thread to: their pool is theirs alone. */
    @Test
    void a_request_that_waits_for_a_thread_which_could_not_be_started_does_not_hold_those_that_follow()
            throws Exception {
        AtomicInteger refusals = new AtomicInteger(1);
        GuardThreads threads = new GuardThreads((what, failure) -> {}, thread -> {
            if (refusals.getAndDecrement() > 0) {
                throw new OutOfMemoryError("unable to create native thread");
            }
        });
        ExecutorService pool = threads.pool("renewals", 1);
        Database database = new Database(source, "renewals", 1, Duration.ofSeconds(20)) {
            @Override
            void execute(Runnable task) {
                pool.execute(task);
            }
        };
        Batches<String, String> batches =
                new Batches<>("renew", database, same -> same, (connection, requests) -> List.copyOf(requests));
        CompletableFuture<String> first = batches.submit("one");
        assertThat(soon(batches.submit("two"))).isEqualTo("two");
        assertThat(soon(first)).isEqualTo("one");
        pool.shutdown();
        database.close();
    }

    @Test
    void the_clean_up_goes_on_after_there_was_no_memory_to_plan_the_next_one() {
        AtomicInteger plans = new AtomicInteger();
        AtomicInteger rounds = new AtomicInteger();
        Database database = new Database(source, "poor", 1, Duration.ofSeconds(20)) {
            @Override
            void after(Duration delay, Runnable task) {
                if (plans.incrementAndGet() == 2) {
                    throw new OutOfMemoryError("no memory for a timer");
                }
                super.after(delay, task);
            }
        };
        CleanUp cleanUp = new CleanUp(database, Duration.ofMillis(100), List.of((connection, most) -> {
            rounds.incrementAndGet();
            return 0;
        }));
        cleanUp.start();
        await().until(() -> rounds.get() >= 3);
        cleanUp.close();
        database.close();
    }
}
