package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.policy.KeyTemplate;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.quartz.JobDataMap;

class JobDataValuesTest {

    private static String key(String template, Map<String, ?> data) {
        return KeyTemplate.parse(template, JobDataValues.SYNTAX).fill(new JobDataValues(new JobDataMap(data)));
    }

    @Test
    void entries_of_the_job_data_are_filled_in() {
        assertThat(key("pair/%{a}/%{b}", Map.of("a", "a/b", "b", "c"))).isEqualTo("pair/a%2Fb/c");
        assertThat(key("pair/%{a}/%{b}", Map.of("a", "a", "b", "b/c"))).isEqualTo("pair/a/b%2Fc");
        assertThat(key("import/%{files}", Map.of("files", new String[] {"x", "y"})))
                .isEqualTo("import/[x,y]");
        assertThat(key("customer/%{order}.customer", Map.of("order", Map.of("customer", 7))))
                .isEqualTo("customer/7");
    }

    @Test
    void an_object_without_a_text_that_is_the_same_on_all_replicas_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("import/%{files}", Map.of("files", new Object())))
                .withMessage(
                        "key 'import/%{files}': %{files} has no value: a java.lang.Object has no text that is the same"
                                + " in every JVM. Use a property of it, such as %{files}.id");
    }

    @Test
    void a_placeholder_of_another_scheduler_is_refused_with_what_to_use_instead() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("customer/%0", Map.of()))
                .withMessage(
                        "key 'customer/%0': %0 is an argument, which a Quartz job does not have. Use %{name} for an"
                                + " entry of the job data, or %{name}.property");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("customer/#{#id}", Map.of()))
                .withMessageContaining("#{#id} is an expression, which a Quartz job does not have");
    }
}
