package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.Observer;
import io.hapax.benchmarks.faults.history.World;
import io.hapax.benchmarks.harness.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A history with one bad case, as an observer writes it. */
@Tag("slow")
class ReportTest {

    @TempDir
    private Path folder;

    private void observe(String contender) throws Exception {
        observe(contender, true);
    }

    private void observe(String contender, boolean healed) throws Exception {
        Path file = folder.resolve(contender + "-usual-42.history");
        try (ChildJvm observer = ChildJvm.start(Observer.class, List.of("-Xmx64m"), file.toString());
                World world = World.connect(Integer.parseInt(observer.read()), "nemesis")) {
            world.tell(EventType.PLAN, "--contenders=" + contender + " --faults=worker-kill,net-cut --seed=42");
            world.tell(EventType.DUE, "ITEM", "item-1", "account-1");
            world.tell(EventType.FAULT, "worker-kill", contender, 42, "alice");
            for (String worker : List.of("alice", "bob")) {
                world.tell(EventType.UP, worker);
                String run = worker + "-1";
                world.tell(EventType.BEGIN, run, "ITEM", "item-1", "account-1", "-", "-");
                String unused = world.ask("file", run, "item-1");
                world.tell(EventType.EFFECT, run, "row", "item-1", "ok");
            }
            world.tell(EventType.STEP, "alice-1");
            if (healed) {
                world.tell(EventType.HEALED, "worker-kill");
            }
            world.tell(EventType.OVER, contender);
            String unused = world.ask("pending", "item", "0", "0");
        }
    }

    @Test
    void the_page_tells_what_happened_to_whom_and_how_to_see_it_again() throws Exception {
        observe("rlock");
        List<Outcome> outcomes = Outcome.read(folder);
        String page = Files.readString(Report.write(outcomes, folder));
        assertThat(page)
                .contains("| Redisson RLock, watchdog | 1 | 2 | 1 | 1 | 0 |")
                .contains("| `worker-kill`: a worker is killed (SIGKILL) while it runs jobs, and started again | F1 P1")
                .contains("`--contenders=rlock --faults=worker-kill --seed=42`")
                .contains("| rlock | 1 | 1 | 1, 1 | 0 | `--contenders=rlock --faults=worker-kill,net-cut --seed=42` |");
        Path picture = folder.resolve("rlock-usual-42.svg");
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(picture.toFile());
        assertThat(Files.readString(picture)).contains("lock key account-1", "●", "◆");
        assertThat(outcomes.get(0).line())
                .startsWith("hapax-faults contender=rlock occurrences=1 effects_twice=1 effects_lost=0 overlaps=");
        assertThat(outcomes.get(0).broken()).as("a peer promises us nothing").isEmpty();
    }

    @Test
    void what_hapax_ought_not_to_have_let_happen_is_named_with_its_fault() throws Exception {
        observe("hapax-l1");
        assertThat(Outcome.read(folder).get(0).broken())
                .anySatisfy(line -> assertThat(line)
                        .startsWith("hapax-l1, worker-kill: 1 twice in the file")
                        .contains("file twice item-1"));
    }

    @Test
    void each_table_has_as_many_cells_in_each_row_as_heads() throws Exception {
        observe("rlock");
        observe("hapax-l1");
        String page = Files.readString(Report.write(Outcome.read(folder), folder));
        for (String table : page.split("\n\n")) {
            List<Long> cells = table.lines()
                    .filter(line -> line.startsWith("|"))
                    .map(line -> line.chars().filter(c -> c == '|').count())
                    .distinct()
                    .toList();
            assertThat(cells).as(table).hasSizeLessThanOrEqualTo(1);
        }
        assertThat(page).contains("| Hapax level 1: lease | 0 | 0 |");
    }

    @Test
    void a_fault_that_was_not_carried_out_is_no_proof() throws Exception {
        observe("hapax-l1", false);
        List<Outcome> outcomes = Outcome.read(folder);
        assertThat(Files.readString(Report.write(outcomes, folder))).contains("| not carried out |");
        assertThat(outcomes.get(0).broken())
                .anySatisfy(line -> assertThat(line).contains("the fault was not carried out"));
    }

    @Test
    void a_history_that_was_not_brought_to_its_end_counts_for_nothing() throws Exception {
        observe("rlock");
        Path file = folder.resolve("rlock-usual-42.history");
        // The observer may note after it that it had no processor.
        List<String> lines = Files.readAllLines(file).stream()
                .filter(line -> !line.contains("\tOVER\t"))
                .toList();
        Files.write(file, lines);
        assertThat(Outcome.read(folder)).isEmpty();
    }
}
