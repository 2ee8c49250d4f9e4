package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Intervention;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Runs within runs, on one thread, that lose their leases together. */
class NestedLossTest {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final JobGuard guard = JobGuard.builder(store).ticker(ticker).build();

    @AfterEach
    void close() {
        guard.close();
        assertThat(Thread.interrupted()).isFalse();
    }

    private GuardedRun admitted(String key) throws InterruptedException {
        return Answered.run(guard.admit(RunRequest.lock(key)));
    }

    private void lose(GuardedRun... runs) {
        for (GuardedRun run : runs) {
            store.admin()
                    .forceRelease(run.identity(), Intervention.UNNAMED)
                    .toCompletableFuture()
                    .join();
        }
        ticker.advance(RunOptions.DEFAULTS.ttl().dividedBy(2));
        // No waiting that an interrupt would end.
        while (List.of(runs).stream().anyMatch(run -> run.lost().isEmpty())) {
            Thread.onSpinWait();
        }
    }

    @Test
    void who_leaves_the_inner_one_is_still_interrupted_because_of_the_outer_one() throws Exception {
        GuardedRun outer = admitted("outer");
        GuardedRun inner = admitted("inner");
        AtomicReference<Boolean> between = new AtomicReference<>();
        try (outer;
                GuardedRun.Scope around = outer.enter()) {
            try (inner;
                    GuardedRun.Scope within = inner.enter()) {
                lose(outer, inner);
            }
            between.set(Thread.currentThread().isInterrupted());
        }
        assertThat(between.get()).isTrue();
    }

    @Test
    void a_run_in_between_that_was_not_lost_changes_nothing() throws Exception {
        GuardedRun outer = admitted("outer");
        GuardedRun middle = admitted("middle");
        GuardedRun inner = admitted("inner");
        AtomicReference<Boolean> within = new AtomicReference<>();
        try (outer;
                GuardedRun.Scope first = outer.enter()) {
            try (middle;
                    GuardedRun.Scope second = middle.enter()) {
                try (inner;
                        GuardedRun.Scope third = inner.enter()) {
                    lose(outer, inner);
                }
                within.set(Thread.currentThread().isInterrupted());
            }
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        }
        assertThat(within.get()).isTrue();
    }

    @Test
    void who_leaves_a_run_that_alone_was_lost_goes_on_undisturbed() throws Exception {
        GuardedRun outer = admitted("outer");
        GuardedRun inner = admitted("inner");
        try (outer;
                GuardedRun.Scope around = outer.enter()) {
            try (inner;
                    GuardedRun.Scope within = inner.enter()) {
                lose(inner);
            }
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            assertThat(outer.isHeld()).isTrue();
        }
    }
}
