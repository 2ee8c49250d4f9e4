package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.hapax.lease.LeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.BrokenLeaseStore.Flaw;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The contract is only worth something if it can fail. */
@Tag("slow")
class ContractFindsFlawsTest {

    private static final String FLAW = "hapax.test.flaw";
    private static final String ANSWER_SECONDS = "hapax.contract.answer-seconds";

    @ParameterizedTest
    @CsvSource({
        "RELEASE_WITHOUT_OWNER_CHECK, a_release_by_somebody_else_changes_nothing()",
        "NAMES_NO_GRANT, a_release_that_is_carried_out_late_ends_no_later_grant_of_the_same_owner()",
        "NAMES_NO_GRANT, a_renewal_that_is_carried_out_late_renews_no_later_grant_of_the_same_owner()",
        "SHORTENS_PLACES, whoever_asks_for_a_shorter_time_shortens_nobodys_place()",
        "SHORTENS_ITS_OWN_PLACE, a_place_that_is_kept_for_a_shorter_time_is_not_shortened()",
        "MAKES_PLACES_ANEW, a_place_is_kept_only_for_a_holder_that_has_one()",
        "TOKEN_DOES_NOT_GROW, fencing_tokens_grow_over_a_release_a_lapse_and_a_forced_release()",
        "TOKEN_DOES_NOT_GROW, fencing_tokens_grow_over_a_hundred_grants_on_two_clients()",
        "FORGETS_COMPLETIONS, a_done_marker_stops_its_own_occurrence_and_no_other()",
        "TELLS_NO_OUTCOME, an_occurrence_has_one_outcome_the_first()",
        "RENEWS_WHAT_IS_LOST, a_lapsed_lease_without_a_successor_is_lost_as_well()",
        "RENEWS_IN_WRONG_ORDER, a_batch_of_renewals_is_answered_in_order_and_trouble_with_one_does_not_touch_the_others()",
        "NEVER_WAKES, whoever_waits_is_woken_by_a_release_of_another_client()",
        "NEVER_WAITS_TO_AN_END, waiting_ends_after_the_given_time_at_the_latest()",
        "WITHDRAWS_ANYBODY, withdrawing_a_refused_or_unknown_request_does_not_disturb_the_holder()",
        "MIXES_LOCK_AND_RUN_KEYS, a_lock_key_and_a_run_key_of_the_same_text_do_not_collide()",
        "CUTS_LONG_KEYS, long_keys_that_differ_only_at_their_end_are_different_keys()",
        "NAMES_SLOTS_BY_TEXT, a_lock_key_that_is_called_like_a_slot_does_not_meet_it()",
        "KNOWS_NO_SLOTS, each_slot_of_a_key_is_leased_apart_from_the_others_and_from_the_key()",
        "LEASE_LIVES_FOR_EVER, a_lapsed_lease_without_a_successor_is_lost_as_well()",
        "SAME_RUN_IS_NEVER_TOLD, a_refusal_tells_the_same_run_from_another_one()",
        "LISTS_ONLY_THE_FIRST, hundreds_of_leases_are_listed_once_each()",
        "TAKES_AWAY_FROM_ANYBODY, a_listed_lease_is_taken_away_only_while_its_holder_holds_it_and_the_audit_says_who_did_it()",
        "NOTES_NO_AUDIT, the_audit_also_has_those_who_name_a_key_and_the_newest_comes_first()",
        "PAUSES_NOTHING, a_paused_key_is_granted_to_nobody_until_it_is_resumed_and_the_audit_says_who_did_it()",
        "LISTS_NO_PAUSES, paused_keys_are_listed_with_who_and_why_and_resumed_as_they_are_listed()",
        "HAS_NO_HISTORY, how_runs_of_a_job_ended_is_kept_the_last_first()",
        "KEEPS_OLD_REPORTS, reports_of_workers_are_read_until_their_time_is_over_and_workers_know_whether_somebody_reads()",
        "AGREES_TO_ANYTHING, guards_that_differ_from_those_of_another_client_are_refused_and_both_are_named()",
        "KEEPS_ANY_CHANGE, a_change_that_does_not_follow_what_is_there_is_not_kept_and_the_worker_knows()",
        "ASKS_FOR_NOTHING, the_last_thirty_changes_are_kept_and_whoever_lacks_earlier_ones_asks_for_all()",
        "HANDS_OUT_EVERYTHING, whoever_knows_the_changes_before_reads_only_those_that_are_new()",
        "NOBODY_EVER_READS, reports_of_workers_are_read_until_their_time_is_over_and_workers_know_whether_somebody_reads()"
    })
    void a_planted_flaw_is_found_by_the_test_that_is_about_it(Flaw flaw, String test) {
        assertThat(failures(flaw)).contains(test);
    }

    private static List<String> failures(Flaw flaw) {
        List<String> failed = new CopyOnWriteArrayList<>();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(Broken.class))
                .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "false")
                .build();
        System.setProperty(FLAW, flaw.name());
        System.setProperty(ANSWER_SECONDS, "1");
        try {
            LauncherFactory.create().execute(request, new TestExecutionListener() {
                @Override
                public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                    if (test.isTest() && result.getStatus() == TestExecutionResult.Status.FAILED) {
                        failed.add(test.getDisplayName());
                    }
                }
            });
        } finally {
            System.clearProperty(FLAW);
            System.clearProperty(ANSWER_SECONDS);
        }
        return failed;
    }

    /** Nested and without the name of a test, so that only the launcher above runs it. */
    @EnabledIfSystemProperty(named = FLAW, matches = ".+")
    static class Broken extends LeaseStoreContract {
        private final ManualTicker ticker = new ManualTicker();
        private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
        private final Flaw flaw = Flaw.valueOf(System.getProperty(FLAW));
        private final LeaseStore store = new BrokenLeaseStore(memory, flaw);
        private final LeaseStore other = new BrokenLeaseStore(memory.otherClient(), flaw);

        @Override
        protected LeaseStore store() {
            return store;
        }

        @Override
        protected LeaseStore otherClient() {
            return other;
        }

        @Override
        protected void letLapse(Duration ttl) {
            ticker.advance(ttl.plusNanos(1));
        }
    }
}
