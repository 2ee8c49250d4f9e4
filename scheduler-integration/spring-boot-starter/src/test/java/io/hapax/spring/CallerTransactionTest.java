package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.WallClock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** A guarded call inside of a transaction of its caller, in every way to propagate one. */
@Tag("slow")
@InMemoryHapax
@SpringBootTest(
        classes = TransactionalApplication.class,
        properties = {"spring.application.name=transactions", "hapax.defaults.ttl=9s"})
class CallerTransactionTest {

    private static final AtomicInteger NEXT = new AtomicInteger();

    @Autowired
    Payments payments;

    @Autowired
    RepeatingPayments repeating;

    @Autowired
    TransactionTemplate transaction;

    @Autowired
    TransactionalApplication.DoubtfulManager manager;

    @Autowired
    JobGuard guard;

    final int id = NEXT.incrementAndGet();

    private final ExecutorService others = Executors.newCachedThreadPool();

    @AfterEach
    void nothing_is_held_when_all_transactions_have_ended() {
        others.shutdownNow();
        await().atMost(30, TimeUnit.SECONDS).until(() -> guard.activeRuns() == 0);
    }

    TransactionTemplate nested() {
        return with(TransactionDefinition.PROPAGATION_NESTED);
    }

    TransactionTemplate with(int propagation) {
        TransactionTemplate template = new TransactionTemplate(manager);
        template.setPropagationBehavior(propagation);
        return template;
    }

    <T> T elsewhere(Supplier<T> call) {
        try {
            return others.submit(call::get).get(60, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void increments_in_a_transaction_of_the_caller_are_all_counted() throws Exception {
        List<Future<?>> callers = new ArrayList<>();
        for (int n = 0; n < 4; n++) {
            callers.add(others.submit(() -> {
                for (int k = 0; k < 5; k++) {
                    transaction.executeWithoutResult(status -> payments.increment(id));
                }
            }));
        }
        for (Future<?> caller : callers) {
            caller.get(60, TimeUnit.SECONDS);
        }
        assertThat(payments.count(id)).isEqualTo(20);
    }

    @Test
    void a_payment_that_rolled_back_is_made_by_the_next_call() {
        transaction.executeWithoutResult(status -> {
            payments.pay(id);
            status.setRollbackOnly();
        });
        assertThat(payments.pay(id)).isNotNull();
        assertThat(payments.paid(id)).isEqualTo(1);
        assertThat(payments.pay(id)).isNull();
    }

    @Test
    void a_payment_that_the_method_itself_rolled_back_is_made_by_the_next_call() {
        assertThat(payments.payAndRollBack(id)).isNotNull();
        assertThat(payments.pay(id)).isNotNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void a_firing_whose_method_itself_rolled_back_returns_as_any_other_call_does() {
        assertThat(payments.sweepAndRollBack()).isEqualTo("swept");
        AtomicReference<String> swept = new AtomicReference<>();
        Firing.first(new FiredTask(null, ""), Occurrence.at(Instant.EPOCH, null), WallClock.REAL, (firing, wait) -> {})
                .execute(() -> swept.set(payments.sweepAndRollBack()));
        assertThat(swept).hasValue("swept");
    }

    @Test
    void a_payment_that_was_committed_is_not_made_again() {
        transaction.executeWithoutResult(status -> payments.pay(id));
        transaction.executeWithoutResult(status -> assertThat(payments.pay(id)).isNull());
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void a_method_without_a_transaction_of_its_own_takes_part_in_that_of_its_caller() {
        transaction.executeWithoutResult(status -> {
            payments.payWithoutTransaction(id);
            status.setRollbackOnly();
        });
        transaction.executeWithoutResult(
                status -> assertThat(payments.payWithoutTransaction(id)).isNotNull());
        assertThat(payments.payWithoutTransaction(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void the_key_is_held_until_the_transaction_has_ended() {
        transaction.executeWithoutResult(status -> {
            payments.increment(id);
            assertThat(guard.activeRuns()).isEqualTo(1);
            assertThat(elsewhere(() -> assertThatExceptionOfType(RunRefusedException.class)
                            .isThrownBy(() -> payments.incrementOrFail(id))))
                    .isNotNull();
        });
        assertThat(payments.incrementOrFail(id)).isEqualTo(2);
    }

    @Test
    void a_lease_is_renewed_until_the_transaction_has_ended() {
        transaction.executeWithoutResult(status -> {
            GuardedRun run = payments.pay(id);
            await().during(10, TimeUnit.SECONDS).atMost(40, TimeUnit.SECONDS).until(run::isHeld);
        });
        assertThat(payments.pay(id)).isNull();
    }

    @Test
    void what_a_method_commits_in_a_new_transaction_counts_whatever_becomes_of_its_callers() {
        transaction.executeWithoutResult(status -> {
            payments.payApart(id);
            assertThat(guard.activeRuns()).isZero();
            status.setRollbackOnly();
        });
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void what_a_method_does_outside_of_any_transaction_counts_whatever_becomes_of_its_callers() {
        transaction.executeWithoutResult(status -> {
            payments.payOutside(id);
            assertThat(guard.activeRuns()).isZero();
            status.setRollbackOnly();
        });
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void the_outermost_transaction_decides_over_calls_in_joined_ones() {
        transaction.executeWithoutResult(outer -> {
            transaction.executeWithoutResult(inner -> payments.pay(id));
            assertThat(guard.activeRuns()).isEqualTo(1);
            outer.setRollbackOnly();
        });
        assertThat(payments.pay(id)).isNotNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void a_call_in_a_new_transaction_inside_of_another_ends_with_the_new_one() {
        transaction.executeWithoutResult(outer -> {
            with(TransactionDefinition.PROPAGATION_REQUIRES_NEW).executeWithoutResult(inner -> payments.pay(id));
            assertThat(guard.activeRuns()).isZero();
            outer.setRollbackOnly();
        });
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void a_savepoint_that_is_rolled_back_frees_what_was_done_since() {
        transaction.executeWithoutResult(outer -> {
            payments.pay(1000 + id);
            nested().executeWithoutResult(inner -> {
                payments.pay(id);
                inner.setRollbackOnly();
            });
            assertThat(guard.activeRuns()).isEqualTo(1);
            assertThat(elsewhere(() -> payments.pay(id))).isNotNull();
        });
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.pay(1000 + id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
        assertThat(payments.paid(1000 + id)).isEqualTo(1);
    }

    @Test
    void a_nested_method_that_rolls_itself_back_has_not_paid() {
        transaction.executeWithoutResult(outer -> {
            assertThat(payments.payNestedAndRollBack(id)).isNotNull();
            assertThat(payments.payNested(1000 + id)).isNotNull();
            // In the same transaction, as nothing of the first one is left.
            assertThat(payments.payNested(id)).isNotNull();
        });
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
        assertThat(payments.paid(1000 + id)).isEqualTo(1);
    }

    @Test
    void a_savepoint_of_a_guest_leaves_the_key_with_the_transaction() {
        transaction.executeWithoutResult(status -> {
            payments.increment(id);
            nested().executeWithoutResult(inner -> {
                payments.increment(id);
                inner.setRollbackOnly();
            });
            assertThat(guard.activeRuns()).isEqualTo(1);
        });
        assertThat(payments.count(id)).isEqualTo(1);
    }

    @Test
    void what_is_tried_again_after_a_savepoint_counts_and_what_goes_back_to_it_does_not() throws Exception {
        transaction.executeWithoutResult(status -> {
            assertThatExceptionOfType(Payments.Declined.class).isThrownBy(() -> payments.payAndDecline(id, true));
            nested().executeWithoutResult(inner -> {
                assertThat(payments.payNested(id)).isNotNull();
                inner.setRollbackOnly();
            });
            assertThat(guard.activeRuns()).isEqualTo(1);
        });
        assertThat(payments.pay(id)).isNotNull();
    }

    @Test
    void a_nested_method_that_is_repeated_inside_of_its_guard_has_paid() {
        transaction.executeWithoutResult(
                outer -> assertThat(repeating.payNested(id)).isNotNull());
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    /** Spring commits on checked exceptions; what the method says of its work counts all the same. */
    @Test
    void a_method_that_throws_what_spring_commits_on_has_failed() throws Exception {
        assertThatExceptionOfType(Payments.Declined.class).isThrownBy(() -> payments.payAndDecline(id, true));
        assertThat(payments.payAndDecline(id, false)).isNotNull();
        assertThat(payments.pay(id)).isNull();
    }

    static void throwAfterCommit() {
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                throw new IllegalStateException("after the commit");
            }
        });
    }

    @Test
    void what_was_committed_has_completed_although_something_throws_after_the_commit() {
        assertThatIllegalStateException()
                .isThrownBy(() -> payments.payAnd(id, CallerTransactionTest::throwAfterCommit))
                .withMessage("after the commit");
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void a_second_call_under_the_key_that_the_transaction_holds_joins() {
        transaction.executeWithoutResult(status -> {
            assertThat(payments.incrementOrFail(id)).isEqualTo(1);
            assertThat(payments.increment(id)).isEqualTo(2);
            nested().executeWithoutResult(inner -> payments.incrementSoon(id));
            assertThat(guard.activeRuns()).isEqualTo(1);
        });
        assertThat(payments.count(id)).isEqualTo(3);
    }

    @Test
    void an_inner_transaction_joins_the_key_that_the_suspended_one_holds() {
        transaction.executeWithoutResult(status -> {
            payments.hold(id);
            assertThat(payments.incrementApart(id)).isEqualTo(1);
        });
        assertThat(payments.count(id)).isEqualTo(1);
    }

    @Test
    void what_must_happen_once_is_refused_while_it_is_pending_in_the_same_transaction() {
        transaction.executeWithoutResult(status -> {
            payments.pay(id);
            assertThat(payments.pay(id)).isNull();
            assertThat(payments.payApart(id)).isNull();
            assertThatExceptionOfType(RunRefusedException.class)
                    .isThrownBy(() -> payments.payOrFail(id))
                    .withMessageContaining("this transaction");
        });
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void another_once_under_the_key_that_the_transaction_holds_is_refused_with_the_reason() {
        transaction.executeWithoutResult(status -> {
            payments.payFrom(id, id);
            assertThatIllegalStateException()
                    .isThrownBy(() -> payments.payFrom(id, 1000 + id))
                    .withMessageContaining("lock account/" + id)
                    .withMessageContaining("another lock key");
        });
        assertThat(payments.payFrom(id, id)).isNull();
        assertThat(payments.payFrom(id, 1000 + id)).isNotNull();
    }

    @Test
    void what_was_declined_in_a_transaction_that_commits_may_be_tried_again() {
        transaction.executeWithoutResult(status -> {
            assertThatExceptionOfType(Payments.Declined.class).isThrownBy(() -> payments.payAndDecline(id, true));
            assertThat(guard.activeRuns()).isEqualTo(1);
        });
        assertThat(payments.pay(id)).isNotNull();
    }

    @Test
    void what_was_declined_may_be_tried_again_in_the_same_transaction() throws Exception {
        transaction.executeWithoutResult(status -> {
            assertThatExceptionOfType(Payments.Declined.class).isThrownBy(() -> payments.payAndDecline(id, true));
            try {
                assertThat(payments.payAndDecline(id, false)).isNotNull();
            } catch (Payments.Declined declined) {
                throw new AssertionError(declined);
            }
        });
        assertThat(payments.pay(id)).isNull();
    }

    @Test
    void the_first_of_two_transactions_in_one_run_does_not_complete_it() {
        assertThatIllegalStateException().isThrownBy(() -> payments.payInTwoSteps(id, true));
        assertThat(payments.payInTwoSteps(id, false)).isNotNull();
        assertThat(payments.payInTwoSteps(id, false)).isNull();
        assertThat(payments.paid(id)).isEqualTo(3);
    }

    @Test
    void a_lease_that_is_lost_before_the_commit_rolls_the_transaction_back() {
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> transaction.executeWithoutResult(status -> {
                    GuardedRun run = payments.pay(id);
                    takeAway(run);
                }));
        assertThat(payments.paid(id)).isZero();
        await().until(() -> payments.pay(id) != null);
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void a_lease_that_is_lost_rolls_back_a_new_transaction_that_makes_use_of_it() {
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> transaction.executeWithoutResult(status -> {
                    payments.holdQuietly(id);
                    payments.payApartUnder(id, this::takeAway);
                }));
        assertThat(payments.paid(id)).isZero();
    }

    private void takeAway(GuardedRun run) {
        var unused =
                guard.admin().forceRelease(run.identity(), "test", "taken away").join();
        await().until(() -> run.lost().isPresent());
    }

    @Test
    void callers_that_take_two_keys_in_opposite_order_wait_for_a_bounded_time_and_are_told() throws Exception {
        CyclicBarrier both = new CyclicBarrier(2);
        AtomicReference<String> told = new AtomicReference<>();
        List<Future<?>> callers = new ArrayList<>();
        for (int[] order : new int[][] {{id, 500 + id}, {500 + id, id}}) {
            callers.add(others.submit(() -> transaction.executeWithoutResult(status -> {
                payments.increment(order[0]);
                meet(both);
                try {
                    payments.incrementSoon(order[1]);
                } catch (RunRefusedException refused) {
                    told.set(refused.getMessage());
                    throw refused;
                }
            })));
        }
        for (Future<?> caller : callers) {
            try {
                caller.get(60, TimeUnit.SECONDS);
            } catch (java.util.concurrent.ExecutionException refused) {
                assertThat(refused.getCause()).isInstanceOf(RunRefusedException.class);
            }
        }
        assertThat(told.get()).contains("waitTimeout=300ms", "this transaction holds", "lock counter/", "same order");
    }

    private static void meet(CyclicBarrier both) {
        try {
            both.await(60, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_commit_in_doubt_neither_completes_nor_frees() {
        manager.loseAnswer(false);
        assertThatExceptionOfType(TransactionSystemException.class)
                .isThrownBy(() -> transaction.executeWithoutResult(status -> payments.pay(id)));
        inDoubt(false);
    }

    @Test
    void a_commit_in_doubt_of_the_methods_own_transaction_neither_completes_nor_frees() {
        manager.loseAnswer(true);
        assertThatExceptionOfType(TransactionSystemException.class).isThrownBy(() -> payments.pay(id));
        inDoubt(true);
    }

    /** Nobody can tell: as after a crash, the lease runs out, and the next attempt takes place. */
    void inDoubt(boolean committed) {
        assertThat(payments.pay(id)).isNull();
        await().atMost(30, TimeUnit.SECONDS).until(() -> payments.pay(id) != null);
        assertThat(payments.paid(id)).isEqualTo(committed ? 2 : 1);
    }

    @Test
    void a_call_when_the_transaction_has_ended_is_refused_unless_it_begins_another() {
        AtomicReference<Throwable> refused = new AtomicReference<>();
        transaction.executeWithoutResult(status ->
                TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
                    @Override
                    public void afterCompletion(int how) {
                        try {
                            payments.pay(id);
                        } catch (IllegalStateException late) {
                            refused.set(late);
                        }
                        payments.payApart(1000 + id);
                    }
                }));
        assertThat(refused.get()).hasMessageContaining("Payments.pay").hasMessageContaining("REQUIRES_NEW");
        assertThat(payments.paid(id)).isZero();
        assertThat(payments.paid(1000 + id)).isEqualTo(1);
        assertThat(payments.pay(1000 + id)).isNull();
    }

    @Test
    void a_transaction_whose_manager_does_not_synchronize_is_not_passed_over() {
        TransactionalApplication.DoubtfulManager silent =
                new TransactionalApplication.DoubtfulManager(manager.getDataSource());
        silent.setTransactionSynchronization(TransactionalApplication.DoubtfulManager.SYNCHRONIZATION_NEVER);
        new TransactionTemplate(silent)
                .executeWithoutResult(status -> assertThatIllegalStateException()
                        .isThrownBy(() -> payments.payWithoutTransaction(id))
                        .withMessageContaining("synchroniz"));
        assertThat(payments.paid(id)).isZero();
    }

    @Test
    void plain_code_is_refused_in_a_transaction_with_which_its_run_would_not_end() throws Exception {
        RunRequest request = RunRequest.occurrence("plain/" + id);
        transaction.executeWithoutResult(status -> assertThatIllegalStateException()
                .isThrownBy(() -> guard.run(request, run -> 1))
                .withMessageContaining("run plain/" + id)
                .withMessageContaining("inside the run"));
        assertThat(guard.run(request, run -> transaction.execute(status -> 1)).ran())
                .isTrue();
    }
}
