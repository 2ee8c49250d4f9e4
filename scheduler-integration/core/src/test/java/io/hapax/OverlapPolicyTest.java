package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.Admission.Refused;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.testkit.InMemoryLeaseStore;
import io.hapax.testkit.ManualTicker;
import io.hapax.testkit.StrictLeaseStore;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OverlapPolicyTest {

    private static final Duration TTL = Duration.ofSeconds(30);

    private final ManualTicker ticker = new ManualTicker();
    private final StrictLeaseStore store = new StrictLeaseStore(new InMemoryLeaseStore(ticker), ticker);
    private final Events events = new Events();
    private final JobGuard guard =
            JobGuard.builder(store).ticker(ticker).listener(events).build();

    @AfterEach
    void nothing_is_left_held() {
        store.assertNothingHeld();
    }

    private static RunRequest occurrence(int number, OverlapPolicy policy) {
        return RunRequest.lock("report").once("report@" + number).tune(options -> options.withOverlap(policy));
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(guard.admit(request));
    }

    private OnConflict policy(RunRequest request) throws InterruptedException {
        Admission admission = guard.admit(request);
        assertThat(admission).isInstanceOf(Refused.class);
        return ((Refused) admission).policy();
    }

    @Test
    void skip_is_to_skip() throws Exception {
        try (GuardedRun run = admitted(occurrence(1, OverlapPolicy.SKIP))) {
            assertThat(policy(occurrence(2, OverlapPolicy.SKIP))).isEqualTo(OnConflict.SKIP);
        }
    }

    @Test
    void buffer_one_lets_one_wait_and_skips_the_others_until_it_has_begun() throws Exception {
        GuardedRun first = admitted(occurrence(1, OverlapPolicy.BUFFER_ONE));
        assertThat(policy(occurrence(2, OverlapPolicy.BUFFER_ONE))).isEqualTo(OnConflict.RESCHEDULE);
        assertThat(policy(occurrence(3, OverlapPolicy.BUFFER_ONE))).isEqualTo(OnConflict.SKIP);
        assertThat(policy(occurrence(2, OverlapPolicy.BUFFER_ONE).again())).isEqualTo(OnConflict.RESCHEDULE);
        first.complete();
        GuardedRun second = admitted(occurrence(2, OverlapPolicy.BUFFER_ONE).again());
        assertThat(policy(occurrence(4, OverlapPolicy.BUFFER_ONE))).isEqualTo(OnConflict.RESCHEDULE);
        second.complete();
    }

    @Test
    void a_waiter_that_has_died_keeps_its_place_for_two_minutes() throws Exception {
        GuardedRun first = admitted(occurrence(1, OverlapPolicy.BUFFER_ONE));
        try (first;
                var scope = first.enter()) {
            assertThat(policy(occurrence(2, OverlapPolicy.BUFFER_ONE))).isEqualTo(OnConflict.RESCHEDULE);
            for (int n = 0; n < 15; n++) {
                ticker.advance(TTL.dividedBy(4));
            }
            assertThat(policy(occurrence(3, OverlapPolicy.BUFFER_ONE))).isEqualTo(OnConflict.SKIP);
            ticker.advance(TTL.dividedBy(4));
            assertThat(policy(occurrence(4, OverlapPolicy.BUFFER_ONE))).isEqualTo(OnConflict.RESCHEDULE);
        }
    }

    @Test
    void cancel_other_tells_the_other_one_within_a_third_of_its_ttl_and_comes_after_it() throws Exception {
        GuardedRun first = admitted(occurrence(1, OverlapPolicy.CANCEL_OTHER));
        try (first;
                var scope = first.enter()) {
            assertThat(policy(occurrence(2, OverlapPolicy.CANCEL_OTHER))).isEqualTo(OnConflict.RESCHEDULE);
            assertThat(first.lost()).isEmpty();
            ticker.advance(TTL.dividedBy(2));
            events.awaitOne(GuardEvent.Lost.class);
            assertThat(first.lost()).contains(LossReason.CANCELLED);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(policy(occurrence(2, OverlapPolicy.CANCEL_OTHER).again()))
                    .isEqualTo(OnConflict.RESCHEDULE);
        }
        admitted(occurrence(2, OverlapPolicy.CANCEL_OTHER).again()).complete();
    }

    @Test
    void who_tries_again_gives_way_to_a_newer_one_instead_of_cancelling_it() throws Exception {
        GuardedRun first = admitted(occurrence(1, OverlapPolicy.CANCEL_OTHER));
        assertThat(policy(occurrence(2, OverlapPolicy.CANCEL_OTHER))).isEqualTo(OnConflict.RESCHEDULE);
        first.close();
        GuardedRun third = admitted(occurrence(3, OverlapPolicy.CANCEL_OTHER));
        try (third;
                var scope = third.enter()) {
            assertThat(policy(occurrence(2, OverlapPolicy.CANCEL_OTHER).again()))
                    .isEqualTo(OnConflict.SKIP);
            ticker.advance(TTL.dividedBy(2));
            assertThat(third.lost()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = OverlapPolicy.class,
            names = {"BUFFER_ONE", "CANCEL_OTHER"})
    void plain_code_cannot_be_tried_again_later(OverlapPolicy policy) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guard.run(occurrence(1, policy), run -> "never"))
                .withMessageContaining("overlap=" + policy)
                .withMessageContaining("onConflict=WAIT");
    }
}
