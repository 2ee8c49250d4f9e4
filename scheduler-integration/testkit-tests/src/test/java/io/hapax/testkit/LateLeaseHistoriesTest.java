package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.LeaseStore;
import io.hapax.lease.Slot;
import io.hapax.test.Broken;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.BrokenLeaseStore.Flaw;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
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

    /** What a store with limits may overlook. */
    enum LimitHole {
        PLAIN_ASKER_IGNORES_SLOTS(ticker -> Broken.store(
                ticker,
                (asked, held) -> (asked.equals(Slot.WHOLE) && !held.equals(Slot.WHOLE)) || held.goesWith(asked),
                true,
                true)),
        SLOT_ASKER_IGNORES_THE_PLAIN_LEASE(ticker -> Broken.store(
                ticker,
                (asked, held) -> (!asked.equals(Slot.WHOLE) && held.equals(Slot.WHOLE)) || held.goesWith(asked),
                true,
                true)),
        LIMIT_OF_THE_HOLDER_IS_IGNORED(ticker -> Broken.store(
                ticker,
                (asked, held) -> asked.number() != held.number() && held.number() <= asked.limit(),
                true,
                true)),
        LIMIT_OF_THE_ASKER_IS_IGNORED(ticker -> Broken.store(
                ticker,
                (asked, held) -> asked.number() != held.number() && asked.number() <= held.limit(),
                true,
                true)),
        LIMIT_OF_WHO_WAITS_IS_IGNORED(ticker -> Broken.store(ticker, Slot::goesWith, false, true)),
        RENEWAL_DOES_NOT_KEEP_THE_SLOT(ticker -> Broken.store(ticker, Slot::goesWith, true, false));

        private final Function<Ticker, InMemoryLeaseStore> store;

        LimitHole(Function<Ticker, InMemoryLeaseStore> store) {
            this.store = store;
        }
    }

    private @Nullable String history(long seed, Function<Ticker, InMemoryLeaseStore> store) {
        ticker = new ManualTicker();
        InMemoryLeaseStore memory = store.apply(ticker);
        return new LimitHistory(seed, List.of(memory, memory.otherClient()), this::pass).happen();
    }

    @ParameterizedTest
    @EnumSource
    void a_limit_that_is_overlooked_is_found(LimitHole hole) {
        assertThat(LongStream.range(0, SEEDS_TO_A_MUTANT).anyMatch(seed -> history(seed, hole.store) != null))
                .isTrue();
        assertThat(LongStream.range(0, SEEDS_TO_A_MUTANT)
                        .mapToObj(seed -> history(seed, InMemoryLeaseStore::new))
                        .filter(Objects::nonNull))
                .isEmpty();
    }
}
