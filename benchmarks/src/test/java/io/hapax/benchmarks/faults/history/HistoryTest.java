package io.hapax.benchmarks.faults.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class HistoryTest {

    @TempDir
    private Path folder;

    @Test
    void what_was_written_is_read_again_in_order_also_after_a_restart() throws IOException {
        Path file = folder.resolve("a.history");
        try (History history = History.appendTo(file)) {
            history.add("alice", EventType.STEP, List.of("run-1"));
        }
        try (History history = History.appendTo(file)) {
            history.add("bob", EventType.END, List.of("run-2", "done, after all"));
        }
        List<Event> events = History.read(file);
        assertThat(events).extracting(Event::source).containsExactly("alice", "bob");
        assertThat(events.get(1).field(1)).isEqualTo("done, after all");
        assertThat(events.get(1).nanos()).isGreaterThan(events.get(0).nanos());
    }

    @Test
    void a_torn_line_is_noticed() throws IOException {
        Path file = folder.resolve("a.history");
        try (History history = History.appendTo(file)) {
            history.add("alice", EventType.STEP, List.of("run-1"));
        }
        String text = Files.readString(file);
        Files.writeString(file, text.replace("run-1", "run-7"));
        assertThatThrownBy(() -> History.read(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("torn");
    }

    @Test
    void an_event_needs_all_its_fields() {
        assertThatThrownBy(() -> Event.of(0, "alice", EventType.END, "run-1"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("END has 2 fields");
    }
}
