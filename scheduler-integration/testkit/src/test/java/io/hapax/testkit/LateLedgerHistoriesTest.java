package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.BrokenRunLedger.Flaw;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ten thousand random histories of a ledger that carries calls out late; {@code -Dhapax.test.seed=…} repeats them. */
class LateLedgerHistoriesTest {

    private static final int HISTORIES = 10_000;
    private static final int SEEDS_TO_A_MUTANT = 1_000;

    @Test
    void what_is_carried_out_late_breaks_no_promise() {
        long seed = Long.getLong("hapax.test.seed", new SplittableRandom().nextLong());
        for (int n = 0; n < HISTORIES; n++) {
            assertThat(new LateLedgerHistory(seed + n, ledger -> ledger).happen())
                    .as("history %s of -Dhapax.test.seed=%s", n, seed)
                    .isNull();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Flaw.class,
            names = {"ABANDONS_WHAT_NEVER_BEGAN", "WITHDRAWS_ANYBODY", "COMPLETES_FOR_ANYBODY"})
    void a_hole_that_is_brought_back_is_found(Flaw flaw) {
        assertThat(LongStream.range(0, SEEDS_TO_A_MUTANT)
                        .filter(seed ->
                                new LateLedgerHistory(seed, ledger -> new BrokenRunLedger(ledger, flaw)).happen()
                                        != null)
                        .findFirst())
                .isPresent();
    }
}
