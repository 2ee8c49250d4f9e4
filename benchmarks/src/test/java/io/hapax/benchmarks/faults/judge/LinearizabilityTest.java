package io.hapax.benchmarks.faults.judge;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.benchmarks.faults.judge.Linearizability.Timed;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LinearizabilityTest {

    private static final int GRANTS = 300;
    /** While a worker was frozen, many grants may have taken place at any time. */
    private static final int AT_ONCE = 40;

    private long asked;

    /** Counts what it is asked; fails where the search would go on for years. */
    private final Linearizability.Model<Long, Long> counting = new Linearizability.Model<>() {
        @Override
        public Long initial() {
            return Registers.Tokens.GROWING.initial();
        }

        @Override
        public Optional<Long> after(Long state, Long token) {
            if (++asked > 10_000_000) {
                throw new AssertionError("the search tries too much");
            }
            return Registers.Tokens.GROWING.after(state, token);
        }

        @Override
        public boolean isRefusalFinal() {
            return Registers.Tokens.GROWING.isRefusalFinal();
        }
    };

    private static List<Timed<Long>> grants() {
        List<Timed<Long>> grants = new ArrayList<>();
        for (long i = 0; i < GRANTS; i++) {
            // The later ones of each crowd have the lower tokens.
            long token = i / AT_ONCE * AT_ONCE + AT_ONCE - i % AT_ONCE;
            long crowd = i / AT_ONCE * 10_000;
            grants.add(new Timed<>(crowd + i, crowd + 5_000 + i, token));
        }
        return grants;
    }

    @Test
    void crowds_whose_tokens_come_in_any_order_have_one() {
        assertThat(new Linearizability<>(counting).hasOrder(grants())).isTrue();
    }

    @Test
    void a_token_that_is_lower_than_one_before_its_time_is_found_behind_crowds() {
        List<Timed<Long>> grants = grants();
        Timed<Long> late = new Timed<>(1_000_000, 1_000_001, 7L);
        grants.add(late);
        assertThat(new Linearizability<>(counting).culprits(grants)).containsExactly(late);
    }

    @Test
    void a_token_that_was_granted_twice_is_found_in_a_crowd() {
        List<Timed<Long>> grants = grants();
        Timed<Long> again = new Timed<>(1, 9_000, 13L);
        grants.add(again);
        assertThat(new Linearizability<>(counting).culprits(grants)).containsExactly(again);
    }
}
