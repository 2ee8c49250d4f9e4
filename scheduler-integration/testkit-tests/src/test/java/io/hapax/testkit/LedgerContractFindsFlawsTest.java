package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.hapax.lease.Lease;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.BrokenRunLedger.Flaw;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The contract of ledgers is only worth something if it can fail. */
class LedgerContractFindsFlawsTest {

    private static final String FLAW = "hapax.test.ledger.flaw";

    @ParameterizedTest
    @CsvSource({
        "COMPLETES_FOR_ANYBODY, whoever_is_not_the_owner_or_has_another_token_changes_nothing",
        "COMPLETES_TWICE_IN_TRANSACTIONS, a_completion_in_a_transaction_is_noted_once_and_for_all",
        "TOKEN_DOES_NOT_GROW, fencing_tokens_of_a_lock_key_grow_over_its_occurrences",
        "IGNORES_THE_LEASE, the_token_of_a_claim_is_its_leases_or_above_all_granted_before_on_its_key",
        "ABANDONS_WHAT_NEVER_BEGAN, what_has_not_begun_is_never_abandoned_and_may_be_claimed_again",
        "NEVER_BEGINS, what_must_not_be_repeated_is_abandoned_after_a_crash_until_a_person_decides",
        "NEVER_BEGINS, a_beginning_is_noted_once_for_its_own_run_only",
        "FORGETS_COMPLETIONS, a_completed_occurrence_is_never_claimed_again",
        "FORGETS_COMPLETIONS, a_late_repetition_of_a_claim_revives_nothing",
        "RENEWS_ANYTHING, a_run_past_its_deadline_is_taken_over_with_a_higher_token_and_cannot_complete",
        "RENEWS_IN_WRONG_ORDER, a_batch_of_renewals_is_answered_in_order",
        "WITHDRAWS_ANYBODY, withdrawing_gives_back_what_this_request_holds_and_nothing_else",
        "RERUNS_THE_ABANDONED, what_must_not_be_repeated_is_abandoned_after_a_crash_until_a_person_decides",
        "LIVES_FOR_EVER, a_run_past_its_deadline_is_taken_over_with_a_higher_token_and_cannot_complete",
        "SAME_RUN_IS_NEVER_TOLD, whoever_is_refused_is_told_who_holds_it_and_for_how_long",
        "AGREES_TO_ANYTHING, workers_with_other_settings_are_refused_and_both_are_named",
        "RESOLVES_WITHOUT_A_TRACE, whoever_decides_about_an_abandoned_run_is_kept_with_the_reason",
        "FINDS_OCCURRENCES_IN_ANY_STATE, occurrences_are_found_by_state_text_and_age",
        "FINDS_THE_YOUNG_AS_WELL, occurrences_are_found_by_state_text_and_age"
    })
    void a_planted_flaw_is_found_by_the_test_that_is_about_it(Flaw flaw, String test) {
        assertThat(failures(flaw)).contains(test);
    }

    private static List<String> failures(Flaw flaw) {
        List<String> failed = new CopyOnWriteArrayList<>();
        System.setProperty(FLAW, flaw.name());
        try {
            LauncherFactory.create()
                    .execute(
                            LauncherDiscoveryRequestBuilder.request()
                                    .selectors(selectClass(Broken.class))
                                    .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "false")
                                    .build(),
                            new TestExecutionListener() {
                                @Override
                                public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                                    if (test.isTest() && result.getStatus() == TestExecutionResult.Status.FAILED) {
                                        failed.add(method(test));
                                    }
                                }
                            });
        } finally {
            System.clearProperty(FLAW);
        }
        return failed;
    }

    private static String method(TestIdentifier test) {
        MethodSource source =
                (MethodSource) Objects.requireNonNull(test.getSource().orElseThrow());
        return source.getMethodName();
    }

    /** Nested and without the name of a test, so that only the launcher above runs it. */
    @EnabledIfSystemProperty(named = FLAW, matches = ".+")
    static class Broken extends RunLedgerContract {
        private final ManualTicker ticker = new ManualTicker();
        private final InMemoryRunLedger memory = new InMemoryRunLedger(ticker);
        private final Flaw flaw = Flaw.valueOf(System.getProperty(FLAW));
        private final RunLedger ledger = new BrokenRunLedger(memory, flaw);
        private final RunLedger other = new BrokenRunLedger(memory.otherClient(), flaw);

        @Override
        protected RunLedger ledger() {
            return ledger;
        }

        @Override
        protected RunLedger otherClient() {
            return other;
        }

        @Override
        protected RunLedger freshNamespace() {
            return new BrokenRunLedger(new InMemoryRunLedger(ticker), flaw);
        }

        @Override
        protected Completion completeInTransaction(RunLedger client, Lease claim) {
            return InMemoryRunLedgerTest.completeIn(client, claim);
        }

        @Override
        protected void letPass(Duration ttl) {
            ticker.advance(ttl.plusNanos(1));
        }
    }
}
