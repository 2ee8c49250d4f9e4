package io.hapax.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReportLinesTest {

    private final ReportLines writer = new ReportLines();
    private final ReportLines reader = new ReportLines();

    private static String run(long number) {
        return "{\"owner\":\"" + Long.toString(number * 7919, 36) + "\",\"job\":\"sync-orders\",\"lock\":\"orders/"
                + number + "\",\"thread\":\"worker-" + number % 20 + "\"}";
    }

    @Test
    void whatever_changes_the_reader_has_the_same_lines() {
        Random random = new Random(3);
        Map<String, String> expected = new HashMap<>();
        for (int step = 0; step < 300; step++) {
            Set<String> gone = new HashSet<>();
            expected.keySet().stream().filter(key -> random.nextInt(20) == 0).forEach(gone::add);
            Map<String, String> fresh = new LinkedHashMap<>();
            for (int n = random.nextInt(12); n > 0; n--) {
                String key = (random.nextBoolean() ? "r" : "p") + random.nextInt(300);
                if (!gone.contains(key)) {
                    fresh.put(key, random.nextInt(9) == 0 ? "é ✓ " + step : run(random.nextInt(100_000)));
                }
            }
            reader.read(writer.write(gone, fresh));
            expected.keySet().removeAll(gone);
            expected.putAll(fresh);
            assertThat(reader.lines()).isEqualTo(expected);
        }
    }

    /** Were it not so, each renewed lease and each run that ends would be told at full length. */
    @Test
    void what_is_known_already_takes_little_room() {
        Map<String, String> all = new LinkedHashMap<>();
        for (long n = 0; n < 1000; n++) {
            all.put("r" + n, run(n));
        }
        int whole = writer.write(Set.of(), all).length();
        assertThat(whole).isLessThan(40_000);
        assertThat(writer.write(Set.of("r17", "r18", "r19"), Map.of()).length()).isLessThan(12);
        // An occurrence says again what the line of its run has said.
        assertThat(writer.write(Set.of("r20"), Map.of("p1", "3 " + run(20))).length())
                .isLessThan(60);
        assertThat(writer.write(Set.of(), Map.of("e123456", "100+99")).length()).isLessThan(50);
    }

    @Test
    void whoever_has_other_lines_does_not_read_wrong_ones() {
        String first = writer.write(Set.of(), Map.of("r1", run(1), "r2", run(2)));
        writer.write(Set.of(), Map.of("r2", run(3)));
        String third = writer.write(Set.of("r2"), Map.of("p1", "1 " + run(3)));
        reader.read(first);
        assertThatIllegalArgumentException().isThrownBy(() -> reader.read(third));
        assertThat(reader.lines()).containsOnlyKeys("r1", "r2");
    }

    @Test
    void what_is_no_change_is_refused_and_nothing_is_taken() {
        String change = writer.write(Set.of(), Map.of("r1", run(1)));
        reader.read(change);
        for (String odd : List.of(
                "",
                "no change",
                "x\n",
                "r\n",
                "r1,2\n",
                "\nplain text",
                change.substring(0, change.length() / 2),
                " \n")) {
            assertThatIllegalArgumentException().as(odd).isThrownBy(() -> reader.read(odd));
        }
        assertThat(reader.lines()).containsOnlyKeys("r1");
    }
}
