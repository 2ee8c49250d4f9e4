package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What every adapter makes of keys with placeholders: the same text of the same values, and of others never the same. */
public abstract class KeyContract {

    private static final int PAIRS = 2_000;

    /** For subclasses. */
    protected KeyContract() {}

    /**
     * Fills a key in as the adapter does.
     *
     * @param template the key, in which {@code {0}}, {@code {1}} stand for the adapter's placeholders of the values
     * @param values what the job is called with
     * @return the key
     */
    protected abstract String key(String template, Object... values);

    /**
     * Returns a placeholder that this adapter cannot fill.
     *
     * @return as it is written
     */
    protected abstract String foreignPlaceholder();

    /**
     * Returns what a user of that placeholder should write instead.
     *
     * @return a part of the message
     */
    protected abstract String wayOut();

    /** A customer of an order. */
    public record Customer(String id, int tier) {}

    /** An order. */
    public record Order(Customer customer, List<String> lines) {}

    /** What no adapter can write the same way in each JVM. */
    public static final class Nameless {
        private final String id;

        /**
         * Makes one.
         *
         * @param id its only property
         */
        public Nameless(String id) {
            this.id = id;
        }

        /**
         * Returns its property.
         *
         * @return the id
         */
        public String getId() {
            return id;
        }
    }

    /** Kinds. */
    public enum Tier {
        /** With a text of its own, which must not matter. */
        GOLD {
            @Override
            public String toString() {
                return "a " + System.identityHashCode(this);
            }
        }
    }

    static Stream<Arguments> texts() {
        return Stream.of(
                Arguments.of("plain text", "plain text"),
                Arguments.of("a/b", "a%2Fb"),
                Arguments.of(42, "42"),
                Arguments.of(42L, "42"),
                Arguments.of(true, "true"),
                Arguments.of(Tier.GOLD, "GOLD"),
                Arguments.of(new UUID(1, 2), "00000000-0000-0001-0000-000000000002"),
                Arguments.of(LocalDate.of(2028, 2, 29), "2028-02-29"),
                Arguments.of(Instant.parse("2026-03-29T01:30:00Z"), "2026-03-29T01:30:00Z"),
                Arguments.of(Optional.of("x"), "x"),
                Arguments.of(List.of("a", List.of("b")), "[a,[b]]"),
                Arguments.of(new int[][] {{1, 2}, {3}}, "[[1,2],[3]]"),
                Arguments.of(new LinkedHashSet<>(List.of("b", "a")), "{a,b}"),
                Arguments.of(new LinkedHashMap<>(Map.of("b", 1)), "{b=1}"),
                Arguments.of(new Customer("c", 1), "io.hapax.testkit.KeyContract$Customer{id=c,tier=1}"));
    }

    @ParameterizedTest
    @MethodSource("texts")
    void a_value_has_one_text_in_every_adapter(Object value, String text) {
        assertThat(key("k/{0}", value)).isEqualTo("k/" + text);
    }

    @Test
    void maps_and_sets_have_the_same_text_in_whatever_order_they_keep_their_entries() {
        Map<String, Integer> hashed = new HashMap<>();
        Map<String, Integer> sorted = new TreeMap<>();
        for (int n = 0; n < 50; n++) {
            hashed.put("key " + n, n);
            sorted.put("key " + n, n);
        }
        assertThat(key("k/{0}", hashed)).isEqualTo(key("k/{0}", sorted));
        assertThat(key("k/{0}", Set.copyOf(hashed.keySet()))).isEqualTo(key("k/{0}", sorted.keySet()));
    }

    @Test
    void properties_are_followed() {
        Order order = new Order(new Customer("c/1", 2), List.of("line"));
        assertThat(key("customer/{0}.customer.id", order)).isEqualTo("customer/c%2F1");
        assertThat(key("customer/{0}.id", Map.of("id", 7))).isEqualTo("customer/7");
        assertThat(key("customer/{0}.id", new Nameless("n"))).isEqualTo("customer/n");
    }

    @Test
    void different_values_never_make_the_same_key() {
        assertThat(key("pair/{0}/{1}", "a/b", "c")).isNotEqualTo(key("pair/{0}/{1}", "a", "b/c"));
        assertThat(key("{0}, {1}", List.of("a, b"), "c")).isNotEqualTo(key("{0}, {1}", List.of("a", "b"), "c"));
        long seed = Long.getLong("hapax.test.seed", new SplittableRandom().nextLong());
        Random random = new Random(seed);
        Map<String, List<String>> seen = new HashMap<>();
        for (int n = 0; n < PAIRS; n++) {
            List<String> values = List.of(odd(random), odd(random));
            List<String> before = seen.put(key("k/{0}/{1}", values.get(0), values.get(1)), values);
            assertThat(before == null ? values : before)
                    .as("what else has the key, -Dhapax.test.seed=%s", seed)
                    .isEqualTo(values);
        }
    }

    /** Short texts of what means something in keys. */
    private static String odd(Random random) {
        String characters = "ab/%,[]{}=.@#$: é";
        StringBuilder text = new StringBuilder();
        for (int length = random.nextInt(5); length > 0; length--) {
            text.append(characters.charAt(random.nextInt(characters.length())));
        }
        return text.toString();
    }

    static Stream<Object> withoutText() {
        List<Object> nested = new ArrayList<>();
        nested.add(new Nameless("deep"));
        return Stream.of(
                new Object(), new Nameless("n"), new Object[] {new Object()}, nested, Map.of("k", new Nameless("v")));
    }

    @ParameterizedTest
    @MethodSource("withoutText")
    void an_object_without_a_text_is_refused_with_the_way_out(Object value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("k/{0}", value))
                .withMessageContaining("has no text that is the same in every JVM")
                .withMessageContaining("Use a property of it");
    }

    @Test
    void a_placeholder_of_another_adapter_is_refused_with_what_to_write_instead() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("customer/" + foreignPlaceholder(), "value"))
                .withMessageContaining(foreignPlaceholder())
                .withMessageContaining(wayOut());
    }

    @Test
    void placeholders_side_by_side_and_those_that_do_not_end_are_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("k/{0}{1}", "a", "b"))
                .withMessageContaining("Put a separator between them");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("k/%X{tenant", "a"))
                .withMessageContaining("k/%X{tenant");
    }
}
