package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.Admission.Refused;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.StrictLeaseStore;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OverlapPolicyTest {

    private static final Duration TTL = Duration.ofSeconds(30);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore faulty = new FaultyLeaseStore(memory);
    private final StrictLeaseStore store = new StrictLeaseStore(faulty, ticker);
    private final Events events = new Events();
    private final JobGuard guard =
            JobGuard.builder(store).ticker(ticker).listener(events).build();

    @AfterEach
    void nothing_is_left_held() {
        store.assertNothingHeld();
    }

    private static RunRequest occurrence(int number, OnConflict policy) {
        return RunRequest.lock("report").once("report@" + number).tune(options -> options.withOnConflict(policy));
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(guard.admit(request));
    }

    private AfterRefusal policy(RunRequest request) throws InterruptedException {
        Admission admission = guard.admit(request);
        assertThat(admission).isInstanceOf(Refused.class);
        return ((Refused) admission).then();
    }

    @Test
    void skip_is_to_skip() throws Exception {
        try (GuardedRun run = admitted(occurrence(1, OnConflict.SKIP))) {
            assertThat(policy(occurrence(2, OnConflict.SKIP))).isEqualTo(AfterRefusal.SKIP);
        }
    }

    @Test
    void buffer_one_lets_one_wait_and_skips_the_others_until_it_has_begun() throws Exception {
        GuardedRun first = admitted(occurrence(1, OnConflict.BUFFER_ONE));
        assertThat(policy(occurrence(2, OnConflict.BUFFER_ONE))).isEqualTo(AfterRefusal.TRY_AGAIN);
        assertThat(policy(occurrence(3, OnConflict.BUFFER_ONE))).isEqualTo(AfterRefusal.SKIP);
        assertThat(policy(occurrence(2, OnConflict.BUFFER_ONE).again())).isEqualTo(AfterRefusal.TRY_AGAIN);
        first.complete();
        GuardedRun second = admitted(occurrence(2, OnConflict.BUFFER_ONE).again());
        assertThat(policy(occurrence(4, OnConflict.BUFFER_ONE))).isEqualTo(AfterRefusal.TRY_AGAIN);
        second.complete();
    }

    @Test
    void a_waiter_that_has_died_keeps_its_place_for_two_minutes() throws Exception {
        GuardedRun first = admitted(occurrence(1, OnConflict.BUFFER_ONE));
        try (first;
                var scope = first.enter()) {
            assertThat(policy(occurrence(2, OnConflict.BUFFER_ONE))).isEqualTo(AfterRefusal.TRY_AGAIN);
            for (int n = 0; n < 15; n++) {
                ticker.advance(TTL.dividedBy(4));
            }
            assertThat(policy(occurrence(3, OnConflict.BUFFER_ONE))).isEqualTo(AfterRefusal.SKIP);
            ticker.advance(TTL.dividedBy(4));
            assertThat(policy(occurrence(4, OnConflict.BUFFER_ONE))).isEqualTo(AfterRefusal.TRY_AGAIN);
        }
    }

    @Test
    void cancel_other_tells_the_other_one_within_a_third_of_its_ttl_and_comes_after_it() throws Exception {
        GuardedRun first = admitted(occurrence(1, OnConflict.CANCEL_OTHER));
        try (first;
                var scope = first.enter()) {
            assertThat(policy(occurrence(2, OnConflict.CANCEL_OTHER))).isEqualTo(AfterRefusal.TRY_AGAIN);
            assertThat(first.lost()).isEmpty();
            ticker.advance(TTL.dividedBy(2));
            events.awaitOne(GuardEvent.Lost.class);
            assertThat(first.lost()).contains(LossReason.CANCELLED);
            assertThat(Interrupts.taken()).isTrue();
            assertThat(policy(occurrence(2, OnConflict.CANCEL_OTHER).again())).isEqualTo(AfterRefusal.TRY_AGAIN);
        }
        admitted(occurrence(2, OnConflict.CANCEL_OTHER).again()).complete();
    }

    @Test
    void who_tries_again_gives_way_to_a_newer_one_instead_of_cancelling_it() throws Exception {
        GuardedRun first = admitted(occurrence(1, OnConflict.CANCEL_OTHER));
        assertThat(policy(occurrence(2, OnConflict.CANCEL_OTHER))).isEqualTo(AfterRefusal.TRY_AGAIN);
        first.close();
        GuardedRun third = admitted(occurrence(3, OnConflict.CANCEL_OTHER));
        try (third;
                var scope = third.enter()) {
            assertThat(policy(occurrence(2, OnConflict.CANCEL_OTHER).again())).isEqualTo(AfterRefusal.SKIP);
            ticker.advance(TTL.dividedBy(2));
            assertThat(third.lost()).isEmpty();
        }
    }

    @Test
    void what_comes_again_waits_its_turn_behind_others_and_is_skipped_behind_its_own_schedule() throws Exception {
        try (GuardedRun run = admitted(occurrence(1, OnConflict.AUTO))) {
            RunRequest next = occurrence(2, OnConflict.AUTO);
            assertThat(policy(next)).isEqualTo(AfterRefusal.SKIP);
            assertThat(policy(next.inSeries(holder -> holder.run().startsWith("report@"))))
                    .isEqualTo(AfterRefusal.SKIP);
            assertThat(policy(next.inSeries(holder -> holder.run().startsWith("mails@"))))
                    .isEqualTo(AfterRefusal.TRY_AGAIN);
            assertThat(policy(next.inSeries(holder -> true).oneOff())).isEqualTo(AfterRefusal.TRY_AGAIN);
            RunRequest skipped = occurrence(3, OnConflict.SKIP).inSeries(holder -> false);
            assertThat(policy(skipped)).isEqualTo(AfterRefusal.SKIP);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = OnConflict.class,
            names = {"AUTO", "SKIP", "ALLOW", "BUFFER_ONE", "CANCEL_OTHER"})
    void while_nothing_is_granted_yet_an_occurrence_is_kept_unless_the_next_one_is_in_time(OnConflict policy)
            throws Exception {
        memory.quarantine(Duration.ofSeconds(10));
        RunRequest nightly = occurrence(1, policy).nextIn(Duration.ofSeconds(10).plusNanos(1));
        assertThat(policy(nightly)).isEqualTo(AfterRefusal.TRY_AGAIN);
        assertThat(policy(nightly.nextIn(Duration.ofSeconds(10)))).isEqualTo(AfterRefusal.SKIP);
        assertThat(policy(occurrence(1, policy))).isEqualTo(AfterRefusal.SKIP);
        // Whoever waits already is not told to go because of it.
        assertThat(policy(occurrence(1, policy).again())).isEqualTo(AfterRefusal.TRY_AGAIN);
        assertThat(policy(nightly.tune(options -> options.withOnConflict(OnConflict.FAIL))))
                .isEqualTo(AfterRefusal.FAIL);
    }

    @ParameterizedTest
    @EnumSource(
            value = OnConflict.class,
            names = {"AUTO", "SKIP", "ALLOW", "BUFFER_ONE", "CANCEL_OTHER"})
    void while_the_store_is_silent_an_occurrence_is_kept_unless_the_next_one_comes_within_the_ttl(OnConflict policy)
            throws Exception {
        faulty.failAcquires();
        RunRequest nightly = occurrence(1, policy).nextIn(TTL.plusNanos(1));
        assertThat(policy(nightly)).isEqualTo(AfterRefusal.TRY_AGAIN);
        assertThat(policy(nightly.nextIn(TTL))).isEqualTo(AfterRefusal.SKIP);
        assertThat(policy(occurrence(1, policy))).isEqualTo(AfterRefusal.SKIP);
        assertThat(policy(nightly.tune(options -> options.withOnConflict(OnConflict.FAIL))))
                .isEqualTo(AfterRefusal.FAIL);
    }

    @ParameterizedTest
    @EnumSource(
            value = OnConflict.class,
            names = {"AUTO", "SKIP", "ALLOW", "BUFFER_ONE", "CANCEL_OTHER"})
    void who_waits_for_a_silent_store_is_given_up_when_the_next_occurrence_is_due(OnConflict policy) throws Exception {
        faulty.failAcquires();
        RunRequest waiting = occurrence(1, policy).again();
        assertThat(policy(waiting.nextIn(Duration.ofNanos(1)))).isEqualTo(AfterRefusal.TRY_AGAIN);
        assertThat(policy(waiting.nextIn(Duration.ZERO))).isEqualTo(AfterRefusal.SKIP);
        assertThat(policy(waiting.nextIn(Duration.ZERO).onlyCopy())).isEqualTo(AfterRefusal.TRY_AGAIN);
        assertThat(policy(waiting.nextIn(Duration.ZERO).tune(options -> options.withOnConflict(OnConflict.RESCHEDULE))))
                .isEqualTo(AfterRefusal.TRY_AGAIN);
        // As long as nobody knows when the next one comes, it may be the last.
        assertThat(policy(waiting)).isEqualTo(AfterRefusal.TRY_AGAIN);
    }

    @ParameterizedTest
    @EnumSource(
            value = OnConflict.class,
            names = {"BUFFER_ONE", "CANCEL_OTHER"})
    void plain_code_cannot_be_tried_again_later(OnConflict policy) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guard.run(occurrence(1, policy), run -> "never"))
                .withMessageContaining("onConflict=" + policy)
                .withMessageContaining("use SKIP, WAIT, FAIL or ALLOW");
    }
}
