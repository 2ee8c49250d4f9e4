package io.hapax.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PessimisticTickerTest {

    private static final long SECOND = 1_000_000_000L;

    private long monotonic = Long.MAX_VALUE - 5 * SECOND;
    private long wall = 1_800_000_000L * SECOND;
    private long boot = 77 * SECOND;
    private final PessimisticTicker ticker = new PessimisticTicker(() -> monotonic, () -> wall, () -> boot);

    private void allAdvance(long nanos) {
        monotonic += nanos;
        wall += nanos;
        boot += nanos;
    }

    private Duration elapsedSince(NanoTime start) {
        return ticker.now().since(start);
    }

    @Test
    void it_follows_the_monotonic_clock_also_across_its_wrap_around() {
        NanoTime start = ticker.now();
        allAdvance(10 * SECOND);
        assertThat(elapsedSince(start)).isEqualTo(Duration.ofSeconds(10));
        assertThat(start.isBefore(ticker.now())).isTrue();
    }

    @Test
    void jitter_of_the_wall_clock_does_not_add_up() {
        NanoTime start = ticker.now();
        for (int i = 0; i < 10_000; i++) {
            allAdvance(SECOND / 1000);
            wall += (i % 2 == 0 ? 1 : -1) * 40_000_000L;
            ticker.now();
        }
        assertThat(elapsedSince(start)).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void a_suspension_that_stopped_the_monotonic_clock_counts_once() {
        NanoTime start = ticker.now();
        allAdvance(SECOND);
        wall += 60 * SECOND;
        boot += 60 * SECOND;
        ticker.now();
        allAdvance(SECOND);
        assertThat(elapsedSince(start)).isEqualTo(Duration.ofSeconds(62));
    }

    @Test
    void a_suspension_counts_even_if_only_the_boot_clock_shows_it() {
        NanoTime start = ticker.now();
        allAdvance(SECOND);
        boot += 60 * SECOND;
        assertThat(elapsedSince(start)).isEqualTo(Duration.ofSeconds(61));
    }

    @Test
    void a_wall_clock_that_is_set_back_changes_nothing_and_hides_no_later_suspension() {
        NanoTime start = ticker.now();
        allAdvance(SECOND);
        wall -= 3600 * SECOND;
        assertThat(elapsedSince(start)).isEqualTo(Duration.ofSeconds(1));
        wall += 60 * SECOND;
        assertThat(elapsedSince(start)).isEqualTo(Duration.ofSeconds(61));
    }

    @Test
    void parking_for_a_past_deadline_returns_at_once() {
        NanoTime now = Ticker.SYSTEM.now();
        Ticker.SYSTEM.parkUntil(now);
        assertThat(Ticker.SYSTEM.now().since(now)).isLessThan(Duration.ofMinutes(1));
    }

    @Test
    void a_sleeper_notices_that_time_was_pushed_beyond_its_deadline() throws InterruptedException {
        AtomicLong suspended = new AtomicLong();
        PessimisticTicker clocks =
                new PessimisticTicker(System::nanoTime, () -> System.nanoTime() + suspended.get(), System::nanoTime);
        NanoTime deadline = clocks.now().plus(Duration.ofHours(1));
        Thread sleeper = new Thread(() -> {
            while (clocks.now().isBefore(deadline)) {
                clocks.parkUntil(deadline);
            }
        });
        sleeper.start();
        suspended.set(Duration.ofHours(2).toNanos());
        sleeper.join(Duration.ofSeconds(30).toMillis());
        assertThat(sleeper.isAlive()).isFalse();
    }
}
