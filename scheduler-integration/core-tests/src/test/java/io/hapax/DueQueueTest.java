package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.time.NanoTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

class DueQueueTest {

    private static final long START = Long.MAX_VALUE - 5_000;
    private static final ToLongFunction<DueQueue.Entry> NOTHING_MORE = entry -> 0;

    private static final class Item extends DueQueue.Entry {}

    private final DueQueue queue = new DueQueue();

    private static NanoTime at(long offset) {
        return new NanoTime(START + offset);
    }

    private static List<Item> items(int count) {
        List<Item> items = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            items.add(new Item());
        }
        return items;
    }

    private List<DueQueue.Entry> taken(long now, ToLongFunction<DueQueue.Entry> ahead, int most, long later) {
        DueQueue.Cohort cohort = queue.takeDue(at(now), ahead, most, at(later));
        List<DueQueue.Entry> entries = new ArrayList<>();
        if (cohort != null) {
            cohort.addTo(entries);
        }
        return entries;
    }

    /** What is where, as maps have it. */
    private final class Model {
        final Map<Item, Long> dues = new HashMap<>();
        final Map<Item, DueQueue.Cohort> cohorts = new HashMap<>();
        final Random random = new Random(42);
        final List<Item> pool = items(300);

        void step() {
            Item item = pool.get(random.nextInt(pool.size()));
            long due = random.nextInt(10_000);
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    queue.put(item, at(due));
                    dues.put(item, due);
                    cohorts.remove(item);
                }
                case 3, 4, 5 -> {
                    queue.remove(item);
                    dues.remove(item);
                    cohorts.remove(item);
                }
                case 6 -> {
                    Collections.shuffle(pool, random);
                    List<Item> some = List.copyOf(pool.subList(0, random.nextInt(20)));
                    DueQueue.Cohort cohort = queue.putTogether(some, at(due));
                    some.forEach(one -> dues.put(one, due));
                    some.forEach(one -> cohorts.put(one, cohort));
                }
                default -> {
                    DueQueue.Cohort cohort = cohorts.get(item);
                    if (cohort != null) {
                        queue.move(cohort, at(due));
                        cohorts.forEach(
                                (one, of) -> dues.computeIfPresent(one, (key, was) -> of == cohort ? due : was));
                    }
                }
            }
        }

        void compare() {
            assertThat(queue.size()).isEqualTo(dues.size());
            dues.values().stream()
                    .min(Comparator.naturalOrder())
                    .ifPresent(first -> assertThat(queue.nextDue()).isEqualTo(at(first)));
            Item any = pool.get(random.nextInt(pool.size()));
            assertThat(any.queued()).isEqualTo(dues.containsKey(any));
            if (any.queued()) {
                assertThat(queue.due(any)).isEqualTo(at(dues.get(any)));
            }
        }
    }

    @Test
    void it_agrees_with_a_map_over_random_histories() {
        Model model = new Model();
        for (int step = 0; step < 50_000; step++) {
            model.step();
            model.compare();
        }
        assertThat(queue.all()).containsExactlyInAnyOrderElementsOf(model.dues.keySet());
        List<Item> due = model.dues.keySet().stream()
                .filter(item -> model.dues.get(item) <= 5_000)
                .toList();
        assertThat(taken(5_000, NOTHING_MORE, 10_000, 20_000)).containsExactlyInAnyOrderElementsOf(due);
        due.forEach(item -> assertThat(queue.due(item)).isEqualTo(at(20_000)));
        model.pool.forEach(queue::remove);
        assertThat(queue.size()).isZero();
        assertThat(queue.nextDue()).isNull();
    }

    @Test
    void an_entry_is_due_at_its_instant_and_not_one_nanosecond_before() {
        Item item = new Item();
        queue.put(item, at(100));
        assertThat(taken(99, NOTHING_MORE, 10, 200)).isEmpty();
        assertThat(queue.due(item)).isEqualTo(at(100));
        assertThat(taken(100, NOTHING_MORE, 10, 200)).containsExactly(item);
        assertThat(queue.due(item)).isEqualTo(at(200));
        queue.remove(item);
        assertThat(item.queued()).isFalse();
        assertThat(queue.nextDue()).isNull();
    }

    @Test
    void what_is_due_soon_is_taken_along_the_earliest_first_and_no_more_than_asked_for() {
        List<Item> items = items(6);
        for (int n = 0; n < items.size(); n++) {
            queue.put(items.get(n), at(100 + 10L * n));
        }
        assertThat(taken(100, entry -> 25, 2, 500)).containsExactlyElementsOf(items.subList(0, 2));
        assertThat(taken(120, entry -> 25, 10, 600)).containsExactlyElementsOf(items.subList(2, 5));
        assertThat(queue.due(items.get(5))).isEqualTo(at(150));
    }

    @Test
    void a_cohort_is_taken_as_a_whole_or_left() {
        List<Item> items = items(8);
        queue.put(items.get(0), at(1));
        queue.putTogether(items.subList(1, 8), at(2));
        assertThat(taken(10, NOTHING_MORE, 7, 100)).containsExactly(items.get(0));
        assertThat(taken(10, NOTHING_MORE, 5, 100)).containsExactlyElementsOf(items.subList(1, 8));
        assertThat(taken(10, NOTHING_MORE, 5, 100)).isEmpty();
    }

    @Test
    void a_member_that_is_put_or_removed_leaves_the_others_where_they_are() {
        List<Item> items = items(4);
        DueQueue.Cohort cohort = queue.putTogether(items, at(100));
        queue.put(items.get(1), at(50));
        queue.remove(items.get(2));
        queue.move(cohort, at(300));
        assertThat(queue.due(items.get(0))).isEqualTo(at(300));
        assertThat(queue.due(items.get(1))).isEqualTo(at(50));
        assertThat(queue.due(items.get(3))).isEqualTo(at(300));
        assertThat(queue.size()).isEqualTo(3);
        queue.put(items.get(0), at(10));
        queue.put(items.get(3), at(20));
        // Nobody is left in it.
        queue.move(cohort, at(5));
        assertThat(queue.nextDue()).isEqualTo(at(10));
    }

    @Test
    void a_cohort_that_was_moved_meanwhile_stays_where_it_is() {
        List<Item> items = items(2);
        DueQueue.Cohort cohort = queue.putTogether(items, at(100));
        queue.moveFrom(cohort, at(99), at(500));
        assertThat(queue.due(items.get(0))).isEqualTo(at(100));
        queue.moveFrom(cohort, at(100), at(500));
        assertThat(queue.due(items.get(0))).isEqualTo(at(500));
    }

    @Test
    void nothing_is_forgotten_when_looking_for_what_is_due_fails() {
        List<Item> items = items(3);
        queue.put(items.get(0), at(1));
        queue.put(items.get(1), at(2));
        queue.put(items.get(2), at(300));
        ToLongFunction<DueQueue.Entry> failsForTheSecond = entry -> {
            if (entry == items.get(1)) {
                throw new IllegalStateException("no ttl");
            }
            return 0;
        };
        assertThatThrownBy(() -> taken(10, failsForTheSecond, 10, 200)).isInstanceOf(IllegalStateException.class);
        assertThat(queue.all()).containsExactlyInAnyOrderElementsOf(items);
        assertThat(taken(200, NOTHING_MORE, 10, 400)).containsExactlyInAnyOrderElementsOf(items.subList(0, 2));
    }
}
