package io.hapax.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ops.FleetBoard;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class WatcherTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    private final InMemoryLeaseStore store = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-12-31T23:59:59Z"));
    private final Watcher watcher =
            new Watcher(new Fleet(store, null, JsonMapper.builder().build(), now::get, Ticker.SYSTEM));

    @AfterEach
    void close() {
        watcher.close();
        store.close();
    }

    private boolean isRead() {
        return store.board()
                .post(FleetBoard.Posting.of("w", "{}", LONG))
                .toCompletableFuture()
                .join()
                .isRead();
    }

    @Test
    void nobody_is_asked_until_somebody_watches_and_after_nobody_does() throws Exception {
        watcher.start();
        assertThat(isRead()).isFalse();
        Watcher.Seen first = watcher.newerThan(0, LONG);
        assertThat(first).isNotNull();
        assertThat(isRead()).isTrue();
        // Reports are wanted for five seconds after the last look, and looks go on for three after the last watcher.
        await().atMost(Duration.ofSeconds(30)).until(() -> !isRead());
    }

    @Test
    void whoever_comes_after_a_pause_sees_what_is_now() throws Exception {
        watcher.start();
        Watcher.Seen first = watcher.newerThan(0, LONG);
        await().atMost(Duration.ofSeconds(30)).until(() -> !isRead());
        Instant later = now.updateAndGet(before -> before.plusSeconds(30));
        Watcher.Seen second = watcher.newerThan(0, LONG);
        assertThat(second.number()).isGreaterThan(first.number());
        assertThat(second.snapshot().view().now()).isEqualTo(later.toEpochMilli());
    }

    @Test
    void those_who_wait_do_not_wake_each_other() throws Exception {
        watcher.start();
        List<Thread> waiters = new ArrayList<>();
        for (int n = 0; n < 3; n++) {
            Thread waiter = new Thread(() -> {
                try {
                    watcher.newerThan(Long.MAX_VALUE - 1, Duration.ofSeconds(60));
                } catch (InterruptedException closing) {
                    Thread.currentThread().interrupt();
                }
            });
            waiter.start();
            waiters.add(waiter);
        }
        TimeUnit.SECONDS.sleep(2);
        // A wait for each of the looks in two seconds. If the waiters woke each other, it would be thousands.
        for (Thread waiter : waiters) {
            await().atMost(Duration.ofSeconds(30)).until(() -> waits(waiter) > 0);
            assertThat(waits(waiter)).isLessThanOrEqualTo(100);
        }
        for (Thread waiter : waiters) {
            waiter.interrupt();
            waiter.join();
        }
    }

    private static long waits(Thread waiter) {
        return ManagementFactory.getThreadMXBean().getThreadInfo(waiter.getId()).getWaitedCount();
    }

    @Test
    void nobody_waits_for_a_watcher_that_is_closed() throws Exception {
        watcher.start();
        watcher.close();
        assertThat(watcher.newerThan(0, LONG)).isNull();
    }
}
