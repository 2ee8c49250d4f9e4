package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.LeaseStore;
import io.hapax.testkit.BrokenLeaseStore.Flaw;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ten thousand random histories of a lease store that carries calls out late, and the holes that they find. */
class LateLeaseHistoriesTest extends LeaseHistoryContract {

    private static final int HISTORIES = 10_000;
    private static final int SEEDS_TO_A_MUTANT = 1_000;

    private ManualTicker ticker = new ManualTicker();

    @Override
    protected List<? extends LeaseStore> clients() {
        ticker = new ManualTicker();
        InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
        return List.of(memory, memory.otherClient());
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

    private boolean isFound(UnaryOperator<LeaseStore> hole) {
        return LongStream.range(0, SEEDS_TO_A_MUTANT)
                .anyMatch(seed -> new LateLeaseHistory(
                                        seed,
                                        clients().stream().map(hole).toList(),
                                        this::pass,
                                        LateLeaseHistory.PLACES)
                                .happen()
                        != null);
    }

    @ParameterizedTest
    @EnumSource(
            value = Flaw.class,
            names = {
                "RELEASE_WITHOUT_OWNER_CHECK",
                "SHORTENS_PLACES",
                "TOKEN_DOES_NOT_GROW",
                "FORGETS_COMPLETIONS",
                "WITHDRAWS_ANYBODY",
                "LEASE_LIVES_FOR_EVER"
            })
    void a_flaw_is_found(Flaw flaw) {
        assertThat(isFound(store -> new BrokenLeaseStore(store, flaw))).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void a_hole_that_is_brought_back_is_found(LateLeaseHole hole) {
        assertThat(isFound(hole::in)).isTrue();
    }
}
