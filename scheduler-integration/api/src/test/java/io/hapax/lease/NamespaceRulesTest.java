package io.hapax.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class NamespaceRulesTest {

    @ParameterizedTest
    @NullSource
    @ValueSource(
            strings = {
                "default",
                "Default",
                "QuartzScheduler",
                "quartzScheduler",
                "DefaultQuartzScheduler",
                "SimpleQuartzScheduler"
            })
    void no_namespace_and_the_default_of_a_library_are_refused_with_what_to_set(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NamespaceRules.chosen(name))
                .withMessageStartingWith("setting namespace: ")
                .withMessageContaining("name application and environment, such as billing-production");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NamespaceRules.derived("the scheduler's name", name, "the namespace"))
                .withMessageContaining("; set the scheduler's name, or the namespace, alike on all replicas");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t"})
    void a_blank_name_is_none(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NamespaceRules.derived("name", name, "it"))
                .withMessageContaining("as name is not set");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "shop", "billing_eu.2-production", "defaults", "my-default"})
    void what_can_be_a_namespace_stays_as_it_is(String name) {
        assertThat(NamespaceRules.chosen(name)).isEqualTo(name);
        assertThat(NamespaceRules.derived("name", name, "it")).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "ä", "a/b", "{a}", "a:b", "a\nb"})
    void a_chosen_one_with_other_characters_is_refused(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NamespaceRules.chosen(name))
                .withMessageContaining("use 1 to 64 letters, digits, '.', '_' or '-'");
    }

    @Test
    void any_readable_name_becomes_a_namespace_of_its_own() {
        String ofTwo = NamespaceRules.derived("name", "My Scheduler", "it");
        List<String> names = List.of(
                "My Scheduler",
                "My-Scheduler",
                "My  Scheduler",
                "my scheduler",
                "Überweisungen",
                "Uberweisungen",
                "Öberweisungen",
                "日程",
                "時程",
                "a/b",
                "a:b",
                "x".repeat(64),
                "x".repeat(65),
                "x".repeat(66),
                // As if somebody had chosen what is derived from another name.
                ofTwo);
        Set<String> derived = new HashSet<>();
        for (String name : names) {
            String namespace = NamespaceRules.derived("name", name, "it");
            assertThat(namespace).matches("[A-Za-z0-9_.-]{1,64}");
            assertThat(NamespaceRules.derived("name", name, "it")).isEqualTo(namespace);
            assertThat(NamespaceRules.chosen(namespace)).isEqualTo(namespace);
            assertThat(derived.add(namespace)).as(name).isTrue();
        }
        assertThat(ofTwo).startsWith("My-Scheduler--");
        assertThat(derived).contains("My-Scheduler", "x".repeat(64));
    }
}
