package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.benchmarks.faults.history.Event;
import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.History;
import io.hapax.benchmarks.faults.judge.Judge;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two checkers that share no code find the same: in recorded histories, in what is planted into them, and in random ones. */
@Tag("slow")
class CheckersAgreeTest {

    private static final int SLICES = 2_000;
    private static final int RANDOM_ONES = 3_000;
    private static final int SLICE = 400;

    @Test
    void recorded_histories_are_judged_alike() {
        for (String file : Recorded.FILES) {
            Recorded history = Recorded.of(file);
            assertThat(history.judged()).as(file).isEqualTo(history.checked());
        }
        assertThat(Recorded.of("hapax-l3").judged()).containsExactly("complete true");
        assertThat(Recorded.of("shedlock-jdbc").judged())
                .as("of a peer there is something to find")
                .anyMatch(found -> found.startsWith("overlap-untold"));
    }

    @ParameterizedTest
    @EnumSource
    void what_is_planted_into_a_recorded_history_is_found_by_both(Planting planting) {
        long seed = System.nanoTime();
        Random chance = new Random(seed);
        for (String file : List.of("hapax-l1", "hapax-l3")) {
            int planted = 0;
            for (int attempt = 0; attempt < 20 && planted == 0; attempt++) {
                Recorded history = Recorded.of(file);
                String expected = planting.into(history, chance).orElse(null);
                if (expected != null) {
                    planted++;
                    assertThat(history.checked()).as("%s, seed %d", file, seed).anyMatch(it -> it.startsWith(expected));
                    assertThat(history.judged()).as("%s, seed %d", file, seed).isEqualTo(history.checked());
                }
            }
            assertThat(planted).as("%s, seed %d", file, seed).isEqualTo(1);
        }
    }

    @Test
    void both_excuse_who_had_no_processor() {
        long seed = System.nanoTime();
        for (String file : List.of("hapax-l1", "hapax-l3")) {
            Recorded history = Recorded.of(file);
            Event run = Planting.leased(history, new Random(seed)).orElseThrow();
            long end = history.leaseEnd(run);
            Planting.goesOn(history, run, end + Planting.millis(40));
            Set<String> before = history.checked();
            Planting.starved(history, run, end + Planting.millis(45), 50);
            Planting.told(history, run, end + Planting.millis(40));
            assertThat(history.checked()).as("%s, seed %d", file, seed).isEqualTo(before);
            assertThat(history.judged()).as("%s, seed %d", file, seed).isEqualTo(before);
        }
    }

    /** The loss of a lease may show only when it is given back, after the last step of the run. */
    @Test
    void what_a_run_is_notified_of_after_its_end_is_late_for_neither() {
        long seed = System.nanoTime();
        for (String file : List.of("hapax-l1", "hapax-l3")) {
            Recorded history = Recorded.of(file);
            Set<String> before = history.checked();
            Random chance = new Random(seed);
            Event run = Stream.generate(() -> Planting.leased(history, chance).orElseThrow())
                    .filter(begin -> end(history, begin).isPresent())
                    .findFirst()
                    .orElseThrow();
            long end = Math.max(history.leaseEnd(run), end(history, run).orElseThrow());
            history.put(end + Planting.millis(2_000), run.source(), EventType.TOLD, run.field(0), "GONE");
            assertThat(history.checked()).as("%s, seed %d", file, seed).isEqualTo(before);
            assertThat(history.judged()).as("%s, seed %d", file, seed).isEqualTo(before);
        }
    }

    private static OptionalLong end(Recorded history, Event run) {
        return history.of(run).stream()
                .filter(event -> event.type() == EventType.END)
                .mapToLong(Event::nanos)
                .findFirst();
    }

    @Test
    void a_torn_line_is_refused_by_both(@TempDir Path folder) throws Exception {
        List<String> lines = new ArrayList<>(Recorded.of("hapax-l3").lines());
        String torn = lines.get(99);
        lines.set(99, torn.substring(0, torn.length() - 10));
        Path file = Files.write(folder.resolve("torn.history"), lines);
        assertThatThrownBy(() -> History.read(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("torn");
        assertThatThrownBy(() -> Judge.judge(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line 100 is torn");
    }

    @Test
    void slices_with_several_violations_are_judged_alike() {
        Random seeds = new Random(System.nanoTime());
        for (int i = 0; i < SLICES; i++) {
            // Seeds in a row would give histories that resemble each other.
            long seed = seeds.nextLong();
            Random chance = new Random(seed);
            Recorded whole = Recorded.of(Recorded.FILES.get(chance.nextInt(Recorded.FILES.size())));
            Recorded slice = whole.slice(chance.nextInt(whole.events.size()), SLICE);
            for (int n = chance.nextInt(5); n > 0; n--) {
                Planting planting = Planting.values()[chance.nextInt(Planting.values().length)];
                if (planting != Planting.NEVER_BEGAN || chance.nextInt(10) == 0) {
                    boolean unused = planting.into(slice, chance).isPresent();
                }
            }
            disturb(slice, chance);
            assertThat(slice.judged()).as("seed %d", seed).isEqualTo(slice.checked());
        }
    }

    /** Takes events away, or lets them happen at another time. */
    private static void disturb(Recorded history, Random chance) {
        for (int n = chance.nextInt(5); n > 0 && !history.events.isEmpty(); n--) {
            Event event = history.events.get(chance.nextInt(history.events.size()));
            if (event.type() == EventType.BEGIN || event.type() == EventType.OVER || event.type() == EventType.SERVER) {
                continue;
            }
            history.events.remove(event);
            boolean row = event.type() == EventType.EFFECT && event.field(1).equals("row");
            if (chance.nextBoolean() && !row && !history.events.isEmpty()) {
                Event near = history.events.get(chance.nextInt(history.events.size()));
                history.put(
                        near.nanos(),
                        event.source(),
                        event.type(),
                        event.fields().toArray(String[]::new));
            }
        }
    }

    @Test
    void random_histories_are_judged_alike() {
        Random seeds = new Random(System.nanoTime());
        int violations = 0;
        for (int i = 0; i < RANDOM_ONES; i++) {
            long seed = seeds.nextLong();
            Recorded history = new Chaos(seed).history();
            assertThat(history.judged()).as("seed %d", seed).isEqualTo(history.checked());
            violations += history.judged().size() - 1;
        }
        assertThat(violations).as("there has to be something to find").isGreaterThan(RANDOM_ONES);
    }
}
