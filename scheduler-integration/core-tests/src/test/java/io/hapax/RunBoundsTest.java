package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.hapax.event.LossReason;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a run may still say about how long it holds its key, and keeps others away. */
class RunBoundsTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final JobGuard guard = JobGuard.builder(store).ticker(ticker).build();

    @AfterEach
    void close() {
        boolean unused = Thread.interrupted();
        guard.close();
    }

    private GuardedRun admitted(Duration maxHold, Duration throttle) throws InterruptedException {
        return Answered.run(guard.admit(request(maxHold, throttle)));
    }

    private static RunRequest request(Duration maxHold, Duration throttle) {
        return RunRequest.lock("k")
                .tune(options -> options.withMaxHold(maxHold).withThrottle(new Throttle(1, throttle)));
    }

    private void advance(int seconds) {
        for (int n = 0; n < seconds; n++) {
            ticker.advance(SECOND);
        }
    }

    @Test
    void a_run_may_be_held_for_longer_than_was_said_first_and_no_longer_than_was_said_last() throws Exception {
        try (GuardedRun run = admitted(Duration.ofSeconds(10), SECOND);
                GuardedRun.Scope scope = run.enter()) {
            advance(9);
            assertThat(RunBounds.of(run).holdAtMost(Duration.ofSeconds(45))).isTrue();
            advance(44);
            run.ensureHeld();
            advance(1);
            assertThat(Interrupts.taken()).isTrue();
            assertThat(run.lost()).contains(LossReason.MAX_HOLD);
        }
    }

    @Test
    void a_run_may_be_held_for_shorter_than_was_said_first() throws Exception {
        try (GuardedRun run = admitted(Duration.ofHours(1), SECOND);
                GuardedRun.Scope scope = run.enter()) {
            assertThat(RunBounds.of(run).holdAtMost(SECOND)).isTrue();
            advance(1);
            assertThat(run.lost()).contains(LossReason.MAX_HOLD);
        }
    }

    @Test
    void a_run_without_a_bound_can_be_given_one() throws Exception {
        try (GuardedRun run = admitted(Duration.ZERO, SECOND);
                GuardedRun.Scope scope = run.enter()) {
            assertThat(RunBounds.of(run).holdAtMost(SECOND)).isTrue();
            advance(1);
            assertThat(run.lost()).contains(LossReason.MAX_HOLD);
        }
    }

    @Test
    void what_is_over_cannot_be_held_for_longer() throws Exception {
        GuardedRun ended = admitted(Duration.ZERO, SECOND);
        ended.close();
        assertThat(RunBounds.of(ended).holdAtMost(SECOND)).isFalse();
        assertThatIllegalStateException()
                .isThrownBy(() -> RunBounds.of(ended).keepOthersAway(SECOND))
                .withMessageContaining("has ended");
        GuardedRun lost = admitted(Duration.ofSeconds(1), SECOND);
        try (lost;
                GuardedRun.Scope scope = lost.enter()) {
            advance(1);
            assertThat(RunBounds.of(lost).holdAtMost(SECOND)).isFalse();
            assertThatExceptionOfType(LeaseLostException.class)
                    .isThrownBy(() -> RunBounds.of(lost).keepOthersAway(SECOND));
        }
    }

    @Test
    void others_are_kept_away_for_longer_than_the_throttle_said() throws Exception {
        try (GuardedRun run = admitted(Duration.ZERO, SECOND);
                GuardedRun.Scope scope = run.enter()) {
            RunBounds.of(run)
                    .keepOthersAway(Duration.ofSeconds(60))
                    .toCompletableFuture()
                    .join();
        }
        advance(59);
        assertThat(Answered.refusal(guard.admit(request(Duration.ZERO, SECOND))).verdict())
                .isEqualTo(Verdict.THROTTLED);
        advance(1);
        admitted(Duration.ZERO, SECOND).close();
    }

    @Test
    void others_are_kept_away_for_shorter_than_the_throttle_said() throws Exception {
        try (GuardedRun run = admitted(Duration.ZERO, Duration.ofHours(1));
                GuardedRun.Scope scope = run.enter()) {
            RunBounds.of(run)
                    .keepOthersAway(Duration.ofSeconds(2))
                    .toCompletableFuture()
                    .join();
        }
        advance(1);
        assertThat(Answered.refusal(guard.admit(request(Duration.ZERO, SECOND))).verdict())
                .isEqualTo(Verdict.THROTTLED);
        advance(1);
        GuardedRun next = admitted(Duration.ZERO, Duration.ofHours(1));
        try (next;
                GuardedRun.Scope scope = next.enter()) {
            RunBounds.of(next)
                    .keepOthersAway(Duration.ZERO)
                    .toCompletableFuture()
                    .join();
        }
        admitted(Duration.ZERO, SECOND).close();
    }

    /** Notes that a place is given up when a test says so, on a thread of its own as a store of the network does. */
    private static final class Late extends ForwardingLeaseStore {

        private final CompletableFuture<Boolean> gaveUp = new CompletableFuture<>();

        Late(LeaseStore memory) {
            super(memory);
        }

        @Override
        public Optional<Reservations> reservations() {
            return super.reservations().map(Places::new);
        }

        private final class Places implements Reservations {

            private final Reservations memory;

            Places(Reservations memory) {
                this.memory = memory;
            }

            @Override
            public CompletionStage<Reservation> reserve(ReservationRequest request) {
                return memory.reserve(request);
            }

            @Override
            public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
                return memory.keep(name, holder, time);
            }

            @Override
            public CompletionStage<Boolean> giveUp(String name, String holder) {
                return gaveUp;
            }

            @Override
            public CompletionStage<List<String>> holders(String name) {
                return memory.holders(name);
            }
        }
    }

    @Test
    void code_that_follows_what_the_store_has_learned_does_not_hold_a_thread_of_the_store() throws Exception {
        Late late = new Late(store);
        CompletableFuture<Thread> followed = new CompletableFuture<>();
        try (JobGuard other = JobGuard.builder(late).ticker(ticker).build();
                GuardedRun run = Answered.run(other.admit(request(Duration.ZERO, SECOND)));
                GuardedRun.Scope scope = run.enter()) {
            var unused =
                    RunBounds.of(run).keepOthersAway(SECOND).thenRun(() -> followed.complete(Thread.currentThread()));
            Thread ofStore = new Thread(() -> late.gaveUp.complete(true), "store");
            ofStore.start();
            assertThat(followed.get(40, TimeUnit.SECONDS)).isNotSameAs(ofStore);
            ofStore.join();
        }
    }

    @Test
    void nonsense_is_refused() throws Exception {
        try (GuardedRun run = admitted(Duration.ZERO, SECOND);
                GuardedRun.Scope scope = run.enter()) {
            RunBounds bounds = RunBounds.of(run);
            assertThatIllegalArgumentException().isThrownBy(() -> bounds.holdAtMost(Duration.ZERO));
            assertThatIllegalArgumentException().isThrownBy(() -> bounds.holdAtMost(Duration.ofSeconds(-1)));
            assertThatIllegalArgumentException().isThrownBy(() -> bounds.keepOthersAway(Duration.ofSeconds(-1)));
            assertThatIllegalArgumentException().isThrownBy(() -> bounds.keepOthersAway(Duration.ofDays(367)));
            run.ensureHeld();
        }
    }
}
