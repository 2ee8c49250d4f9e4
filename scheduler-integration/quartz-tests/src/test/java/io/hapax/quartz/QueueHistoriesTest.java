package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.QueueHistory;
import java.util.Random;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;

/** Random histories of jobs that are unique in Quartz's queue. */
@Execution(ExecutionMode.SAME_THREAD)
@Tag("slow")
class QueueHistoriesTest {

    private static final int HISTORIES = 5_000;
    private static final int HISTORIES_TO_A_MUTANT = 2_000;
    private static final String SEED = "hapax.test.seed";

    private static @Nullable Scheduler scheduler;

    @BeforeAll
    static void open() throws SchedulerException {
        scheduler = HistoryScheduler.inMemory();
    }

    @AfterAll
    static void close() throws SchedulerException {
        if (scheduler != null) {
            scheduler.shutdown();
        }
    }

    private static @Nullable String wrong(long seed, HistoryQueue.@Nullable Mutant mutant) {
        Scheduler shared = scheduler;
        assertThat(shared).isNotNull();
        return new QueueHistory(seed, seam -> new HistoryQueue(shared, seam, mutant)).happen();
    }

    @Test
    void in_any_history_no_work_is_lost_and_none_is_queued_twice_and_no_place_outlives_its_job() {
        String chosen = System.getProperty(SEED);
        long first = chosen == null ? new Random().nextLong() : Long.parseLong(chosen);
        System.out.println("queue histories from seed " + first);
        for (long seed = first; seed < first + (chosen == null ? HISTORIES : 1); seed++) {
            assertThat(wrong(seed, null))
                    .as("repeat it with -D%s=%d", SEED, seed)
                    .isNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_mutant_is_found(HistoryQueue.Mutant mutant) {
        assertThat(LongStream.range(0, HISTORIES_TO_A_MUTANT).anyMatch(seed -> wrong(seed, mutant) != null))
                .isTrue();
    }
}
