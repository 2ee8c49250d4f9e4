package io.hapax.thread;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuardThreadsTest {

    private final List<Throwable> met = new CopyOnWriteArrayList<>();
    private final AtomicBoolean exhausted = new AtomicBoolean();
    private final GuardThreads threads = new GuardThreads((what, failure) -> met.add(failure), thread -> {
        if (exhausted.get()) {
            throw new OutOfMemoryError("unable to create native thread");
        }
    });

    static List<Throwable> anything() {
        return List.of(
                new IllegalStateException("runtime"),
                new AssertionError("error"),
                new OutOfMemoryError("virtual machine"),
                new StackOverflowError(),
                new Exception("sneaky"),
                new InterruptedException("sneaky"));
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void sneak(Throwable failure) throws E {
        throw (E) failure;
    }

    private static void throwing(Throwable failure) {
        GuardThreadsTest.<RuntimeException>sneak(failure);
    }

    @ParameterizedTest
    @MethodSource("anything")
    void work_that_throws_begins_anew_on_the_same_thread(Throwable failure) {
        AtomicInteger begun = new AtomicInteger();
        Thread thread = threads.start("lasting", () -> {
            if (begun.incrementAndGet() < 3) {
                throwing(failure);
            }
        });

        await().until(() -> begun.get() == 3);
        await().until(() -> thread != null && !thread.isAlive());
        assertThat(met).containsExactly(failure, failure);
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_pool_goes_on_after_a_task_that_throws(Throwable failure) {
        ExecutorService pool = threads.pool("tasks", 1);
        List<Thread> used = new CopyOnWriteArrayList<>();
        pool.execute(() -> {
            used.add(Thread.currentThread());
            throwing(failure);
        });
        pool.execute(() -> used.add(Thread.currentThread()));

        await().until(() -> used.size() == 2);
        assertThat(used.get(0)).isSameAs(used.get(1));
        assertThat(met).containsExactly(failure);
        pool.shutdown();
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_timer_goes_on_after_a_task_that_throws(Throwable failure) {
        CountDownLatch second = new CountDownLatch(1);
        threads.after(Duration.ZERO, Runnable::run, () -> throwing(failure));
        threads.after(Duration.ofMillis(1), Runnable::run, second::countDown);

        await().until(() -> second.getCount() == 0);
        await().untilAsserted(() -> assertThat(met).containsExactly(failure));
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_question_that_throws_is_a_failed_answer(Throwable failure) {
        CompletionStage<String> answer = GuardThreads.ask(() -> {
            throwing(failure);
            return CompletableFuture.completedFuture("never");
        });

        assertThat(answer.toCompletableFuture()).isCompletedExceptionally();
        assertThatThrownBy(() -> answer.toCompletableFuture().get()).hasCause(failure);
    }

    @Test
    void no_stage_at_all_is_a_failed_answer() {
        assertThat(GuardThreads.ask(() -> null).toCompletableFuture()).isCompletedExceptionally();
    }

    @Test
    void a_report_that_fails_disturbs_nothing() {
        GuardThreads silent =
                new GuardThreads((what, failure) -> throwing(new OutOfMemoryError("no memory for a line")));

        assertThat(silent.call("code", () -> throwing(new AssertionError()))).isFalse();
        assertThat(silent.call("code", () -> {})).isTrue();
    }

    @Test
    void a_thread_that_cannot_be_started_is_reported_and_may_be_started_later() {
        exhausted.set(true);
        assertThat(threads.start("lasting", () -> {})).isNull();
        await().until(() -> met.size() == 1);

        exhausted.set(false);
        assertThat(threads.start("lasting", () -> {})).isNotNull();
    }

    @Test
    void a_task_without_a_thread_waits_for_the_next_need() {
        ExecutorService pool = threads.pool("tasks", 2);
        List<String> done = new CopyOnWriteArrayList<>();
        exhausted.set(true);
        pool.execute(() -> done.add("first"));
        assertThat(done).isEmpty();

        exhausted.set(false);
        pool.execute(() -> done.add("second"));
        await().untilAsserted(() -> assertThat(done).containsExactlyInAnyOrder("first", "second"));
        pool.shutdown();
    }

    private ExecutorService tasks(boolean growing) {
        return growing ? threads.growingPool("tasks", 2) : threads.pool("tasks", 2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_task_without_a_thread_has_one_when_there_are_threads_again_without_a_further_need(boolean growing) {
        ExecutorService pool = tasks(growing);
        CountDownLatch done = new CountDownLatch(3);
        exhausted.set(true);
        for (int n = 0; n < 3; n++) {
            pool.execute(done::countDown);
        }
        threads.after(Duration.ofSeconds(1), Runnable::run, () -> exhausted.set(false));

        await().until(() -> done.getCount() == 0);
        pool.shutdown();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tasks_without_threads_have_a_thread_each_when_there_are_threads_again(boolean growing) {
        ExecutorService pool = tasks(growing);
        CountDownLatch meeting = new CountDownLatch(2);
        exhausted.set(true);
        for (int n = 0; n < 2; n++) {
            pool.execute(() -> {
                meeting.countDown();
                awaitUninterrupted(meeting);
            });
        }
        threads.after(Duration.ofMillis(500), Runnable::run, () -> exhausted.set(false));

        await().until(() -> meeting.getCount() == 0);
        pool.shutdown();
    }

    private GuardThreads withTimer() {
        return GuardThreads.withTimer((what, failure) -> met.add(failure), thread -> {
            if (exhausted.get()) {
                throw new OutOfMemoryError("unable to create native thread");
            }
        });
    }

    static List<Consumer<GuardThreads>> needs() {
        return List.of(
                threads -> threads.start("lasting", () -> {}),
                threads -> threads.pool("tasks", 1).execute(() -> {}),
                threads -> threads.after(Duration.ofHours(1), Runnable::run, () -> {}));
    }

    @ParameterizedTest
    @MethodSource("needs")
    void a_timer_without_a_thread_has_one_with_the_next_need_of_any_thread(Consumer<GuardThreads> need) {
        GuardThreads own = withTimer();
        CountDownLatch rung = new CountDownLatch(1);
        exhausted.set(true);
        own.after(Duration.ZERO, Runnable::run, rung::countDown);
        exhausted.set(false);
        need.accept(own);

        await().until(() -> rung.getCount() == 0);
    }

    @Test
    void a_task_without_a_thread_has_one_with_the_next_need_also_if_the_timer_has_none() {
        GuardThreads own = withTimer();
        CountDownLatch done = new CountDownLatch(1);
        exhausted.set(true);
        own.pool("tasks", 1).execute(done::countDown);
        exhausted.set(false);
        own.start("lasting", () -> {});

        await().until(() -> done.getCount() == 0);
    }

    @Test
    void a_report_that_blocks_holds_neither_those_who_have_no_thread_nor_a_timer() {
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch blocked = new CountDownLatch(1);
        GuardThreads silent = GuardThreads.withTimer(
                (what, failure) -> {
                    blocked.countDown();
                    awaitUninterrupted(goOn);
                },
                thread -> {
                    if (exhausted.get() && !thread.getName().equals("hapax-timer")) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                });
        CountDownLatch done = new CountDownLatch(1);
        CountDownLatch rung = new CountDownLatch(1);
        exhausted.set(true);
        CompletableFuture<Void> caller = CompletableFuture.runAsync(
                () -> {
                    assertThat(silent.start("lasting", () -> {})).isNull();
                    silent.pool("tasks", 1).execute(done::countDown);
                },
                code -> new Thread(code).start());
        silent.after(
                Duration.ofMillis(1),
                task -> {
                    throw new IllegalStateException("as if");
                },
                () -> {});
        silent.after(Duration.ofMillis(300), Runnable::run, rung::countDown);
        try {
            await().until(() -> blocked.getCount() == 0);
            await().until(() -> caller.isDone() && rung.getCount() == 0);
            exhausted.set(false);
            await().until(() -> done.getCount() == 0);
        } finally {
            goOn.countDown();
        }
    }

    @Test
    void of_threads_that_cannot_be_started_the_first_is_reported_and_the_others_are_counted() {
        exhausted.set(true);
        ExecutorService pool = threads.pool("tasks", 100);
        for (int n = 0; n < 100; n++) {
            pool.execute(() -> {});
        }
        await().until(() -> met.size() == 1);
        exhausted.set(false);
        await().until(() -> ((ThreadPoolExecutor) pool).getCompletedTaskCount() == 100);
        assertThat(met).hasSize(1);
        pool.shutdown();
    }

    @Test
    void a_task_without_a_thread_of_its_own_is_done_by_another_thread() {
        ExecutorService pool = threads.pool("tasks", 2);
        CountDownLatch goOn = new CountDownLatch(1);
        List<String> done = new CopyOnWriteArrayList<>();
        pool.execute(() -> {
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        exhausted.set(true);
        pool.execute(() -> done.add("second"));
        goOn.countDown();

        await().untilAsserted(() -> assertThat(done).containsExactly("second"));
        pool.shutdown();
    }

    @Test
    void a_growing_pool_has_a_thread_for_each_task_while_all_others_block() {
        ThreadPoolExecutor pool = (ThreadPoolExecutor) threads.growingPool("tasks", 2);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger blocked = new AtomicInteger();
        for (int n = 0; n < 40; n++) {
            pool.execute(() -> {
                blocked.incrementAndGet();
                awaitUninterrupted(goOn);
            });
        }
        await().until(() -> blocked.get() == 40);
        CountDownLatch last = new CountDownLatch(1);
        pool.execute(last::countDown);
        await().until(() -> last.getCount() == 0);

        goOn.countDown();
        await().until(() -> pool.getActiveCount() == 0);
        pool.shutdown();
    }

    @Test
    void a_growing_pool_stops_growing() {
        ThreadPoolExecutor pool = (ThreadPoolExecutor) threads.growingPool("tasks", GuardThreads.MOST_BLOCKED - 1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger blocked = new AtomicInteger();
        for (int n = 0; n < GuardThreads.MOST_BLOCKED + 1; n++) {
            pool.execute(() -> {
                blocked.incrementAndGet();
                awaitUninterrupted(goOn);
            });
        }
        await().until(() -> blocked.get() == GuardThreads.MOST_BLOCKED);
        assertThat(pool.getLargestPoolSize()).isEqualTo(GuardThreads.MOST_BLOCKED);
        goOn.countDown();
        await().until(() -> blocked.get() == GuardThreads.MOST_BLOCKED + 1);
        pool.shutdown();
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_pool_that_is_shut_down_refuses() {
        ExecutorService pool = threads.pool("tasks", 1);
        pool.shutdown();
        assertThatThrownBy(() -> pool.execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
    }

    @Test
    void a_timers_task_that_cannot_be_handed_over_for_want_of_memory_is_handed_over_later() {
        AtomicInteger tries = new AtomicInteger();
        CountDownLatch ran = new CountDownLatch(1);
        threads.after(
                Duration.ZERO,
                task -> {
                    if (tries.incrementAndGet() < 3) {
                        throw new OutOfMemoryError("no memory for a place in the queue");
                    }
                    task.run();
                },
                ran::countDown);

        await().until(() -> ran.getCount() == 0);
        assertThat(tries).hasValue(3);
    }

    /** As where it was queued, and what came after that failed. */
    @Test
    void a_timers_task_that_is_handed_over_twice_is_done_once() {
        AtomicInteger tries = new AtomicInteger();
        AtomicInteger ran = new AtomicInteger();
        threads.after(
                Duration.ZERO,
                task -> {
                    task.run();
                    if (tries.incrementAndGet() < 3) {
                        throw new OutOfMemoryError("no memory for a report");
                    }
                },
                ran::incrementAndGet);

        await().until(() -> tries.get() == 3);
        assertThat(ran).hasValue(1);
    }

    @Test
    void what_is_overdue_ends_also_if_its_end_cannot_be_planned_for_want_of_memory() {
        AtomicInteger plans = new AtomicInteger();
        GuardThreads poor = new GuardThreads((what, failure) -> {}) {
            @Override
            public Runnable after(Duration delay, Executor executor, Runnable task) {
                if (plans.incrementAndGet() == 2) {
                    throw new OutOfMemoryError("no memory for a timer");
                }
                return super.after(delay, executor, task);
            }
        };
        CountDownLatch ended = new CountDownLatch(1);
        poor.overdue(Duration.ofMillis(20), Runnable::run, ended::countDown);

        await().until(() -> ended.getCount() == 0);
    }

    @Test
    void what_plans_its_next_time_itself_waits_until_there_is_memory_for_that() {
        AtomicInteger plans = new AtomicInteger();
        GuardThreads poor = new GuardThreads((what, failure) -> {}) {
            @Override
            public Runnable after(Duration delay, Executor executor, Runnable task) {
                if (plans.incrementAndGet() < 3) {
                    throw new OutOfMemoryError("no memory for a timer");
                }
                return super.after(delay, executor, task);
            }
        };
        CountDownLatch ran = new CountDownLatch(1);
        poor.again(Duration.ZERO, Runnable::run, ran::countDown);

        await().until(() -> ran.getCount() == 0);
        assertThat(plans).hasValue(3);
    }

    @Test
    void what_is_overdue_waits_until_there_is_memory_to_hand_it_over() {
        AtomicInteger tries = new AtomicInteger();
        CountDownLatch ended = new CountDownLatch(1);
        threads.overdue(
                Duration.ofMillis(20),
                task -> {
                    if (tries.incrementAndGet() < 3) {
                        throw new OutOfMemoryError("no memory for a place in the queue");
                    }
                    task.run();
                },
                ended::countDown);

        await().until(() -> ended.getCount() == 0);
        assertThat(tries).hasValue(3);
    }

    @Test
    void what_is_overdue_ends_in_time_unless_it_is_cancelled() {
        CountDownLatch ended = new CountDownLatch(1);
        AtomicInteger cancelled = new AtomicInteger();
        long begun = System.nanoTime();
        threads.overdue(Duration.ofMillis(20), Runnable::run, cancelled::incrementAndGet)
                .run();
        threads.overdue(Duration.ofMillis(20), Runnable::run, ended::countDown);

        await().until(() -> ended.getCount() == 0);
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(Duration.ofMillis(20));
        assertThat(cancelled).hasValue(0);
    }

    @Test
    void a_cancelled_timer_does_nothing() {
        AtomicInteger ran = new AtomicInteger();
        Runnable cancel = threads.after(Duration.ofHours(1), Runnable::run, ran::incrementAndGet);
        cancel.run();
        CountDownLatch later = new CountDownLatch(1);
        threads.after(Duration.ofMillis(1), Runnable::run, later::countDown);

        await().until(() -> later.getCount() == 0);
        assertThat(ran).hasValue(0);
    }

    @Test
    void a_timer_whose_executor_is_shut_down_is_dropped_in_silence() {
        ExecutorService pool = threads.pool("tasks", 1);
        pool.shutdown();
        threads.after(Duration.ZERO, pool, () -> {});
        CountDownLatch later = new CountDownLatch(1);
        threads.after(Duration.ofMillis(1), Runnable::run, later::countDown);

        await().until(() -> later.getCount() == 0);
        assertThat(met).isEmpty();
    }

    @Test
    void threads_are_daemons_and_do_not_hold_the_class_loader_of_an_application() {
        CountDownLatch seen = new CountDownLatch(1);
        Thread thread = threads.start("lasting", seen::countDown);

        await().until(() -> seen.getCount() == 0);
        assertThat(thread).isNotNull();
        assertThat(thread.isDaemon()).isTrue();
    }
}
