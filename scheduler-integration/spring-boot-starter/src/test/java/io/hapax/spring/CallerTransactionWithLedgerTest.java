package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.LeaseLostException;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.RunKey;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** As without a ledger; and the occurrence is completed in the transaction itself. */
@Tag("slow")
@TestPropertySource(properties = {"hapax.ledger.enabled=true", "hapax.ledger.migrate=true"})
class CallerTransactionWithLedgerTest extends CallerTransactionTest {

    @Autowired
    private RunLedger ledger;

    /** Its first answer may come too late. */
    @BeforeEach
    void the_ledger_answers() {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> guard.run(RunRequest.occurrence("first/" + id), run -> true)
                        .ran());
    }

    private Optional<RunState> state() {
        return ledger.entry(new JobIdentity(null, new RunKey("payment/" + id)))
                .toCompletableFuture()
                .join()
                .map(LedgerEntry::state);
    }

    /** What the ledger says when the database has committed, and before anybody else has heard of it. */
    private AtomicReference<RunState> seenAfterCommit() {
        AtomicReference<RunState> seen = new AtomicReference<>();
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public int getOrder() {
                return 0;
            }

            @Override
            public void afterCommit() {
                seen.set(state().orElseThrow());
            }
        });
        return seen;
    }

    @Test
    void the_occurrence_is_completed_in_the_transaction_of_the_caller() {
        AtomicReference<RunState> seen = new AtomicReference<>();
        AtomicReference<AtomicReference<RunState>> at = new AtomicReference<>();
        transaction.executeWithoutResult(status -> {
            at.set(seenAfterCommit());
            payments.pay(id);
            seen.set(state().orElseThrow());
        });
        assertThat(seen.get()).isEqualTo(RunState.RUNNING);
        assertThat(at.get().get()).isEqualTo(RunState.DONE);
    }

    @Test
    void the_occurrence_is_completed_in_the_transaction_of_the_method() {
        AtomicReference<AtomicReference<RunState>> at = new AtomicReference<>();
        payments.payAnd(id, () -> at.set(seenAfterCommit()));
        assertThat(at.get().get()).isEqualTo(RunState.DONE);
        assertThat(payments.pay(id)).isNull();
    }

    @Test
    void what_completes_itself_in_its_transaction_is_not_completed_twice() {
        assertThat(payments.payAndCompleteByHand(id)).isNotNull();
        assertThat(payments.pay(id)).isNull();
        transaction.executeWithoutResult(status -> payments.payAndCompleteByHand(1000 + id));
        assertThat(payments.pay(1000 + id)).isNull();
    }

    @Test
    void a_transaction_that_only_reads_completes_its_run_all_the_same() {
        assertThat(payments.look(id)).isNotNull();
        assertThat(state()).contains(RunState.DONE);
        assertThat(payments.look(id)).isNull();
    }

    @Test
    void a_transaction_that_is_repeated_although_it_had_committed_pays_once() {
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> repeating.pay(id, CallerTransactionTest::throwAfterCommit));
        assertThat(payments.paid(id)).isEqualTo(1);
        assertThat(state()).contains(RunState.DONE);
        assertThat(payments.pay(id)).isNull();
    }

    @Test
    void a_transaction_that_is_repeated_while_its_commit_is_in_doubt_pays_once() {
        manager.loseAnswer(true);
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> repeating.pay(id, () -> {}));
        assertThat(payments.paid(id)).isEqualTo(1);
        assertThat(state()).contains(RunState.DONE);

        manager.loseAnswer(false);
        assertThat(repeating.pay(1000 + id, () -> {})).isNotNull();
        assertThat(payments.paid(1000 + id)).isEqualTo(1);
        assertThat(payments.pay(1000 + id)).isNull();
        assertThat(ledger.entry(new JobIdentity(null, new RunKey("payment/" + (1000 + id))))
                        .toCompletableFuture()
                        .join()
                        .map(LedgerEntry::state))
                .contains(RunState.DONE);
    }

    @Test
    void a_payment_that_rolled_back_is_noted_as_failed() {
        transaction.executeWithoutResult(status -> {
            payments.pay(id);
            status.setRollbackOnly();
        });
        assertThat(state()).contains(RunState.FAILED);
    }

    /** The ledger knows. */
    @Override
    void inDoubt(boolean committed) {
        assertThat(payments.pay(id) == null).isEqualTo(committed);
        assertThat(payments.paid(id)).isEqualTo(1);
        assertThat(state()).contains(RunState.DONE);
    }
}
