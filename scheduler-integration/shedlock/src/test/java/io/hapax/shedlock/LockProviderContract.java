package io.hapax.shedlock;

import static java.time.Duration.ZERO;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.event.LossReason;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import net.javacrumbs.shedlock.core.DefaultLockingTaskExecutor;
import net.javacrumbs.shedlock.core.LockAssert;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockExtender;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.LockingTaskExecutor;
import net.javacrumbs.shedlock.core.SimpleLock;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** What ShedLock promises of a lock provider that can extend its locks, as seen by two replicas. */
@TestInstance(Lifecycle.PER_CLASS)
abstract class LockProviderContract {

    private static final Duration LONG = Duration.ofMinutes(10);
    private static final Duration SHORT = Duration.ofSeconds(1);
    private static final Duration MUST_COME = Duration.ofSeconds(40);

    private final List<JobGuard> guards = new ArrayList<>();
    private final String name = "lock " + UUID.randomUUID();
    private String lockName = name;
    private int tests;
    private LockProvider one;
    private LockProvider other;

    /** Connects a replica. */
    abstract LeaseStore connect();

    @BeforeAll
    void connectReplicas() {
        Awaitility.setDefaultTimeout(MUST_COME);
        one = replica();
        other = replica();
        await().untilAsserted(
                        () -> assertThat(one.lock(config("first", LONG, ZERO))).hasValueSatisfying(SimpleLock::unlock));
    }

    private LockProvider replica() {
        JobGuard guard = JobGuard.builder(connect()).closesStore().build();
        guards.add(guard);
        return HapaxLockProvider.of(guard);
    }

    @AfterAll
    void disconnect() {
        guards.forEach(JobGuard::close);
        Awaitility.reset();
    }

    @AfterEach
    void nothingIsLeftOnTheThread() {
        BoundRun.leaveWhatIsOver();
        lockName = name + " " + ++tests;
        assertThat(Thread.interrupted()).isFalse();
        assertThat(CurrentRun.find()).isEmpty();
    }

    private static LockConfiguration config(String name, Duration atMost, Duration atLeast) {
        return new LockConfiguration(WallClock.now(), name, atMost, atLeast);
    }

    private Optional<SimpleLock> ask(LockProvider replica, Duration atMost, Duration atLeast) {
        return replica.lock(config(lockName, atMost, atLeast));
    }

    private SimpleLock take(LockProvider replica, Duration atMost, Duration atLeast) {
        return ask(replica, atMost, atLeast).orElseThrow();
    }

    private void assertLocked() {
        assertThat(ask(one, LONG, ZERO)).isEmpty();
        assertThat(ask(other, LONG, ZERO)).isEmpty();
    }

    private void assertUnlocked() {
        take(other, LONG, ZERO).unlock();
        take(one, LONG, ZERO).unlock();
    }

    private SimpleLock awaitLock(LockProvider replica) {
        AtomicReference<SimpleLock> lock = new AtomicReference<>();
        await().until(() -> ask(replica, LONG, ZERO)
                .map(taken -> {
                    lock.set(taken);
                    return true;
                })
                .orElse(false));
        return lock.get();
    }

    private static void assertUsed(SimpleLock lock) {
        assertThatIllegalStateException()
                .isThrownBy(lock::unlock)
                .withMessageContaining("unlocked or extended already");
        assertThatIllegalStateException().isThrownBy(() -> lock.extend(LONG, ZERO));
    }

    private static <T> T elsewhere(Callable<T> task) throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            return thread.submit(task).get();
        } finally {
            thread.shutdownNow();
        }
    }

    @Test
    void a_lock_is_held_until_it_is_unlocked() {
        SimpleLock lock = take(one, LONG, ZERO);
        assertLocked();
        lock.unlock();
        assertUnlocked();
    }

    @Test
    void a_lock_can_be_taken_again_right_after_it_was_unlocked() {
        for (int n = 0; n < 10; n++) {
            SimpleLock lock = take(n % 2 == 0 ? one : other, LONG, ZERO);
            assertLocked();
            lock.unlock();
        }
    }

    @Test
    void locks_of_other_names_are_other_locks() {
        SimpleLock lock = take(one, LONG, ZERO);
        SimpleLock second = one.lock(config(lockName + " too", LONG, ZERO)).orElseThrow();
        second.unlock();
        assertLocked();
        lock.unlock();
    }

    @Test
    void two_locks_on_one_thread_can_be_unlocked_in_any_order() {
        SimpleLock lock = take(one, LONG, ZERO);
        GuardedRun outer = CurrentRun.get();
        SimpleLock second = one.lock(config(lockName + " too", LONG, ZERO)).orElseThrow();
        GuardedRun inner = CurrentRun.get();
        assertThat(inner).isNotSameAs(outer);
        lock.unlock();
        assertUnlockedBesides(inner);
        second.unlock();
        assertThat(CurrentRun.find()).isEmpty();
        assertUnlocked();
    }

    private void assertUnlockedBesides(GuardedRun current) {
        take(other, LONG, ZERO).unlock();
        assertThat(CurrentRun.get()).isSameAs(current);
        current.ensureHeld();
    }

    @Test
    void the_run_of_a_lock_has_its_name_and_a_fencing_token_that_grows() {
        SimpleLock lock = take(one, LONG, ZERO);
        GuardedRun first = CurrentRun.get();
        lock.unlock();
        SimpleLock next = take(other, LONG, ZERO);
        GuardedRun second = CurrentRun.get();
        next.unlock();
        assertThat(first.job()).isEqualTo(lockName);
        assertThat(second.fencingToken()).isGreaterThan(first.fencingToken());
    }

    @Test
    void a_lock_may_be_unlocked_on_another_thread() throws Exception {
        SimpleLock lock = take(one, LONG, ZERO);
        elsewhere(() -> {
            lock.unlock();
            assertUnlocked();
            return true;
        });
        assertUnlocked();
        assertThat(CurrentRun.find()).isEmpty();
    }

    /** A lock, and the run that holds it. */
    private record Held(SimpleLock lock, GuardedRun run) {}

    /** On a thread of its own, which alone is interrupted if the lock is lost. */
    private static Held takeElsewhere(LockProvider replica, String name, Duration atMost) throws Exception {
        return elsewhere(() -> new Held(replica.lock(config(name, atMost, ZERO)).orElseThrow(), CurrentRun.get()));
    }

    @Test
    void a_lock_ends_after_lockAtMostFor_and_its_holder_is_told() throws Exception {
        Held held = takeElsewhere(one, lockName, SHORT);
        await().until(() -> held.run().lost().isPresent());
        assertThat(held.run().lost()).contains(LossReason.MAX_HOLD);
        SimpleLock next = awaitLock(other);
        held.lock().unlock();
        next.unlock();
    }

    @Test
    void whoever_unlocks_too_late_unlocks_nothing_of_its_successor() throws Exception {
        SimpleLock late = takeElsewhere(one, lockName, Duration.ofMillis(1)).lock();
        SimpleLock next = awaitLock(other);
        assertThat(late.extend(LONG, ZERO)).isEmpty();
        late.unlock();
        assertLocked();
        next.unlock();
        assertUnlocked();
    }

    @Test
    void lockAtLeastFor_keeps_others_away_after_the_work() {
        SimpleLock lock = take(one, LONG, LONG);
        lock.unlock();
        assertLocked();
        assertThat(ask(other, LONG, LONG)).isEmpty();
    }

    @Test
    void lockAtLeastFor_ends() {
        SimpleLock lock = take(one, LONG, Duration.ofMillis(300));
        lock.unlock();
        awaitLock(other).unlock();
    }

    @Test
    void a_lock_that_is_extended_outlives_its_first_time() throws Exception {
        SimpleLock extended = elsewhere(this::extendedInTime);
        Held control = takeElsewhere(other, lockName + " control", SHORT);
        await().until(() -> control.run().lost().isPresent());
        control.lock().unlock();
        assertLocked();
        extended.extend(LONG, ZERO)
                .orElseThrow()
                .extend(LONG, ZERO)
                .orElseThrow()
                .unlock();
        assertUnlocked();
    }

    /** A busy machine may come too late with that. */
    private SimpleLock extendedInTime() {
        Optional<SimpleLock> extended = Optional.empty();
        while (extended.isEmpty()) {
            Optional<SimpleLock> lock = ask(one, SHORT, ZERO);
            extended = lock.flatMap(taken -> taken.extend(LONG, ZERO));
            if (extended.isEmpty()) {
                lock.ifPresent(SimpleLock::unlock);
            }
        }
        return extended.get();
    }

    @Test
    void a_lock_that_was_unlocked_or_extended_is_of_no_more_use() {
        SimpleLock lock = take(one, LONG, ZERO);
        SimpleLock extended = lock.extend(LONG, ZERO).orElseThrow();
        assertUsed(lock);
        assertLocked();
        extended.unlock();
        assertUsed(extended);
        assertUnlocked();
    }

    @Test
    void an_extension_says_anew_for_how_long_others_are_kept_away() {
        SimpleLock lock = take(one, LONG, ZERO);
        SimpleLock longer = lock.extend(LONG, LONG).orElseThrow();
        longer.unlock();
        assertLocked();
        lockName += " too";
        SimpleLock kept = take(one, LONG, LONG);
        kept.extend(LONG, ZERO).orElseThrow().unlock();
        assertUnlocked();
    }

    @Test
    void a_lock_cannot_be_extended_to_less_than_it_is_to_be_held_at_least() {
        SimpleLock lock = take(one, LONG, ZERO);
        assertThatIllegalArgumentException().isThrownBy(() -> lock.extend(SHORT, LONG));
        lock.unlock();
    }

    @Test
    void a_name_that_is_no_key_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> one.lock(config("a\nb", LONG, ZERO)))
                .withMessageContaining("lock key");
    }

    @Test
    void the_task_executor_nests_and_extends() throws Throwable {
        LockingTaskExecutor executor = new DefaultLockingTaskExecutor(one);
        LockConfiguration configuration = config(lockName, LONG, ZERO);
        AtomicInteger runs = new AtomicInteger();
        executor.executeWithLock(
                (LockingTaskExecutor.Task) () -> {
                    LockAssert.assertLocked();
                    GuardedRun run = CurrentRun.get();
                    LockExtender.extendActiveLock(LONG, ZERO);
                    executor.executeWithLock((Runnable) runs::incrementAndGet, configuration);
                    assertThat(CurrentRun.get()).isSameAs(run);
                    assertThat(elsewhere(() -> ask(other, LONG, ZERO))).isEmpty();
                },
                configuration);
        assertThat(runs).hasValue(1);
        assertUnlocked();
    }

    @Test
    void many_threads_of_two_replicas_never_hold_a_lock_together() throws Exception {
        Critical section = new Critical();
        ExecutorService threads = Executors.newFixedThreadPool(6);
        try {
            List<Future<?>> workers = new ArrayList<>();
            for (int n = 0; n < 6; n++) {
                LockProvider replica = n % 2 == 0 ? one : other;
                workers.add(threads.submit(() -> section.enter(replica, lockName, 20)));
            }
            for (Future<?> worker : workers) {
                worker.get();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(section.overlaps).hasValue(0);
        assertThat(section.total).isEqualTo(120);
    }

    /** Counts without any care: only a lock keeps that right. */
    private static final class Critical {

        private final AtomicInteger inside = new AtomicInteger();
        private final AtomicInteger overlaps = new AtomicInteger();
        private int total;

        void enter(LockProvider replica, String name, int times) {
            LockingTaskExecutor executor = new DefaultLockingTaskExecutor(replica);
            AtomicInteger own = new AtomicInteger();
            while (own.get() < times) {
                executor.executeWithLock(
                        (Runnable) () -> {
                            overlaps.addAndGet(inside.getAndIncrement());
                            total++;
                            own.incrementAndGet();
                            inside.decrementAndGet();
                        },
                        config(name, LONG, ZERO));
            }
        }
    }
}
