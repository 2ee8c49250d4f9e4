package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.ForwardingRunLedger;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.BrokenRunLedger.Flaw;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ten thousand random histories of a ledger that carries calls out late; {@code -Dhapax.test.seed=…} repeats them. */
class LateLedgerHistoriesTest extends LedgerHistoryContract {

    private static final int HISTORIES = 10_000;
    private static final int SEEDS_TO_A_MUTANT = 1_000;

    private ManualTicker ticker = new ManualTicker();

    @Override
    protected RunLedger ledger() {
        ticker = new ManualTicker();
        return new InMemoryRunLedger(ticker);
    }

    @Override
    protected boolean pass(Duration time) {
        ticker.advance(time);
        return true;
    }

    @Override
    protected int histories() {
        return HISTORIES;
    }

    private boolean isFound(UnaryOperator<RunLedger> hole) {
        return LongStream.range(0, SEEDS_TO_A_MUTANT)
                .anyMatch(seed -> new LateLedgerHistory(seed, hole.apply(ledger()), this::pass).happen() != null);
    }

    @ParameterizedTest
    @EnumSource(
            value = Flaw.class,
            names = {"ABANDONS_WHAT_NEVER_BEGAN", "WITHDRAWS_ANYBODY", "COMPLETES_FOR_ANYBODY", "IGNORES_THE_LEASE"})
    void a_hole_that_is_brought_back_is_found(Flaw flaw) {
        assertThat(isFound(ledger -> new BrokenRunLedger(ledger, flaw))).isTrue();
    }

    @Test
    void a_ledger_that_decides_on_renewals_in_an_older_snapshot_is_found() {
        assertThat(isFound(OlderSnapshot::new)).isTrue();
    }

    /** Renewals are answered, and none is seen by those who decide: their snapshot is that of the claim. */
    private static final class OlderSnapshot extends ForwardingRunLedger {

        OlderSnapshot(RunLedger ledger) {
            super(ledger);
        }

        @Override
        public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
            return ledger().entry(claims.get(0).identity()).thenApply(entry -> List.of(answer(claims.get(0), entry)));
        }

        private static Renewal answer(Lease claim, Optional<LedgerEntry> entry) {
            boolean runs = entry.filter(row ->
                            row.state() == RunState.RUNNING && row.owner().equals(claim.owner()))
                    .isPresent();
            return runs ? new Renewal.Renewed(false) : new Renewal.Gone(null);
        }
    }
}
