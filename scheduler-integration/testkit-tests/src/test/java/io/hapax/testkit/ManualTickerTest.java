package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.test.Broken;
import io.hapax.test.ManualTicker;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ManualTickerTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    private final ManualTicker ticker = new ManualTicker();
    private final NanoTime start = ticker.now();
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final List<Thread> threads = new CopyOnWriteArrayList<>();

    @AfterEach
    void end_all_threads() {
        stopped.set(true);
        threads.forEach(LockSupport::unpark);
        await().until(() -> threads.stream().noneMatch(Thread::isAlive));
    }

    @Test
    void time_stands_still_until_moved_and_wraps_around() {
        assertThat(ticker.now()).isEqualTo(start);
        ticker.advance(Duration.ofSeconds(10));
        assertThat(ticker.now().since(start)).isEqualTo(Duration.ofSeconds(10));
        assertThat(start.nanos()).isPositive();
        assertThat(ticker.now().nanos()).isNegative();
        assertThat(start.isBefore(ticker.now())).isTrue();
        assertThatThrownBy(() -> ticker.advance(SECOND.negated())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void each_deadline_on_the_way_is_seen_at_its_own_time_across_the_wrap_around() {
        List<Duration> seen = new CopyOnWriteArrayList<>();
        every(SECOND, () -> seen.add(ticker.now().since(start)));

        ticker.advance(Duration.ofMillis(10_500));
        assertThat(seen).hasSize(10);
        for (int i = 0; i < 10; i++) {
            assertThat(seen.get(i)).isEqualTo(SECOND.multipliedBy(i + 1));
        }
    }

    @Test
    void a_deadline_is_met_at_its_instant_and_not_a_nanosecond_earlier() {
        AtomicInteger rings = new AtomicInteger();
        every(SECOND, rings::incrementAndGet);
        ticker.advance(SECOND.minusNanos(1));
        assertThat(rings).hasValue(0);
        ticker.advance(Duration.ofNanos(1));
        assertThat(rings).hasValue(1);
    }

    @Test
    void threads_with_different_deadlines_act_in_the_order_of_time() {
        List<String> seen = new CopyOnWriteArrayList<>();
        every(Duration.ofSeconds(2), () -> seen.add("two"));
        every(Duration.ofSeconds(3), () -> seen.add("three"));
        ticker.advance(Duration.ofSeconds(5));
        assertThat(seen).containsExactly("two", "three", "two");
    }

    @Test
    void a_thread_with_a_far_deadline_does_not_hold_up_time() {
        AtomicInteger rings = new AtomicInteger();
        every(Duration.ofDays(10_000), () -> {});
        every(SECOND, rings::incrementAndGet);
        ticker.advance(Duration.ofMinutes(1));
        assertThat(rings).hasValue(60);
    }

    @Test
    void a_deadline_that_has_come_does_not_block() {
        ticker.parkUntil(ticker.now());
        ticker.parkUntil(ticker.now().plus(SECOND.negated()));
        assertThat(ticker.parkedThreads()).isZero();
    }

    @Test
    void a_parked_thread_returns_when_woken_unparked_or_interrupted() {
        for (String how : List.of("wake", "unpark", "interrupt")) {
            Thread thread = unannounced(() -> ticker.parkUntil(start.plus(SECOND)));
            await().until(() -> ticker.parkedThreads() == 1);
            if (how.equals("wake")) {
                ticker.wake(thread);
            } else if (how.equals("unpark")) {
                LockSupport.unpark(thread);
            } else {
                thread.interrupt();
            }
            await(how).until(() -> !thread.isAlive());
            assertThat(ticker.parkedThreads()).isZero();
        }
    }

    @Test
    void a_wake_that_comes_before_the_thread_parks_is_not_lost() {
        ticker.wake(Thread.currentThread());
        ticker.parkUntil(start.plus(SECOND));
        assertThat(ticker.now()).isEqualTo(start);
    }

    @Test
    void time_waits_for_a_woken_thread_to_do_its_work() {
        AtomicInteger work = new AtomicInteger();
        AtomicBoolean wanted = new AtomicBoolean();
        Thread thread = started(() -> {
            while (!stopped.get()) {
                if (wanted.getAndSet(false)) {
                    LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                    work.incrementAndGet();
                }
                ticker.parkUntil(ticker.now().plus(Duration.ofHours(1)));
            }
        });
        for (int i = 1; i <= 3; i++) {
            wanted.set(true);
            ticker.wake(thread);
            ticker.advance(Duration.ZERO);
            assertThat(work).hasValue(i);
        }
    }

    @Test
    void a_thread_that_ended_or_waits_for_something_else_does_not_hold_up_time() {
        CountDownLatch never = new CountDownLatch(1);
        unannounced(() -> ticker.parkUntil(start.plus(SECOND)));
        Thread elsewhere = unannounced(() -> {
            ticker.parkUntil(start.plus(SECOND));
            awaitQuietly(never);
        });
        await().until(() -> ticker.parkedThreads() == 2);

        ticker.advance(Duration.ofSeconds(2));
        assertThat(ticker.now().since(start)).isEqualTo(Duration.ofSeconds(2));
        assertThat(elsewhere.isAlive()).isTrue();
        never.countDown();
    }

    @Test
    void a_thread_that_never_comes_back_is_named() {
        ManualTicker impatient = Broken.impatient(Duration.ofSeconds(3));
        NanoTime end = impatient.now().plus(SECOND);
        Thread spinning = unannounced(() -> {
            impatient.parkUntil(end);
            while (!stopped.get()) {
                Thread.onSpinWait();
            }
        });
        await().until(() -> impatient.parkedThreads() == 1);
        assertThatThrownBy(() -> impatient.advance(SECOND))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(spinning.getName())
                .hasMessageContaining("has not parked again within 3 s")
                .hasStackTraceContaining("a_thread_that_never_comes_back_is_named");
    }

    @Test
    void an_interrupt_of_the_moving_thread_is_kept_and_does_no_harm() {
        AtomicInteger rings = new AtomicInteger();
        every(SECOND, rings::incrementAndGet);
        Thread.currentThread().interrupt();
        ticker.advance(Duration.ofSeconds(3));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(rings).hasValue(3);
    }

    private void every(Duration period, Runnable action) {
        started(() -> {
            NanoTime next = start.plus(period);
            while (!stopped.get()) {
                if (!ticker.now().isBefore(next)) {
                    action.run();
                    next = next.plus(period);
                }
                ticker.parkUntil(next);
            }
        });
    }

    private Thread started(Runnable body) {
        Thread thread = unannounced(body);
        ticker.wake(thread);
        return thread;
    }

    /** The ticker knows such a thread only once it has parked. */
    private Thread unannounced(Runnable body) {
        Thread thread = new Thread(body, "ticker-test-" + threads.size());
        threads.add(thread);
        thread.start();
        return thread;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
