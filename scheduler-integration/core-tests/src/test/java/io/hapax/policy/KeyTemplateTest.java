package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.lease.LockKey;
import io.hapax.policy.KeyTemplate.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTemplateTest {

    private static final KeySyntax ALL = new KeySyntax("this job", EnumSet.allOf(Kind.class), "something else");
    private static final KeySyntax NAMES =
            new KeySyntax("a Quartz job", Set.of(Kind.NAME, Kind.MDC), "%{name} for an entry of the job data");

    record Customer(int id, String name) {}

    record Order(Customer customer, Optional<Customer> payer) {}

    static class Bean {
        private final String secret = "field";

        public String getTitle() {
            return "title";
        }

        public boolean isOpen() {
            return true;
        }

        public Bean broken() {
            throw new IllegalStateException("no");
        }
    }

    /** Values of a run. */
    private record Values(List<@Nullable Object> arguments, Map<String, ?> entries) implements KeyValues {

        @Override
        public @Nullable Object named(String name) {
            return entries.get(name);
        }

        @Override
        public Collection<String> names() {
            return entries.keySet();
        }

        @Override
        public @Nullable String mdc(String name) {
            return name.equals("tenant") ? "acme" : null;
        }

        @Override
        public Object expression(String expression) {
            return "<" + expression + ">";
        }
    }

    private static Values arguments(@Nullable Object... arguments) {
        return new Values(Arrays.asList(arguments), Map.of());
    }

    private static String key(String template, @Nullable Object... arguments) {
        return KeyTemplate.parse(template, ALL).fill(arguments(arguments));
    }

    private static String named(String template, Map<String, ?> entries) {
        return KeyTemplate.parse(template, ALL).fill(new Values(List.of(), entries));
    }

    @Test
    void placeholders_are_replaced() {
        Order order = new Order(new Customer(7, "Smith"), Optional.of(new Customer(8, "Doe")));
        assertThat(key("nightly")).isEqualTo("nightly");
        assertThat(key("customer/%0", 42)).isEqualTo("customer/42");
        assertThat(key("%1-%0", "a", "b")).isEqualTo("b-a");
        assertThat(key("%10", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "tenth")).isEqualTo("tenth");
        assertThat(key("o/%0.customer.id/%0.payer.name", order)).isEqualTo("o/7/Doe");
        assertThat(key("m/%0.id", Map.of("id", 5))).isEqualTo("m/5");
        assertThat(key("b/%0.title/%0.open/%0.secret", new Bean())).isEqualTo("b/title/true/field");
        assertThat(key("t/%X{tenant}")).isEqualTo("t/acme");
        assertThat(key("e/#{#a.b ? '}' : {1}}")).isEqualTo("e/<#a.b ? '%7D' : %7B1%7D>");
        assertThat(named("import/%{file}", Map.of("file", "x.csv"))).isEqualTo("import/x.csv");
        assertThat(named("c/%{customer}.id", Map.of("customer", new Customer(3, ""))))
                .isEqualTo("c/3");
    }

    @Test
    void percent_signs_and_dots_can_be_written() {
        assertThat(key("100%%")).isEqualTo("100%");
        assertThat(key("%0%.csv", "file")).isEqualTo("file.csv");
        assertThat(key("%0.", "file")).isEqualTo("file.");
        assertThat(key("%%0/%0", "a")).isEqualTo("%%0/a");
    }

    @Test
    void nothing_in_a_value_is_replaced_again() {
        assertThat(key("%0/%1", "%1", "%0")).isEqualTo("%251/%250");
        assertThat(key("x/%0", "#{1}%X{tenant}")).isEqualTo("x/#%7B1%7D%25X%7Btenant%7D");
    }

    @Test
    void different_values_make_different_keys() {
        assertThat(key("pair/%0/%1", "a/b", "c")).isNotEqualTo(key("pair/%0/%1", "a", "b/c"));
        assertThat(key("%0x%1", "axb", "c")).isNotEqualTo(key("%0x%1", "a", "bxc"));
        assertThat(key("%0%%2F%1", "a/b", "c")).isNotEqualTo(key("%0%%2F%1", "a", "b/c"));
        assertThat(key("k/%0", List.of("a", "b"))).isNotEqualTo(key("k/%0", "[a,b]"));
    }

    @Test
    void different_values_make_different_keys_whatever_stands_between_them() {
        Random random = new Random(20261128);
        String alphabet = "a/%-2uF\n";
        for (String between : List.of("/", "-", "x", "a", "2", "%%", "%%2F", "%%u", "//", "a/", "\n", "é", "😀")) {
            KeyTemplate template = KeyTemplate.parse("%{a}" + between + "%{b}", ALL);
            Map<String, List<String>> seen = new HashMap<>();
            for (int n = 0; n < 20_000; n++) {
                List<String> pair = List.of(text(random, alphabet), text(random, alphabet));
                String key = template.fill(new Values(List.of(), Map.of("a", pair.get(0), "b", pair.get(1))));
                List<String> before = seen.putIfAbsent(key, pair);
                assertThat(before == null ? pair : before)
                        .as("with '%s' between", between)
                        .isEqualTo(pair);
            }
        }
    }

    private static String text(Random random, String alphabet) {
        StringBuilder text = new StringBuilder();
        for (int n = random.nextInt(5); n > 0; n--) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }

    @Test
    void placeholders_side_by_side_are_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> KeyTemplate.parse("pair/%0%1", ALL))
                .withMessage(
                        "key 'pair/%0%1': %0 and %1 stand side by side, so that different values could make the same key."
                                + " Put a separator between them, such as /");
    }

    @Test
    void what_this_kind_of_job_cannot_fill_is_refused_with_what_to_use_instead() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> KeyTemplate.parse("customer/%0", NAMES))
                .withMessage("key 'customer/%0': %0 is an argument, which a Quartz job does not have."
                        + " Use %{name} for an entry of the job data");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> KeyTemplate.parse("customer/#{1}", NAMES))
                .withMessageContaining("#{1} is an expression");
    }

    @ParameterizedTest
    @ValueSource(strings = {"50% off", "%", "x/%", "%x", "%-1", "%{", "%{}", "%X{", "%X{ }", "#{", "#{1", "${missing}"})
    void what_is_no_placeholder_is_refused(String template) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> KeyTemplate.parse(template, ALL))
                .withMessageStartingWith("key '" + template + "': '")
                .withMessageContaining("Allowed are %0, %0.property");
    }

    @Test
    void a_missing_value_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("c/%1", "a"))
                .withMessage("key 'c/%1': %1 has no value: there is 1 argument, %0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("c/%0", (Object) null))
                .withMessageContaining("%0 has no value: it is null");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("c/%0.name", new Customer(1, nothing())))
                .withMessageContaining("%0.name has no value: 'name' is null");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("c/%0.title", new Customer(1, "a")))
                .withMessageContaining("has no record component, getter or field 'title'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("c/%0.broken", new Bean()))
                .withMessageContaining("threw java.lang.IllegalStateException: no");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> named("c/%{id}", Map.of("b", 1, "a", 2)))
                .withMessage("key 'c/%{id}': %{id} has no value: nothing is called 'id'; there are [a, b]");
        assertThatIllegalArgumentException().isThrownBy(() -> key("c/%X{user}")).withMessageContaining("%X{user}");
    }

    @SuppressWarnings("NullAway") // what callers do all the same
    private static String nothing() {
        return null;
    }

    @Test
    void a_value_without_a_text_of_its_own_is_refused_with_the_way_out() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("c/%0", new Bean()))
                .withMessage("key 'c/%0': %0 has no value: a " + Bean.class.getName()
                        + " has no text that is the same in every JVM. Use a property of it, such as %0.id");
    }

    @Test
    void arguments_can_be_checked_before_there_are_any() {
        KeyTemplate template = KeyTemplate.parse("c/%1", ALL);
        template.requireArguments(2);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> template.requireArguments(1))
                .withMessage("key 'c/%1': %1 has no value: there is 1 argument, %0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> KeyTemplate.parse("%99999999999", ALL).requireArguments(1));
    }

    @ParameterizedTest
    @CsvSource({"nightly, true, false", "t/%X{tenant}, false, false", "c/%0, false, true", "c/%{a}, false, true"})
    void it_is_known_what_a_key_depends_on(String template, boolean constant, boolean values) {
        assertThat(KeyTemplate.parse(template, ALL).isConstant()).isEqualTo(constant);
        assertThat(KeyTemplate.parse(template, ALL).dependsOnValues()).isEqualTo(values);
    }

    @Test
    void every_key_is_one_that_a_store_takes() {
        String wide = "é".repeat(1_000);
        for (String value : List.of("a\nb\u0000", "half \ud83d", wide, "x".repeat(600))) {
            new LockKey(key("k/%0", value));
        }
        assertThat(key("k/%0", "x".repeat(510))).hasSize(512);
        assertThat(key("k/%0", "x".repeat(511))).hasSize(165);
        assertThat(key("k/%0", wide + "1")).isNotEqualTo(key("k/%0", wide + "2"));
        assertThat(key("k/%0", wide).getBytes(StandardCharsets.UTF_8)).hasSizeLessThanOrEqualTo(512);
    }

    @Test
    void nobody_can_choose_the_short_form_of_another_key() {
        String shortened = key("k/%0", "x".repeat(600));
        assertThat(key("%0", shortened)).isNotEqualTo(shortened);
        assertThat(key(shortened)).isNotEqualTo(shortened);
    }

    @Test
    void half_a_surrogate_pair_in_a_template_is_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> KeyTemplate.parse("k/\ud83d", ALL));
    }
}
