package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** How the demo is laid out, so that it shows everything and still ends within a minute. */
class DemoPartTest {

    /** Quartz adds it to the check-in interval, 1 s here, before it takes a node for dead. */
    private static final Duration MISSED_AFTER = Duration.ofMillis(8_500);

    @Test
    void one_replica_is_killed_and_another_is_frozen_for_longer_than_a_lease_lives_and_a_cluster_waits() {
        assertThat(DemoPart.KILLED).isNotEqualTo(DemoPart.FROZEN);
        assertThat(DemoPart.KILL_AT).isLessThan(DemoPart.FREEZE_AT);
        assertThat(DemoPart.THAW_AT.minus(DemoPart.FREEZE_AT))
                .isGreaterThan(DemoPart.TTL)
                .isGreaterThan(MISSED_AFTER);
        assertThat(DemoPart.WORK).isBetween(DemoPart.THAW_AT.plusMillis(500), Duration.ofSeconds(15));
    }

    @Test
    void both_parts_run_at_the_same_time() throws Exception {
        CyclicBarrier both = new CyclicBarrier(2);
        assertThat(DemoCommand.sideBySide(() -> met(both, "unguarded"), () -> met(both, "guarded")))
                .containsExactly("unguarded", "guarded");
    }

    private static String met(CyclicBarrier both, String name) throws Exception {
        both.await(40, TimeUnit.SECONDS);
        return name;
    }

    @Test
    void a_part_that_fails_ends_the_other_one() {
        CountDownLatch never = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        assertThatThrownBy(() -> DemoCommand.<String>sideBySide(
                        () -> {
                            begun.countDown();
                            try {
                                never.await();
                            } finally {
                                // It is at its last words when the other one has failed long since.
                                TimeUnit.MILLISECONDS.sleep(300);
                                ended.set(true);
                            }
                            return "unguarded";
                        },
                        () -> {
                            begun.await();
                            throw new IllegalStateException("no worker came up");
                        }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no worker came up");
        assertThat(ended).isTrue();
    }

    @Test
    void the_progress_of_both_is_shown() {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        DemoProgress progress = new DemoProgress(new PrintStream(lines, true, StandardCharsets.UTF_8), false);
        for (int n = 0; n < 3; n++) {
            for (String part : List.of("unguarded", "guarded")) {
                progress.show(part, "working", Duration.ofSeconds(7), Duration.ofSeconds(14), List.of());
            }
        }
        assertThat(lines.toString(StandardCharsets.UTF_8).lines())
                .hasSizeGreaterThanOrEqualTo(2)
                .anyMatch(line -> line.startsWith("  unguarded [######......] working"))
                .anyMatch(line -> line.startsWith("  guarded   [######......] working"));
    }
}
