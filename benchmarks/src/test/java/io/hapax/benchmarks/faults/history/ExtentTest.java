package io.hapax.benchmarks.faults.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How far a history goes is what the checker says of it, too. */
class ExtentTest {

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void write_a_history_that_was_brought_to_its_end() throws IOException {
        file = folder.resolve("one.history");
        try (History history = History.appendTo(file)) {
            history.add("nemesis", EventType.PLAN, List.of("--seed=1"));
            history.add("queue", EventType.DUE, List.of("ITEM", "item-1", "account-1"));
            history.add("queue", EventType.DUE, List.of("ITEM", "item-2", "account-1"));
            // Whoever enqueues it a second time does not make it two.
            history.add("queue", EventType.DUE, List.of("ITEM", "item-1", "account-1"));
            history.add("nemesis", EventType.OVER, List.of("hapax-l1"));
        }
    }

    @Test
    void it_names_the_plan_the_end_and_what_was_due() throws Exception {
        Extent extent = Extent.of(file);
        assertThat(extent.plan()).hasValue("--seed=1");
        assertThat(extent.complete()).isTrue();
        assertThat(extent.occurrences()).isEqualTo(2).isEqualTo(dueByTheChecker());
    }

    private int dueByTheChecker() throws IOException {
        return Checker.check(History.read(file)).findings().stream()
                .mapToInt(Findings::occurrences)
                .sum();
    }

    @Test
    void one_that_was_interrupted_is_not_complete() throws Exception {
        List<String> lines = Files.readAllLines(file);
        Files.write(file, lines.subList(1, lines.size() - 1));
        assertThat(Extent.of(file)).isEqualTo(new Extent(Optional.empty(), false, 2));
    }

    @Test
    void a_torn_line_is_refused() throws Exception {
        String text = Files.readString(file);
        Files.writeString(file, text.substring(0, text.length() - 4));
        assertThatThrownBy(() -> Extent.of(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("torn");
    }
}
