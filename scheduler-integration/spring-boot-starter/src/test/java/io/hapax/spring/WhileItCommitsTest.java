package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.spring.test.InMemoryHapax;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Guarded calls of what Spring tells of a commit, in transactions that had no run before. */
@Tag("slow")
@InMemoryHapax
@SpringBootTest(
        classes = TransactionalApplication.class,
        properties = {"spring.application.name=transactions", "hapax.defaults.ttl=9s"})
class WhileItCommitsTest {

    /** Not those of other classes in the same application. */
    private static final AtomicInteger NEXT = new AtomicInteger(500);

    @Autowired
    Payments payments;

    @Autowired
    TransactionTemplate transaction;

    @Autowired
    PlatformTransactionManager manager;

    @Autowired
    JobGuard guard;

    private final int id = NEXT.incrementAndGet();
    private final AtomicReference<IllegalStateException> refused = new AtomicReference<>();

    @AfterEach
    void nothing_is_held() {
        await().until(() -> guard.activeRuns() == 0);
    }

    private TransactionTemplate ofItsOwn() {
        TransactionTemplate template = new TransactionTemplate(manager);
        template.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
        return template;
    }

    private void noting(Runnable call) {
        try {
            call.run();
        } catch (IllegalStateException told) {
            refused.set(told);
        }
    }

    private void afterCommit(Runnable call) {
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                noting(call);
            }
        });
    }

    private void beforeCommit(Runnable call) {
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void beforeCommit(boolean readOnly) {
                call.run();
            }
        });
    }

    @Test
    void a_call_after_the_commit_is_refused_with_the_way_out() {
        transaction.executeWithoutResult(status -> afterCommit(() -> payments.pay(id)));
        assertThat(refused.get())
                .isNotNull()
                .hasMessageContaining("the transaction of the calling thread has ended already")
                .hasMessageContaining("REQUIRES_NEW");
        assertThat(payments.paid(id)).isZero();
        assertThat(payments.pay(id)).isNotNull();
    }

    @Test
    void a_call_without_a_transaction_of_its_own_is_refused_there_too() {
        transaction.executeWithoutResult(status -> afterCommit(() -> payments.payWithoutTransaction(id)));
        assertThat(refused.get()).isNotNull().hasMessageContaining("has ended already");
        assertThat(payments.pay(id)).isNotNull();
    }

    @Test
    void a_call_after_the_commit_of_an_inner_transaction_is_refused_and_the_outer_one_is_open() {
        transaction.executeWithoutResult(outer -> {
            ofItsOwn().executeWithoutResult(inner -> afterCommit(() -> payments.pay(id)));
            assertThat(refused.get()).isNotNull();
            assertThat(payments.pay(id)).isNotNull();
        });
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void after_the_commit_a_call_in_a_transaction_of_its_own_or_in_none_is_guarded() {
        transaction.executeWithoutResult(status -> afterCommit(() -> {
            payments.payApart(id);
            payments.payOutside(id + 100);
            ofItsOwn().executeWithoutResult(inner -> payments.pay(id + 200));
        }));
        assertThat(refused.get()).isNull();
        for (int paid : new int[] {id, id + 100, id + 200}) {
            assertThat(payments.pay(paid)).isNull();
            assertThat(payments.paid(paid)).isEqualTo(1);
        }
    }

    @Test
    void a_call_before_the_commit_is_completed_after_it() {
        AtomicInteger during = new AtomicInteger();
        transaction.executeWithoutResult(status -> beforeCommit(() -> {
            payments.pay(id);
            during.set(guard.activeRuns());
        }));
        assertThat(during).hasValue(1);
        assertThat(payments.pay(id)).isNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }

    @Test
    void a_call_before_a_commit_that_does_not_come_has_failed() {
        noting(() -> transaction.executeWithoutResult(status -> {
            beforeCommit(() -> payments.pay(id));
            beforeCommit(() -> {
                throw new IllegalStateException("before the commit");
            });
        }));
        assertThat(refused.get()).hasMessage("before the commit");
        assertThat(payments.pay(id)).isNotNull();
        assertThat(payments.paid(id)).isEqualTo(1);
    }
}
