package io.hapax.benchmarks.faults.history;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ResourcesTest {

    private final Resources resources = new Resources();

    @Test
    void the_store_refuses_a_writer_once_a_later_one_has_shown_itself() {
        assertThat(resources.raise("k", 7)).isTrue();
        assertThat(resources.raise("k", 8)).isTrue();
        assertThat(resources.store("k", "item-1", 7)).isFalse();
        assertThat(resources.isStored("item-1")).isFalse();
        assertThat(resources.store("k", "item-1", 8)).isTrue();
        assertThat(resources.isStored("item-1")).isTrue();
    }

    @Test
    void tokens_of_different_keys_have_nothing_to_do_with_each_other() {
        assertThat(resources.raise("k", 9)).isTrue();
        assertThat(resources.store("other", "item-1", 1)).isTrue();
    }

    @Test
    void pending_is_what_was_due_then_and_has_not_ended_well() {
        resources.due("item-1");
        resources.due("long-1");
        resources.due("tick-1");
        resources.file("long-1");
        resources.ended("item-1");
        resources.due("item-1");
        assertThat(resources.pending("item|long", Long.MIN_VALUE, Long.MAX_VALUE))
                .isEqualTo(1);
        assertThat(resources.pending("item|long|tick", Long.MIN_VALUE, Long.MAX_VALUE))
                .isEqualTo(2);
        assertThat(resources.pending("long", Long.MIN_VALUE, System.nanoTime() - 60_000_000_000L))
                .isZero();
    }
}
