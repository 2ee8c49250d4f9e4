package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.LeaseStore;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * What a {@link LeaseStore} promises to callers of whom one call in five is carried out after they gave up: random histories,
 * judged by a model of what the callers know. {@code -Dhapax.test.seed=…} repeats them. Each history has keys of its own, so
 * the servers may be shared.
 */
public abstract class LeaseHistoryContract {

    /** For subclasses. */
    protected LeaseHistoryContract() {}

    /**
     * Returns clients of one memory, out of quarantine. It is asked for once in each history.
     *
     * @return at least one open store; of several each is another replica's
     */
    protected abstract List<? extends LeaseStore> clients();

    /**
     * Lets time pass for the store, if a test can move it. Else leases outlive their history, and none lapses.
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
     * @return the number; 60 unless overridden
     */
    protected int histories() {
        return 60;
    }

    /**
     * Tells how many may have one of so many places at once, where a store says that its limits are approximate.
     *
     * @param places the limit
     * @return the most; the limit itself unless overridden
     */
    protected int mostWithAPlace(int places) {
        return places;
    }

    @Test
    void what_is_carried_out_late_breaks_no_promise() {
        long seed = Long.getLong("hapax.test.seed", new SplittableRandom().nextLong());
        int most = mostWithAPlace(LateLeaseHistory.PLACES);
        int granted = 0;
        for (int n = 0; n < histories(); n++) {
            LateLeaseHistory history = new LateLeaseHistory(seed + n, clients(), this::pass, most);
            assertThat(history.happen())
                    .as("history %s of -Dhapax.test.seed=%s", n, seed)
                    .isNull();
            granted += history.granted();
        }
        assertThat(granted).as("leases that were granted").isGreaterThan(histories());
    }

    @Test
    void as_many_as_the_smallest_limit_hold_a_key_at_once_and_nobody_starves() {
        long seed = Long.getLong("hapax.test.seed", new SplittableRandom().nextLong());
        int granted = 0;
        for (int n = 0; n < histories(); n++) {
            LimitHistory history = new LimitHistory(seed + n, clients(), this::pass);
            assertThat(history.happen())
                    .as("history %s of -Dhapax.test.seed=%s", n, seed)
                    .isNull();
            granted += history.granted();
        }
        assertThat(granted).as("leases that were granted").isGreaterThan(histories());
    }
}
