package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.time.NanoTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DueQueueTest {

    private static final long START = Long.MAX_VALUE - 5_000;

    private static final class Item extends DueQueue.Entry {}

    private final DueQueue queue = new DueQueue();

    private static NanoTime at(long offset) {
        return new NanoTime(START + offset);
    }

    @Test
    void it_agrees_with_a_sorted_list_over_random_histories() {
        Random random = new Random(42);
        Map<Item, Long> model = new HashMap<>();
        List<Item> pool = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            pool.add(new Item());
        }
        for (int step = 0; step < 50_000; step++) {
            Item item = pool.get(random.nextInt(pool.size()));
            if (random.nextInt(3) < 2) {
                long due = random.nextInt(10_000);
                if (random.nextBoolean()) {
                    queue.put(item, at(due));
                } else {
                    queue.putAside(item, at(due));
                }
                model.put(item, due);
            } else {
                queue.remove(item);
                model.remove(item);
            }
            assertThat(queue.size()).isEqualTo(model.size());
            if (!model.isEmpty()) {
                long first =
                        model.values().stream().min(Comparator.naturalOrder()).orElseThrow();
                assertThat(queue.nextDue()).isEqualTo(at(first));
            }
        }
        List<Long> taken = queue.takeDue(at(5_000), 10_000).stream()
                .map(e -> e.due().nanos() - START)
                .toList();
        assertThat(taken).isSorted().hasSize((int)
                model.values().stream().filter(due -> due <= 5_000).count());
    }

    @Test
    void an_entry_is_due_at_its_instant_and_not_one_nanosecond_before() {
        Item item = new Item();
        queue.put(item, at(100));
        assertThat(queue.takeDue(at(99), 10)).isEmpty();
        assertThat(queue.takeDue(at(100), 10)).containsExactly(item);
        assertThat(item.queued()).isFalse();
        assertThat(queue.nextDue()).isNull();
    }
}
