package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.LiveQueueHistory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Random histories of jobs that are unique in the queue of a real server, side by side. */
@Isolated
@Tag("slow")
class LiveHistoriesTest {

    private static final int HISTORIES = 100;
    private static final int HISTORIES_TO_A_MUTANT = 20;
    private static final long LONGEST_MINUTES = 4;
    private static final String SEED = "hapax.test.seed";

    private final ExecutorService callers = Executors.newCachedThreadPool();
    private int names;

    @Test
    void in_any_history_no_work_is_lost_and_none_is_queued_twice_and_no_place_outlives_its_job() throws Exception {
        String chosen = System.getProperty(SEED);
        long first = chosen == null ? new Random().nextLong() : Long.parseLong(chosen);
        System.out.println("live queue histories from seed " + first);
        Map<Long, CompletableFuture<String>> wrong = new LinkedHashMap<>();
        try (LiveServer server = new LiveServer(false)) {
            for (int n = 0; n < HISTORIES; n++) {
                wrong.put(first + n, happen(server, first + n));
            }
            for (Map.Entry<Long, CompletableFuture<String>> each : wrong.entrySet()) {
                assertThat(each.getValue().get(LONGEST_MINUTES, TimeUnit.MINUTES))
                        .as("history of seed %d, which as the first one is chosen by -D%s", each.getKey(), SEED)
                        .isNull();
            }
        }
    }

    @Test
    void a_mutant_is_found() throws Exception {
        List<CompletableFuture<String>> wrong = new ArrayList<>();
        try (LiveServer server = new LiveServer(true)) {
            for (long seed = 0; seed < HISTORIES_TO_A_MUTANT; seed++) {
                wrong.add(happen(server, seed));
            }
            CompletableFuture.allOf(wrong.toArray(CompletableFuture[]::new)).get(LONGEST_MINUTES, TimeUnit.MINUTES);
        }
        assertThat(wrong).anyMatch(history -> history.join() != null);
    }

    @AfterEach
    void stop() {
        callers.shutdownNow();
    }

    private CompletableFuture<String> happen(LiveServer server, long seed) {
        LiveQueueHistory history = server.history(seed, "h" + names++ + "-");
        CompletableFuture<?>[] calls = IntStream.range(0, LiveQueueHistory.CALLERS)
                .mapToObj(caller -> CompletableFuture.runAsync(() -> history.call(caller), callers))
                .toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(calls).thenApplyAsync(ended -> history.settle(), callers);
    }
}
