package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.ledger.RunLedger;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * What a {@link RunLedger} promises to callers of whom one call in five is carried out after they gave up: random histories,
 * judged by a model of what the callers know. {@code -Dhapax.test.seed=…} repeats them. Each history has keys of its own, so
 * the database may be shared.
 */
public abstract class LedgerHistoryContract {

    /** For subclasses. */
    protected LedgerHistoryContract() {}

    /**
     * Returns the ledger under test. It is asked for once in each history.
     *
     * @return an open ledger
     */
    protected abstract RunLedger ledger();

    /**
     * Lets time pass for the ledger, if a test can move it. Else no claim passes its deadline.
     *
     * @param time how much; zero only asks
     * @return whether time passes
     */
    protected boolean pass(Duration time) {
        return false;
    }

    /**
     * Tells how many histories are played.
     *
     * @return the number; 30 unless overridden
     */
    protected int histories() {
        return 30;
    }

    @Test
    void what_is_carried_out_late_breaks_no_promise() {
        long seed = Long.getLong("hapax.test.seed", new SplittableRandom().nextLong());
        int claimed = 0;
        for (int n = 0; n < histories(); n++) {
            LateLedgerHistory history = new LateLedgerHistory(seed + n, ledger(), this::pass);
            assertThat(history.happen())
                    .as("history %s of -Dhapax.test.seed=%s", n, seed)
                    .isNull();
            claimed += history.claimed();
        }
        assertThat(claimed).as("occurrences that were claimed").isGreaterThan(histories());
    }
}
