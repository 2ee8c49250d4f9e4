package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.spring.test.InMemoryHapax;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.transaction.support.TransactionTemplate;

/** A shutdown on the thread of a run that waits for its commit. */
@Tag("slow")
@InMemoryHapax
@DirtiesContext
@SpringBootTest(classes = TransactionalApplication.class, properties = "spring.application.name=shutdown")
class ShutdownInTransactionTest {

    @Autowired
    Payments payments;

    @Autowired
    TransactionTemplate transaction;

    @Autowired
    JobGuard guard;

    @Test
    void it_neither_waits_for_that_run_nor_takes_it_away() {
        transaction.executeWithoutResult(status -> {
            payments.pay(1);
            assertThat(ended(Duration.ofSeconds(5))).isTrue();
            assertThat(guard.activeRuns()).isEqualTo(1);
        });
        assertThat(payments.paid(1)).isEqualTo(1);
        assertThat(guard.activeRuns()).isZero();
    }

    private boolean ended(Duration grace) {
        try {
            return guard.shutdown(grace);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
