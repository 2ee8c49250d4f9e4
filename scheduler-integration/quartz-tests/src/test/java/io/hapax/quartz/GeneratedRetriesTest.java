package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.quartz.SimulatedScheduler.Mutant;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.time.NanoTime;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * In very many histories of firings that are refused and triggers that users change, no one-shot is lost, none runs twice, and no
 * retry outlives its trigger; {@code -Dhapax.test.seed=…} repeats one.
 */
@Tag("slow")
class GeneratedRetriesTest {

    private static final String SEED = "hapax.test.seed";
    private static final int HISTORIES = 10_000;
    private static final int MUTATED = 500;
    // Later than today wherever this runs, or a job store would see misfires.
    private static final Instant BEGIN = Instant.parse("2100-01-01T00:00:00Z");

    private final ManualTicker ticker = new ManualTicker();

    @Test
    void no_one_shot_is_lost_none_runs_twice_and_no_retry_outlives_its_trigger() throws Exception {
        Long only = Long.getLong(SEED);
        long runs = 0;
        try (JobGuard guard = guard()) {
            RetryHistory.World world = world(guard);
            for (long seed = only == null ? 1 : only; seed <= (only == null ? HISTORIES : only); seed++) {
                RetryHistory history = new RetryHistory(seed, world, Mutant.NONE);
                List<String> faults = history.run();
                assertThat(faults).as("repeat it with -D%s=%d", SEED, seed).isEmpty();
                runs += history.runs();
            }
        }
        assertThat(runs).isGreaterThan(only == null ? HISTORIES : -1);
    }

    private JobGuard guard() {
        return JobGuard.builder(new InMemoryLeaseStore(ticker)).ticker(ticker).build();
    }

    private RetryHistory.World world(JobGuard guard) {
        NanoTime begin = ticker.now();
        return new RetryHistory.World(ticker, () -> BEGIN.plus(ticker.now().since(begin)), guard);
    }

    @ParameterizedTest
    @EnumSource(value = Mutant.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void a_mutant_is_found(Mutant mutant) throws Exception {
        try (JobGuard guard = guard()) {
            RetryHistory.World world = world(guard);
            List<String> faults = List.of();
            for (long seed = 1; seed <= MUTATED && faults.isEmpty(); seed++) {
                faults = new RetryHistory(seed, world, mutant).run();
            }
            assertThat(faults).isNotEmpty();
        }
    }
}
