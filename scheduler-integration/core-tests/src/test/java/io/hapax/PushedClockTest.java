package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** A clock that jumps forward while the watchdog sleeps, as after a suspension or a step of the wall clock. */
class PushedClockTest {

    /** As {@link Ticker#SYSTEM}: nobody is woken when time is pushed, but nobody sleeps for long. */
    private static final class Pushed implements Ticker {
        private final AtomicLong pushed = new AtomicLong();

        @Override
        public NanoTime now() {
            return new NanoTime(System.nanoTime() + pushed.get());
        }

        @Override
        public void parkUntil(NanoTime deadline) {
            long nanos = deadline.nanos() - now().nanos();
            if (nanos > 0) {
                LockSupport.parkNanos(Math.min(nanos, 20_000_000));
            }
        }

        @Override
        public void wake(Thread thread) {
            LockSupport.unpark(thread);
        }
    }

    private final Pushed clock = new Pushed();

    @Test
    void a_run_after_the_jump_is_renewed_and_one_before_it_is_told() throws Exception {
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(clock))
                .ticker(clock)
                .withoutLogging()
                .build()) {
            RunRequest request = RunRequest.lock("k").ttl(Duration.ofSeconds(10));
            GuardedRun before = Answered.run(guard.admit(request));
            try (GuardedRun.Scope unused = before.enter(OnLeaseLost.SIGNAL)) {
                clock.pushed.addAndGet(Duration.ofHours(1).toNanos());
                await().until(() -> before.lost().isPresent());
            }
            before.close();
            GuardedRun after = Answered.run(guard.admit(RunRequest.lock("other").ttl(Duration.ofSeconds(9))));
            NanoTime start = clock.now();
            try (GuardedRun.Scope unused = after.enter(OnLeaseLost.SIGNAL)) {
                await().atMost(Duration.ofSeconds(40))
                        .until(() -> clock.now().since(start).compareTo(Duration.ofSeconds(10)) > 0);
                assertThat(after.lost()).isEmpty();
                assertThat(after.isHeld()).isTrue();
            }
            after.close();
        }
    }
}
