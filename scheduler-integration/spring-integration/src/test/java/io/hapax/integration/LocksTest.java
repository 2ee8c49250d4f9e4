package io.hapax.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.LossReason;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.OwnThread;
import java.time.Duration;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.integration.support.locks.DistributedLock;

/** What is promised of a lock, in one process and between two. */
class LocksTest {

    private static final Duration HALF_A_MINUTE = Duration.ofSeconds(30);
    private static final Duration LONGEST = Duration.ofSeconds(40);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(memory);
    private final JobGuard guard = JobGuard.builder(store).ticker(ticker).build();
    private final JobGuard otherGuard =
            JobGuard.builder(memory.otherClient()).ticker(ticker).build();
    private final HapaxLockRegistry locks = HapaxLockRegistry.of(guard, "orders");
    private final HapaxLockRegistry others = HapaxLockRegistry.of(otherGuard, "orders");
    private final DistributedLock lock = locks.obtain("42");
    private final DistributedLock other = others.obtain("42");

    @AfterEach
    void close() {
        boolean unused = Thread.interrupted();
        guard.close();
        otherGuard.close();
    }

    private static <T> T onOtherThread(Callable<T> code) throws Exception {
        FutureTask<T> task = new FutureTask<>(code);
        Thread thread = new Thread(task);
        thread.start();
        try {
            return task.get(40, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception own ? own : e;
        }
    }

    /** Another client looks again when its time has come. */
    private void awaitPoll(Future<?> waiting) {
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            ticker.advance(Duration.ofSeconds(1));
            return waiting.isDone();
        });
    }

    /** Waits for the interrupt of this thread, which another one sends, as no wait could that an interrupt ends. */
    private static boolean takesInterrupt() {
        long start = System.nanoTime();
        while (!Thread.currentThread().isInterrupted() && System.nanoTime() - start < LONGEST.toNanos()) {
            Thread.onSpinWait();
        }
        return Thread.interrupted();
    }

    /** Long enough for a lease that is not renewed to be lost. */
    private void letItLapse() {
        for (int second = 0; second < 31; second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
    }

    @Test
    void one_application_at_a_time_holds_a_lock() {
        assertThat(lock.tryLock()).isTrue();
        assertThat(other.tryLock()).isFalse();
        lock.unlock();
        assertThat(other.tryLock()).isTrue();
        assertThat(lock.tryLock()).isFalse();
        other.unlock();
    }

    @Test
    void one_thread_at_a_time_holds_a_lock() throws Exception {
        lock.lock();
        assertThat(onOtherThread(() -> locks.obtain("42").tryLock())).isFalse();
        assertThatExceptionOfType(IllegalMonitorStateException.class)
                .isThrownBy(() -> onOtherThread(() -> {
                    lock.unlock();
                    return true;
                }))
                .withMessageContaining("does not hold the lock 'orders:42'");
        lock.unlock();
        assertThat(onOtherThread(() -> {
                    boolean taken = lock.tryLock();
                    lock.unlock();
                    return taken;
                }))
                .isTrue();
    }

    @Test
    void a_lock_is_given_back_as_often_as_it_was_taken() throws InterruptedException {
        lock.lock();
        assertThat(locks.obtain("42").tryLock()).isTrue();
        lock.lockInterruptibly();
        assertThat(lock.tryLock(0, TimeUnit.SECONDS)).isTrue();
        for (int time = 0; time < 3; time++) {
            lock.unlock();
            assertThat(other.tryLock()).isFalse();
        }
        lock.unlock();
        assertThat(other.tryLock()).isTrue();
        other.unlock();
        assertThatExceptionOfType(IllegalMonitorStateException.class).isThrownBy(lock::unlock);
    }

    @Test
    void whoever_waits_gets_the_lock_when_it_is_free() throws Exception {
        lock.lock();
        CountDownLatch asks = new CountDownLatch(1);
        CompletableFuture<Long> token = OwnThread.supply(() -> {
            asks.countDown();
            other.lock();
            long mine = CurrentRun.get().fencingToken().value();
            other.unlock();
            return mine;
        });
        assertThat(asks.await(40, TimeUnit.SECONDS)).isTrue();
        long first = CurrentRun.get().fencingToken().value();
        assertThat(token).isNotDone();
        lock.unlock();
        awaitPoll(token);
        assertThat(token.get()).isGreaterThan(first);
    }

    @Test
    void whoever_waits_may_be_interrupted_if_it_wants() throws Exception {
        lock.lock();
        FutureTask<Boolean> patient = new FutureTask<>(() -> {
            other.lock();
            other.unlock();
            return Thread.interrupted();
        });
        FutureTask<Boolean> impatient = new FutureTask<>(() -> other.tryLock(1, TimeUnit.DAYS));
        Thread stays = new Thread(patient);
        Thread goes = new Thread(impatient);
        stays.start();
        goes.start();
        stays.interrupt();
        goes.interrupt();
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> impatient.get(40, TimeUnit.SECONDS))
                .withCauseInstanceOf(InterruptedException.class);
        assertThat(patient).isNotDone();
        lock.unlock();
        awaitPoll(patient);
        assertThat(patient.get()).isTrue();
    }

    @Test
    void an_interrupted_thread_may_still_try_and_stays_interrupted() {
        Thread.currentThread().interrupt();
        assertThatExceptionOfType(InterruptedException.class).isThrownBy(lock::lockInterruptibly);
        Thread.currentThread().interrupt();
        assertThat(lock.tryLock()).isTrue();
        lock.unlock();
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void a_lock_is_kept_for_as_long_as_its_thread_works() {
        lock.lock(HALF_A_MINUTE);
        for (int second = 0; second < 600; second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
        assertThat(other.tryLock()).isFalse();
        locks.renewLock("42");
        locks.renewLock("42", Duration.ofSeconds(1));
        lock.unlock();
    }

    @Test
    void a_bound_on_the_time_counts_anew_when_it_is_renewed() throws InterruptedException {
        HapaxLockRegistry bounded =
                HapaxLockRegistry.of(guard, "bounded", options -> options.withMaxHold(Duration.ofMinutes(1)));
        DistributedLock mine = bounded.obtain("42");
        assertThat(mine.tryLock(Duration.ZERO, HALF_A_MINUTE)).isTrue();
        for (int second = 0; second < 50; second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
        bounded.renewLock("42", Duration.ofMinutes(1));
        for (int second = 0; second < 50; second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
        assertThat(CurrentRun.get().isHeld()).isTrue();
        for (int second = 0; second < 20; second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
        assertThat(CurrentRun.get().lost()).contains(LossReason.MAX_HOLD);
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> bounded.renewLock("42", HALF_A_MINUTE))
                .withMessageContaining("is lost");
        assertThatExceptionOfType(ConcurrentModificationException.class).isThrownBy(mine::unlock);
    }

    @Test
    void whoever_loses_a_lock_is_interrupted_and_told_by_every_call() {
        lock.lock();
        lock.lock();
        store.failRenewals();
        letItLapse();
        assertThat(takesInterrupt()).isTrue();
        assertThat(other.tryLock()).isTrue();
        assertThatExceptionOfType(ConcurrentModificationException.class).isThrownBy(lock::tryLock);
        assertThatExceptionOfType(ConcurrentModificationException.class).isThrownBy(lock::lock);
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> locks.renewLock("42"));
        lock.unlock();
        assertThatExceptionOfType(ConcurrentModificationException.class)
                .isThrownBy(lock::unlock)
                .withMessageContaining("'orders:42' was lost");
        assertThat(lock.tryLock()).isFalse();
        other.unlock();
        assertThat(lock.tryLock()).isTrue();
        lock.unlock();
        assertThat(CurrentRun.find()).isEmpty();
    }

    @Test
    void a_store_that_does_not_answer_is_no_lock_that_is_held() {
        store.failAcquires();
        assertThatExceptionOfType(CannotAcquireLockException.class)
                .isThrownBy(lock::tryLock)
                .withMessageContaining("nobody can tell whether the lock 'orders:42' is free");
    }

    @Test
    void locks_are_given_back_in_any_order() {
        DistributedLock second = locks.obtain("43");
        lock.lock();
        second.lock();
        lock.unlock();
        assertThat(other.tryLock()).isTrue();
        other.unlock();
        assertThat(CurrentRun.get().isHeld()).isTrue();
        second.unlock();
        assertThat(CurrentRun.find()).isEmpty();
    }

    @Test
    void a_thread_that_would_wait_for_itself_is_refused_at_once() throws Exception {
        DistributedLock twin = HapaxLockRegistry.of(guard, "orders").obtain("42");
        List<Callable<Object>> waits = List.of(
                () -> {
                    twin.lock();
                    return "taken";
                },
                () -> {
                    twin.lockInterruptibly();
                    return "taken";
                },
                () -> twin.tryLock(10, TimeUnit.MINUTES),
                () -> twin.tryLock(Duration.ofMinutes(10), HALF_A_MINUTE));
        for (Callable<Object> wait : waits) {
            assertThatExceptionOfType(IllegalStateException.class)
                    .isThrownBy(() -> onOtherThread(() -> {
                        lock.lock();
                        try {
                            return wait.call();
                        } finally {
                            lock.unlock();
                        }
                    }))
                    .withMessageContaining("'orders:42'")
                    .withMessageContaining("this thread itself holds it");
        }
        lock.lock();
        assertThat(twin.tryLock()).isFalse();
        lock.unlock();
    }

    @Test
    void a_thread_does_not_wait_for_the_run_in_which_it_takes_a_lock() {
        RunRequest run = RunRequest.lock("orders:42");
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> onOtherThread(() -> guard.run(run, own -> {
                    lock.lock();
                    return true;
                })))
                .withMessageContaining("this thread itself holds it");
        assertThat(other.tryLock()).isTrue();
        other.unlock();
    }

    @Test
    void code_is_executed_under_a_lock() throws Exception {
        assertThat(locks.executeLocked("42", () -> other.tryLock())).isFalse();
        assertThat(other.tryLock()).isTrue();
        other.unlock();
        locks.expireUnusedOlderThan(0);
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(lock::newCondition);
    }

    @Test
    void a_key_is_told_by_its_text_and_every_text_has_a_lock_of_its_own() {
        LockNames names = new LockNames("orders");
        String path = "/data/" + "ü".repeat(3000);
        assertThat(names.of(path)).startsWith("orders:sha256:").isNotEqualTo(names.of(path + "x"));
        assertThat(names.of(names.of(path).substring("orders:".length()))).isNotEqualTo(names.of(path));
        assertThat(names.of("\ud800")).isNotEqualTo(names.of("?")).isNotEqualTo(names.of("\ud801"));
        assertThat(names.of("a\nb")).isNotEqualTo(names.of("a b"));
        assertThat(names.of(42L)).isEqualTo(names.of("42")).isEqualTo("orders:42");
        assertThat(names.of(TimeUnit.DAYS)).isEqualTo("orders:DAYS");
        assertThat(names.of(new UUID(0, 1))).isEqualTo("orders:" + new UUID(0, 1));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> locks.obtain(new Object()))
                .withMessageContaining("use a String, a UUID");
        assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> locks.obtain(""));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> HapaxLockRegistry.of(guard, "a:b"))
                .withMessageContaining("colon");
    }

    @Test
    void a_closed_guard_lets_nobody_wait_for_ever() {
        guard.close();
        assertThatExceptionOfType(CannotAcquireLockException.class)
                .isThrownBy(lock::lock)
                .withMessageContaining("shut down");
        await().until(() -> guard.activeRuns() == 0);
    }
}
